"""Clients that send each keyed request several times over at once, and again until it is accepted."""

import asyncio
import dataclasses
import json
import time
from collections.abc import Sequence
from typing import Any

import aiohttp

MOST_S = 90.0  # for a request to be accepted; a limit, not an expectation
ATTEMPT_S = 12.0  # for one answer: a gateway that is frozen gives none
SOON_S = 0.2  # before the next attempt, where nothing else is said
MOST_OPEN = 1_000  # keys without a 201: a gateway that is frozen for 6 s collects half of the copies of 6 s


@dataclasses.dataclass
class Request:
    """One request: when all its copies were sent, when each had its 201 (monotonic seconds), and the ids of their sessions."""

    key: str
    sent_s: float
    accepted_s: list[float] = dataclasses.field(default_factory=list)
    session_ids: set[str] = dataclasses.field(default_factory=set)


class DuplicatedLoad:
    """Sends `rate` new keys a second, each `copies` times at once over all `gateways`, until it is ended.

    While `most_open` keys have no 201 it sends no new ones, and does not make up for them later: a machine that can't keep
    up would else be measured by its queue of clients.
    """

    def __init__(
        self,
        gateways: Sequence[str],
        rate: float,
        copies: int,
        body: dict[str, Any],
        most_open: int = MOST_OPEN,
    ) -> None:
        self.requests: list[Request] = []
        self.newest_accepted_s = 0.0  # when the newest request with a 201 was sent
        self._gateways = gateways
        self._rate = rate
        self._copies = copies
        self._body = body
        self._tasks: set[asyncio.Task[None]] = set()
        self._over = False
        self._most_open = most_open

    @property
    def in_flight(self) -> int:
        """How many copies have no 201 yet."""
        return len(self._tasks)

    async def run(self) -> None:
        """Send until `end`, then wait until all copies were answered."""
        due, looked_s = 0.0, time.monotonic()
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
            while not self._over:
                now_s = time.monotonic()
                due, looked_s = min(due + (now_s - looked_s) * self._rate, self._rate), now_s
                while due >= 1 and self.in_flight < self._most_open * self._copies:
                    self._send(http)
                    due -= 1
                await asyncio.sleep(0.01)
            await asyncio.gather(*self._tasks)

    def end(self) -> None:
        """Send no new requests."""
        self._over = True

    def _send(self, http: aiohttp.ClientSession) -> None:
        number = len(self.requests)
        request = Request(f"key-{number}", time.monotonic())
        self.requests.append(request)
        for copy in range(self._copies):
            task = asyncio.create_task(self._accepted(http, request, number + copy))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _accepted(self, http: aiohttp.ClientSession, request: Request, turn: int) -> None:
        """Ask with the key until there is a 201, at another gateway after each failure."""
        end_s = time.monotonic() + MOST_S
        while time.monotonic() < end_s:
            again_s = SOON_S
            url = f"{self._gateways[turn % len(self._gateways)]}/charge"
            body = {"vehicle_id": request.key, **self._body}
            try:
                async with http.post(
                    url,
                    json=body,
                    headers={"Idempotency-Key": request.key},
                    timeout=aiohttp.ClientTimeout(total=ATTEMPT_S),
                ) as answer:
                    said = await answer.text()
                    if answer.status == 201:
                        request.accepted_s.append(time.monotonic())
                        self.newest_accepted_s = max(self.newest_accepted_s, request.sent_s)
                        request.session_ids.add(json.loads(said)["session_id"])
                        return
                    assert answer.status == 503, said
                    again_s = float(answer.headers.get("Retry-After", SOON_S))
            except (aiohttp.ClientError, TimeoutError):
                pass
            turn += 1
            await asyncio.sleep(again_s)
