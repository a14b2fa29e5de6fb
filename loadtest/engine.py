"""Sends the arrivals to the gateway at their moments, whatever the answers take (an open model)."""

import asyncio
import collections
import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import aiohttp

from loadtest.arrivals import Arrival
from loadtest.records import UNAVAILABLE, Outcome, Request, Session

ANSWER_TIMEOUT_S = 30.0
GRACE_S = 5.0  # how long an interrupted run waits for what is under way
CREATED = 201
TOO_MANY = 429


class Engine:
    """Sends one plan; `requests` holds what is answered so far, `sent` counts what went out."""

    def __init__(
        self,
        http: aiohttp.ClientSession,
        gateway_url: str,
        run_id: str,
        concurrency: int,
        now: Callable[[], float],
    ) -> None:
        self.requests: list[Request] = []
        self.outcomes: collections.Counter[Outcome] = collections.Counter()
        self.sent = 0
        self._http = http
        self._url = f"{gateway_url}/charge"
        self._run_id = run_id
        self._slots = asyncio.Semaphore(concurrency)
        self.now = now
        self._stopped = False

    async def run(self, plan: Sequence[Arrival], start_unix_s: float, stop: asyncio.Event) -> None:
        """Send `plan` from `start_unix_s` on and wait for all answers; `stop` ends the sending."""
        under_way: set[asyncio.Task[None]] = set()
        self._stopped = not await unless(stop, self._pace(plan, start_unix_s, under_way))
        if not self._stopped and under_way:
            self._stopped = not await unless(stop, asyncio.wait(under_way))
        if self._stopped and under_way:
            _, late = await asyncio.wait(under_way, timeout=GRACE_S)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        for task in under_way:
            if not task.cancelled():
                task.result()  # a fault of ours is shown, not lost

    async def _pace(
        self, plan: Sequence[Arrival], start_unix_s: float, under_way: set[asyncio.Task[None]]
    ) -> None:
        for index, arrival in enumerate(plan):
            await asyncio.sleep(max(start_unix_s + arrival.at_s - self.now(), 0))
            under_way.add(asyncio.create_task(self._send(index, arrival, start_unix_s + arrival.at_s)))

    async def _send(self, index: int, arrival: Arrival, intended_unix_s: float) -> None:
        async with self._slots:
            if self._stopped:
                return
            self.sent += 1
            sent_unix_s = self.now()
            status: int | None = None
            body: Any = None
            retry_after_s: float | None = None
            fault = "interrupted"
            try:
                status, body, retry_after_s = await self._ask(index, arrival)
            except (aiohttp.ClientError, OSError, ValueError) as error:
                fault = type(error).__name__
            finally:
                outcome, reason, session = read_answer(status, body, arrival.vehicle_id, fault)
                self.outcomes[outcome] += 1
                answered = Request(
                    index, arrival.vehicle_id, intended_unix_s, sent_unix_s, self.now(),
                    outcome, status, reason, session, body, retry_after_s,
                )  # fmt: skip
                self.requests.append(answered)

    async def _ask(self, index: int, arrival: Arrival) -> tuple[int, Any, float | None]:
        async with self._http.post(
            self._url,
            json=arrival.body(),
            headers={"Idempotency-Key": f"{self._run_id}-{index}"},
            timeout=aiohttp.ClientTimeout(total=ANSWER_TIMEOUT_S),
            allow_redirects=False,  # only the target that was checked
        ) as response:
            text = await response.text()
            after = response.headers.get("Retry-After", "")
        retry_after_s = float(after) if after.isdecimal() else None
        try:
            return response.status, json.loads(text), retry_after_s
        except ValueError:
            return response.status, text, retry_after_s


def read_answer(
    status: int | None, body: Any, vehicle_id: str, fault: str
) -> tuple[Outcome, str, Session | None]:
    """Return what an answer means: the outcome, why there is no session, and the session.

    `status` is None when there was no answer, for which `fault` is the reason. A 503 is a refusal
    unless its body says that the outcome is unknown; so is a quota's 429.
    """
    if status is None:
        return Outcome.FAILED, fault, None
    if status == CREATED and isinstance(body, dict):
        try:
            return Outcome.ADMITTED, "", Session.of(body, vehicle_id)
        except ValueError as error:
            return Outcome.FAILED, f"201: {error}", None
    problem = body if isinstance(body, dict) else {}
    reason = f"{status} {problem.get('type', 'without a problem type')}"
    if problem.get("outcome") == "unknown":
        return Outcome.FAILED, f"{reason}, outcome unknown", None
    known_no = status in {UNAVAILABLE, TOO_MANY} and "type" in problem
    return (Outcome.REFUSED if known_no else Outcome.FAILED), reason, None


async def unless(stop: asyncio.Event, doing: Awaitable[Any]) -> bool:
    """Return True when `doing` is done, False when `stop` came first and `doing` was cancelled."""
    done = asyncio.ensure_future(doing)
    stopped = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({done, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if done.done():
            done.result()
            return True
        return False
    finally:
        for task in (done, stopped):
            task.cancel()
        await asyncio.gather(done, stopped, return_exceptions=True)
