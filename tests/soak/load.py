"""What uses the grid meanwhile: charge points that repeat requests, and stop sessions, and a person at the console."""

import asyncio
import collections
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

import aiohttp

from tests.support.console import PASSWORD

ASK_AGAIN_S = 0.2
GIVE_UP_S = 60.0  # a service that restarts is back in a second or two
MOST_KNOWN = 300  # the newest sessions; those of today and yesterday may be asked for
CHARGE_S = 10.0
PAGES = ("/", "/decisions", "/sessions", "/api/history?seconds=60", "/energy", "/metrics")


class Known(NamedTuple):
    """An admission: the day of the wall clock, the key and the session."""

    day: int
    key: str
    session_id: str


class Load(threading.Thread):
    """Sends `rate` requests a second until it is ended. `faults` has what must not happen."""

    def __init__(self, gateway: str, console: str, rate: float, today: Callable[[], int], seed: int) -> None:
        """`today` returns the number of the day by the wall clock of the grid."""
        super().__init__(daemon=True)
        self.answers: Counter[str] = Counter()
        self.faults: list[str] = []
        self._gateway = gateway
        self._console = console
        self._rate = rate
        self._today = today
        self._random = random.Random(seed)
        self._known: collections.deque[Known] = collections.deque(maxlen=MOST_KNOWN)
        self._number = 0
        self._over = threading.Event()

    def run(self) -> None:
        """Send, on an event loop of this thread."""
        asyncio.run(self._all())

    def end(self) -> None:
        """Send nothing more, and wait for the answers to what was sent."""
        self._over.set()
        self.join(2 * GIVE_UP_S)

    async def _all(self) -> None:
        limit = aiohttp.ClientTimeout(CHARGE_S)
        jar = aiohttp.DummyCookieJar()  # it would not keep `__Host-` cookies without TLS
        async with (
            aiohttp.ClientSession(timeout=limit) as cars,
            aiohttp.ClientSession(timeout=limit, cookie_jar=jar) as person,
        ):
            tasks = {asyncio.create_task(self._person(person))}
            while not self._over.is_set():
                tasks.add(asyncio.create_task(self._one(cars)))
                await asyncio.sleep(self._random.expovariate(self._rate))
                tasks = {task for task in tasks if not task.done()}
            await asyncio.gather(*tasks)

    async def _one(self, http: aiohttp.ClientSession) -> None:
        """Do one of the things that charge points do."""
        chosen, known = self._random.random(), self._recent()
        if known and chosen < 0.1:
            await self._charge(http, known.key, known)
        elif known and chosen < 0.2:
            status, answer = await self._ask(http, "GET", f"/charge/{known.session_id}")
            if status != 200 and self._kept(known):
                self.faults.append(f"session {known.session_id} was accepted, and now: {status} {answer}")
        elif known and chosen < 0.25:
            await self._ask(http, "DELETE", f"/charge/{known.session_id}")
        else:
            self._number += 1
            await self._charge(http, f"soak-{self._number}")

    def _recent(self) -> Known | None:
        """Return an admission that the grid must know."""
        while self._known and not self._kept(self._known[0]):
            self._known.popleft()
        return self._random.choice(self._known) if self._known else None

    def _kept(self, known: Known) -> bool:
        """Whether an admission is of today or yesterday; older ones may have been dropped."""
        return known.day >= self._today() - 1

    async def _charge(self, http: aiohttp.ClientSession, key: str, known: Known | None = None) -> None:
        """Ask with a key; one that is known must give the session that it gave."""
        day = self._today()  # when it was sent: it may be admitted later
        body = {"vehicle_id": f"car-{key}", "energy_kwh": 20 + len(key) % 7, "stay_minutes": 600}
        status, answer = await self._ask(http, "POST", "/charge", body, {"Idempotency-Key": key})
        if status == 201 and not known:
            self._known.append(Known(day, key, answer["session_id"]))
        elif known and (status != 201 or answer["session_id"] != known.session_id) and self._kept(known):
            self.faults.append(f"key {key} gave {known.session_id}, and now: {status} {answer}")

    async def _ask(
        self, http: aiohttp.ClientSession, method: str, path: str, body: Any = None, headers: Any = None
    ) -> Any:
        """Ask until there is an answer that is final; returns its status and its document."""
        until_s = time.monotonic() + GIVE_UP_S
        while True:
            try:
                async with http.request(method, self._gateway + path, json=body, headers=headers) as answer:
                    status, document = answer.status, json.loads(await answer.read() or b"{}")
            except (aiohttp.ClientError, TimeoutError) as error:
                status, document = 0, {"type": type(error).__name__}
            kind = str(document.get("type", "")).rpartition(":")[2]
            self.answers[f"{method} {status} {kind}".strip()] += 1
            if status >= 500 and status != 503:
                self.faults.append(f"{method} {path}: {status} {document}")
            if status not in {0, 503} or kind == "no-capacity" or time.monotonic() > until_s:
                return status, document
            await asyncio.sleep(ASK_AGAIN_S)

    async def _person(self, http: aiohttp.ClientSession) -> None:
        """Read pages of the console; log in again when the login has ended."""
        cookies = ""
        while not self._over.is_set():
            for page in PAGES:
                try:
                    async with http.get(
                        self._console + page, headers={"Cookie": cookies}, allow_redirects=False
                    ) as answer:
                        await answer.read()
                        status = answer.status
                    if status in {302, 303, 401}:
                        cookies = await self._log_in(http)
                except (aiohttp.ClientError, TimeoutError):
                    status = 0
                self.answers[f"console {status}"] += 1
                if status >= 500 and status != 503:
                    self.faults.append(f"console {page}: {status}")
                await asyncio.sleep(0.5)

    async def _log_in(self, http: aiohttp.ClientSession) -> str:
        """Log in; returns the cookies as the browser sends them."""
        form, headers = {"name": "ann", "password": PASSWORD}, {"Origin": self._console}
        async with http.post(
            f"{self._console}/login", data=form, headers=headers, allow_redirects=False
        ) as answer:
            await answer.read()
            self.answers[f"login {answer.status}"] += 1
            given = answer.headers.getall("Set-Cookie", [])
            return "; ".join(each.partition(";")[0] for each in given)
