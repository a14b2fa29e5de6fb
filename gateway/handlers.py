"""The public API: charge, list, find, stop."""

import asyncio
import dataclasses
import math
import time
from collections.abc import Awaitable
from typing import Any

from balancer.contract import (
    BalancerAnswer,
    BalancerOutcome,
    Charge,
    Command,
    FindSession,
    ListSessions,
    StopSession,
)
from gateway import metrics
from gateway.access import Access
from gateway.balancer_stream import BalancerLink
from gateway.callers import ANONYMOUS, Caller
from gateway.charge import KEY, charge
from gateway.contract import BY_OUTCOME, FIELD, INVALID, QUOTA_EXCEEDED, UNAUTHORIZED, UNKNOWN, WITHDRAWN
from gateway.fields import InvalidFields
from gateway.listing import page, page_json
from gateway.session_json import admitted_json, session_json
from runtime.coalescer import LinkLost
from runtime.handlers import ApiHandler
from runtime.json_body import MalformedJson, read_object
from runtime.problem import MALFORMED, UNSUPPORTED, Problem

AGAIN_MS = 1000  # when the balancer does not say
SUCCESS = {
    Charge: BalancerOutcome.ADMITTED,
    FindSession: BalancerOutcome.FOUND,
    StopSession: BalancerOutcome.STOPPED,
    ListSessions: BalancerOutcome.FOUND,
}


@dataclasses.dataclass(frozen=True)
class Services:
    """The services that the handlers share: the link to the balancer, metrics, access and time limits."""

    link: BalancerLink
    metrics: metrics.GatewayMetrics
    access: Access
    deadline_s: float
    max_wait_s: float


class GridHandler(ApiHandler):
    """Asks the balancer and turns its answers into HTTP."""

    caller: Caller = ANONYMOUS
    _asking: "asyncio.Future[BalancerAnswer] | None" = None

    def initialize(self, grid: Services) -> None:  # type: ignore[override]
        """`grid` is what the handlers share."""
        super().initialize()
        self.grid = grid

    def prepare(self) -> None:
        """Refuse a request without a valid key, or beyond the quota; every request counts."""
        super().prepare()
        if self._finished:
            self.turned_away(metrics.REJECTED)
            return
        caller = self.grid.access.caller(self.request.headers.get_list("Authorization"))
        if caller is None:
            self.set_header("WWW-Authenticate", "Bearer")
            self.write_problem(UNAUTHORIZED, detail="send Authorization: Bearer, and a key")
            self.turned_away(metrics.UNAUTHORIZED)
            return
        self.caller = caller
        grant = self.grid.access.take(caller)
        self.set_header("RateLimit-Policy", grant.policy_field())
        self.set_header("RateLimit", grant.limit_field())
        if not grant.admitted:
            self.set_header("Retry-After", str(grant.next_s))
            self.write_problem(QUOTA_EXCEEDED)
            self.turned_away(metrics.QUOTA_EXCEEDED)

    def turned_away(self, outcome: str) -> None:
        """Note a request that is refused before its body is read."""

    def on_connection_close(self) -> None:
        """Cancel the call when the client has gone: a session without a key is then withdrawn."""
        if self._asking:
            self._asking.cancel()

    async def ask(self, command: Command) -> BalancerAnswer | None:
        """Return the balancer's answer, None when the client has gone."""
        wait_s = command.max_wait_ms / 1000 if isinstance(command, Charge) else 0
        self._asking = asyncio.ensure_future(self.grid.link.call(command, self.grid.deadline_s + wait_s))
        try:
            answer = await self._asking
        except asyncio.CancelledError:
            if not self._asking.cancelled():
                raise
            return None
        except (LinkLost, TimeoutError):
            return _lost(command, "the balancer does not answer")
        return answer if answers(command, answer) else _lost(command, "the balancer's answer can't be used")

    def write_refusal(self, answer: BalancerAnswer) -> None:
        """Write the problem document for a refusal."""
        problem = BY_OUTCOME[answer.outcome]
        members: dict[str, Any] = {"detail": answer.detail or None}
        if answer.outcome in FIELD:
            field, detail = FIELD[answer.outcome]
            members["detail"] = None
            members["errors"] = [{"field": field, "detail": f"{detail}: {answer.detail}"}]
        if problem in {UNKNOWN, WITHDRAWN}:
            members["outcome"] = "unknown" if problem is UNKNOWN else "withdrawn"
        if answer.outcome is BalancerOutcome.VEHICLE_CHARGING and answer.session:
            self.set_header("Location", f"/charge/{answer.session.session_id}")
        if problem.status == 503:
            self.set_header("Retry-After", str(max(1, math.ceil(answer.retry_after_ms / 1000))))
        self.write_problem(problem, **members)


class ChargesHandler(GridHandler):
    """`POST` and `GET /charge`."""

    _waits = False

    def turned_away(self, outcome: str) -> None:
        """Count it, if it is a request to charge."""
        if self.request.method == "POST":
            self.grid.metrics.answered(outcome, self.request.request_time())

    async def get(self) -> None:
        """Write a page of a vehicle's sessions."""
        try:
            command = page(self.request.query_arguments, self.caller)
        except InvalidFields as error:
            self._reject(INVALID, errors=error.errors())
            return
        answer = await self.ask(command)
        if answer is None:
            return
        if answer.outcome is BalancerOutcome.FOUND:
            self.write_json(page_json(command, answer, self.caller))
        else:
            self.write_refusal(answer)

    async def post(self) -> None:
        """Place the car; 201 with where it charges, or a problem that says when to come back."""
        began_s = time.monotonic()
        outcome: str = metrics.FAILED
        try:
            outcome = await self._answer()
        finally:
            self.grid.metrics.answered(outcome, time.monotonic() - began_s, waits=self._waits)

    async def _answer(self) -> str:
        if (
            self.request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
            != "application/json"
        ):
            return self._reject(UNSUPPORTED, detail="send Content-Type: application/json")
        keys = self.request.headers.get_list("Idempotency-Key")
        if len(keys) > 1 or (keys and not KEY.fullmatch(keys[0])):
            return self._reject(
                MALFORMED, detail="Idempotency-Key must be 1 to 255 visible ASCII characters, once"
            )
        try:
            command = charge(read_object(self.request.body), keys[0] if keys else "", self.caller)
        except MalformedJson as error:
            return self._reject(MALFORMED, detail=str(error))
        except InvalidFields as error:
            return self._reject(INVALID, errors=error.errors())
        self._waits = command.max_wait_ms > 0
        most_ms = round(self.grid.max_wait_s * 1000)
        return self._write(
            await self.ask(dataclasses.replace(command, max_wait_ms=min(command.max_wait_ms, most_ms)))
        )

    def _reject(self, problem: Problem, **members: Any) -> str:
        self.write_problem(problem, **members)
        return metrics.REJECTED

    def _write(self, answer: BalancerAnswer | None) -> str:
        if answer is None:
            return BalancerOutcome.WITHDRAWN
        self.noted = {"outcome": answer.outcome}
        if answer.outcome is BalancerOutcome.ADMITTED and answer.session:
            self.noted = {"outcome": answer.outcome, "session_id": answer.session.session_id}
            self.set_header("Location", f"/charge/{answer.session.session_id}")
            self.write_json(admitted_json(answer.session, self.caller), 201)
        else:
            self.write_refusal(answer)
        return answer.outcome


class ChargeHandler(GridHandler):
    """`GET` and `DELETE /charge/{session_id}`."""

    def get(self, session_id: str) -> Awaitable[None]:
        """Write the session as it is now."""
        return self._about(FindSession(session_id, self.caller.reach))

    def delete(self, session_id: str) -> Awaitable[None]:
        """Stop the session; one that has ended is returned as it is."""
        return self._about(StopSession(session_id, self.caller.reach))

    async def _about(self, command: FindSession | StopSession) -> None:
        answer = await self.ask(command)
        if answer is None:
            return
        if answer.session and answer.outcome in {BalancerOutcome.FOUND, BalancerOutcome.STOPPED}:
            self.write_json(session_json(answer.session, self.caller))
        else:
            self.write_refusal(answer)


def answers(command: Command, answer: BalancerAnswer) -> bool:
    """Whether an answer fits a command: a refusal, or the outcome that the command can have, and complete."""
    if answer.outcome in BY_OUTCOME:
        return answer.outcome is not BalancerOutcome.UNKNOWN or isinstance(command, Charge)
    return answer.outcome is SUCCESS[type(command)] and (
        isinstance(command, ListSessions) or answer.session is not None
    )


def _lost(command: Command, detail: str) -> BalancerAnswer:
    """Return the answer to a command whose outcome is not known."""
    outcome = BalancerOutcome.UNKNOWN if isinstance(command, Charge) else BalancerOutcome.UNREACHABLE
    return BalancerAnswer(outcome, retry_after_ms=AGAIN_MS, detail=detail)
