"""Sends the arrivals to the gateway at their moments, however long the answers take (an open model)."""

import asyncio
import collections
import dataclasses
import json
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import aiohttp

from loadtest.plan.arrivals import Arrival
from loadtest.record.requests import UNAVAILABLE, Attempt, Request, RequestOutcome, Session
from loadtest.send.credential import Credential
from loadtest.send.retrying import RetryPolicy, seconds
from loadtest.send.stop import StopSignal
from loadtest.units import MS_PER_S

ANSWER_TIMEOUT_S = 30.0
SLOT_WITHIN_S = 10.0  # a request that finds no free slot for so long is not sent any more
GRACE_S = 5.0  # how long an interrupted run waits for what is under way
INTERRUPTED = "interrupted"
CREATED = 201
UNAUTHORIZED = 401
TOO_MANY = 429
NOBODY_ASKED = "unavailable"  # the code of a 503 that says nothing of room, nor of what was sent before
UNKNOWN_SAID = ", outcome unknown"  # the end of a reason


@dataclasses.dataclass(frozen=True, slots=True)
class SendingOptions:
    """How requests are sent: how many may be open at once, when one is repeated, and with which API key."""

    concurrency: int
    retrying: RetryPolicy
    credential: Credential = dataclasses.field(default_factory=Credential)


@dataclasses.dataclass(frozen=True, slots=True)
class AttemptResult:
    """One attempt with the session that it got, and the body of the answer as it came."""

    attempt: Attempt
    session: Session | None
    body: Any


class Engine:
    """Sends one plan; `requests` has the answered requests so far, `sent` counts those that were sent."""

    def __init__(
        self,
        http: aiohttp.ClientSession,
        gateway_url: str,
        run_id: str,
        now: Callable[[], float],
        options: SendingOptions,
    ) -> None:
        self.requests: list[Request] = []
        self.outcomes: collections.Counter[RequestOutcome] = collections.Counter()
        self.sent = 0
        self.first_refused = 0  # requests whose first answer was a refusal, also those that are not over yet
        self.waiting = 0  # requests without a session that wait to be sent again
        self.no_slot = 0  # never sent, because none of the slots was free in time
        self.woke_late_ms: list[float] = []  # of each arrival: the generator's own lateness
        self._http = http
        self._url = f"{gateway_url}/charge"
        self._run_id = run_id
        self._options = options
        self._slots = asyncio.Semaphore(options.concurrency)
        self._jitter = random.Random(run_id)  # noqa: S311 - spreads retries
        self.now = now
        self._stopping = asyncio.Event()
        self._stopped = False

    async def run(self, plan: Sequence[Arrival], start_unix_s: float, stop: StopSignal) -> None:
        """Send `plan` from `start_unix_s` on and wait for all answers; `stop` ends the sending."""
        under_way: set[asyncio.Task[None]] = set()
        self._stopped = not await unless(stop, self._pace(plan, start_unix_s, under_way))
        if not self._stopped and under_way:
            self._stopped = not await unless(stop, asyncio.wait(under_way))
        if self._stopped:
            self._stopping.set()
        if self._stopped and under_way:
            await unless(stop.again, asyncio.wait(under_way, timeout=GRACE_S))
            late = [task for task in under_way if not task.done()]
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        for task in under_way:
            if not task.cancelled():
                task.result()  # raises an error of this program

    async def _pace(
        self, plan: Sequence[Arrival], start_unix_s: float, under_way: set[asyncio.Task[None]]
    ) -> None:
        for index, arrival in enumerate(plan):
            intended_unix_s = start_unix_s + arrival.at_s
            await asyncio.sleep(max(intended_unix_s - self.now(), 0))
            self.woke_late_ms.append((self.now() - intended_unix_s) * MS_PER_S)
            under_way.add(asyncio.create_task(self._send(index, arrival, intended_unix_s)))

    async def _send(self, index: int, arrival: Arrival, intended_unix_s: float) -> None:
        """Send one request, again where that may help, and record it with its last answer."""
        answers: list[AttemptResult] = []
        try:
            again = await self._try(index, arrival, answers)
            if not again and not self._stopped:
                self.no_slot += 1
            while again and (wait_s := self._again_s(answers)) is not None and not await self._waits(wait_s):
                again = await self._try(index, arrival, answers)
        finally:
            if answers:
                self._record(index, arrival, intended_unix_s, answers)

    def _again_s(self, answers: Sequence[AttemptResult]) -> float | None:
        last = answers[-1].attempt
        spent_s = self.now() - answers[0].attempt.sent_unix_s
        return self._options.retrying.wait_s(
            len(answers), last.status, last.retry_after_s, spent_s, self._jitter.random()
        )

    async def _waits(self, within_s: float) -> bool:
        """Wait for `within_s` before the next attempt; returns True at once when the run is stopped."""
        self.waiting += 1
        try:
            await asyncio.wait_for(self._stopping.wait(), within_s)
        except TimeoutError:
            return False
        else:
            return True
        finally:
            self.waiting -= 1

    async def _try(self, index: int, arrival: Arrival, answers: list[AttemptResult]) -> bool:
        """Send once and add the answer to `answers`; returns False when there was no slot, or a stop."""
        try:
            async with asyncio.timeout(SLOT_WITHIN_S):
                await self._slots.acquire()
        except TimeoutError:
            return False
        try:
            if self._stopped:
                return False
            self.sent += not answers
            await self._ask(index, arrival, answers)
            return True
        finally:
            self._slots.release()

    async def _ask(self, index: int, arrival: Arrival, answers: list[AttemptResult]) -> None:
        sent_unix_s = self.now()
        status, body, retry_after_s, fault = None, None, None, INTERRUPTED
        try:
            async with self._http.post(
                self._url,
                json=arrival.body(),
                headers={"Idempotency-Key": f"{self._run_id}-{index}", **self._options.credential.headers()},
                timeout=aiohttp.ClientTimeout(total=ANSWER_TIMEOUT_S),
                allow_redirects=False,  # only the target that was checked
            ) as response:
                body = decoded(await response.text())
            status, retry_after_s = response.status, seconds(response.headers.get("Retry-After"))
        except (aiohttp.ClientError, OSError, ValueError) as error:
            fault = type(error).__name__
        finally:
            outcome, reason, session = read_answer(status, body, arrival.vehicle_id, fault)
            attempt = Attempt(sent_unix_s, self.now(), outcome, status, reason, retry_after_s)
            self.first_refused += not answers and outcome is RequestOutcome.REFUSED
            answers.append(AttemptResult(attempt, session, body))

    def _record(
        self, index: int, arrival: Arrival, intended_unix_s: float, answers: Sequence[AttemptResult]
    ) -> None:
        attempts = tuple(answer.attempt for answer in answers)
        first, last = attempts[0], attempts[-1]
        self.outcomes[last.outcome] += 1
        self.requests.append(
            Request(
                index,
                arrival.vehicle_id,
                intended_unix_s,
                first.sent_unix_s,
                last.answered_unix_s,
                last.outcome,
                last.status,
                last.reason,
                answers[-1].session,
                answers[-1].body,
                attempts,
            )
        )


async def requires_key(http: aiohttp.ClientSession, gateway_url: str, credential: Credential) -> bool:
    """Whether the gateway refuses requests with this `credential`; False when it does not answer."""
    try:
        async with http.get(
            f"{gateway_url}/charge",
            params={"vehicle_id": "nobody"},
            headers=credential.headers(),
            timeout=aiohttp.ClientTimeout(total=ANSWER_TIMEOUT_S),
            allow_redirects=False,
        ) as response:
            return response.status == UNAUTHORIZED
    except (aiohttp.ClientError, OSError):
        return False


def decoded(text: str) -> Any:
    """Return the value of a JSON text, or the text itself where it is no JSON."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def read_answer(
    status: int | None, body: Any, vehicle_id: str, fault: str
) -> tuple[RequestOutcome, str, Session | None]:
    """Return what an answer means: the outcome, why there is no session, and the session.

    `status` is None when there was no answer, for which `fault` is the reason. A 503 is a refusal
    unless its body says that the outcome is unknown, or that nobody could be asked for room; so is a quota's 429.
    """
    if status is None:
        return RequestOutcome.FAILED, fault, None
    if status == CREATED and isinstance(body, dict):
        try:
            return RequestOutcome.ADMITTED, "", Session.of(body, vehicle_id)
        except ValueError as error:
            return RequestOutcome.FAILED, f"201: {error}", None
    problem = body if isinstance(body, dict) else {}
    reason = f"{status} {problem.get('type', 'without a problem type')}"
    if problem.get("outcome") == "unknown":
        return RequestOutcome.FAILED, reason + UNKNOWN_SAID, None
    code = str(problem.get("type", NOBODY_ASKED)).replace("/", ":").rpartition(":")[2]
    refused = status in {UNAVAILABLE, TOO_MANY} and code != NOBODY_ASKED
    return (RequestOutcome.REFUSED if refused else RequestOutcome.FAILED), reason, None


async def unless(stop: asyncio.Event, work: Awaitable[Any]) -> bool:
    """Return True when `work` is done, False when `stop` came first and `work` was cancelled."""
    done = asyncio.ensure_future(work)
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
