"""Ends the sessions of a stopped run, by the gateway's public DELETE."""

import asyncio
import collections
import contextlib
from collections.abc import Callable, Iterator, Sequence
from http import HTTPStatus
from urllib.parse import quote

import aiohttp

from loadtest.record.requests import Request, RequestOutcome
from loadtest.record.stopped_sessions import StoppedSessions
from loadtest.send.credential import Credential
from loadtest.send.engine import UNKNOWN_SAID, decoded, unless

AT_ONCE = 50
ROUNDS = 3  # a DELETE can be repeated for the sessions that it did not end
BETWEEN_S = 1.0  # the least that a Retry-After says
ANSWER_S = 5.0
WITHIN_S = 30.0
REPORT_EVERY_S = 0.25
STOPPED = "stopped"
NO_ANSWER = "no answer in time"


class SessionStopper:
    """Ends the sessions that `requests` have got."""

    def __init__(
        self,
        http: aiohttp.ClientSession,
        gateway_url: str,
        credential: Credential,
        requests: Sequence[Request],
    ) -> None:
        self._http = http
        self._url = f"{gateway_url}/charge"
        self._credential = credential
        self._left = {each.session.session_id: NO_ANSWER for each in requests if each.session}
        self._sessions = len(self._left)
        self._unknown = sum(map(_unknown, requests))
        self._ended = self._over = 0

    def so_far(self) -> StoppedSessions:
        """Return how many have ended by now."""
        left = dict(collections.Counter(self._left.values()))
        return StoppedSessions(self._sessions, self._ended, self._over, left, self._unknown)

    async def run(self, again: asyncio.Event, report: Callable[[StoppedSessions], None]) -> StoppedSessions:
        """End them within WITHIN_S, or until `again` is set; calls `report` with the counts meanwhile."""
        reporting = asyncio.create_task(self._report(report))
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(WITHIN_S):
                    await unless(again, self._rounds())
        finally:
            reporting.cancel()
        report(self.so_far())
        return self.so_far()

    async def _report(self, report: Callable[[StoppedSessions], None]) -> None:
        while True:
            report(self.so_far())
            await asyncio.sleep(REPORT_EVERY_S)

    async def _rounds(self) -> None:
        for number in range(ROUNDS):
            if number:
                await asyncio.sleep(BETWEEN_S)
            session_ids = iter(list(self._left))
            async with asyncio.TaskGroup() as workers:
                for _ in range(min(AT_ONCE, len(self._left))):
                    workers.create_task(self._work(session_ids))
            if not self._left:
                return

    async def _work(self, session_ids: Iterator[str]) -> None:
        for session_id in session_ids:
            await self._end(session_id)

    async def _end(self, session_id: str) -> None:
        try:
            async with self._http.delete(
                f"{self._url}/{quote(session_id, safe='')}",
                headers=self._credential.headers(),
                timeout=aiohttp.ClientTimeout(total=ANSWER_S),
                allow_redirects=False,  # only the target that was checked
            ) as response:
                status, body = response.status, decoded(await response.text())
        except (aiohttp.ClientError, OSError, ValueError) as error:
            self._left[session_id] = type(error).__name__
            return
        body = body if isinstance(body, dict) else {}
        if status != HTTPStatus.OK:
            self._left[session_id] = f"{status} {body.get('type', 'without a problem type')}"
            return
        del self._left[session_id]
        stopped = body.get("state") == STOPPED
        self._ended += stopped
        self._over += not stopped


def _unknown(request: Request) -> bool:
    """Whether a request may have got a session that its client can't name."""
    if request.outcome is not RequestOutcome.FAILED:
        return False
    outcome = request.body.get("outcome") if isinstance(request.body, dict) else None
    if request.status in {None, HTTPStatus.CREATED} or outcome == "unknown":
        return True
    # What nobody could be asked at the end says nothing of the sendings before.
    return any(
        attempt.status is None or attempt.reason.endswith(UNKNOWN_SAID) for attempt in request.attempts
    )
