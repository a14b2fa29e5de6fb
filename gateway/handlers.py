"""The public API: charge, find, stop."""

import asyncio
import dataclasses
import math
import time
from collections.abc import Awaitable
from typing import Any

from balancer.contract import Answer, Charge, Command, Find, Outcome, Stop
from gateway.balancer_stream import BalancerLink
from gateway.charge import KEY, Invalid, Malformed, admitted_json, charge, read, session_json
from gateway.contract import BY_OUTCOME, FIELD, INVALID
from gateway.metrics import REJECTED, GatewayMetrics
from runtime.coalescer import LinkLost
from runtime.handlers import ApiHandler
from runtime.problem import MALFORMED, UNSUPPORTED, Problem

CALLER = "anonymous"  # keys are scoped to their caller; callers get names with API keys
AGAIN_MS = 1000  # when the balancer does not say


@dataclasses.dataclass(frozen=True)
class Grid:
    """What the handlers share."""

    link: BalancerLink
    metrics: GatewayMetrics
    deadline_s: float


class GridHandler(ApiHandler):
    """Asks the balancer and turns its answers into HTTP."""

    _asking: "asyncio.Future[Answer] | None" = None

    def initialize(self, grid: Grid) -> None:  # type: ignore[override]
        """`grid` is what the handlers share."""
        super().initialize()
        self.grid = grid

    def on_connection_close(self) -> None:
        """The client has gone: what is placed for it without a key is withdrawn."""
        if self._asking:
            self._asking.cancel()

    async def ask(self, command: Command) -> Answer | None:
        """Return the balancer's answer, None when the client has gone."""
        self._asking = asyncio.ensure_future(self.grid.link.call(command, self.grid.deadline_s))
        try:
            return await self._asking
        except asyncio.CancelledError:
            if not self._asking.cancelled():
                raise
            return None
        except (LinkLost, TimeoutError):
            lost = Outcome.UNKNOWN if isinstance(command, Charge) else Outcome.UNREACHABLE
            return Answer(lost, retry_after_ms=AGAIN_MS, detail="the balancer does not answer")

    def write_refusal(self, answer: Answer) -> None:
        """Write the problem document of an answer that is no success."""
        problem = BY_OUTCOME[answer.outcome]
        members: dict[str, Any] = {"detail": answer.detail or None}
        if answer.outcome in FIELD:
            field, detail = FIELD[answer.outcome]
            members["detail"] = None
            members["errors"] = [{"field": field, "detail": f"{detail}: {answer.detail}"}]
        if answer.outcome in {Outcome.UNKNOWN, Outcome.WITHDRAWN}:
            members["outcome"] = str(answer.outcome)
        if problem.status == 503:  # noqa: PLR2004 - the one status that says when to come back
            self.set_header("Retry-After", str(max(1, math.ceil(answer.retry_after_ms / 1000))))
        self.write_problem(problem, **members)


class ChargesHandler(GridHandler):
    """`POST /charge`."""

    async def post(self) -> None:
        """Place the car; 201 with where it charges, or a problem that says when to come back."""
        began_s = time.monotonic()
        outcome = await self._answer()
        self.grid.metrics.answered(outcome, time.monotonic() - began_s)

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
            wanted = charge(read(self.request.body), f"{CALLER}:{keys[0]}" if keys else "")
        except Malformed as error:
            return self._reject(MALFORMED, detail=str(error))
        except Invalid as error:
            return self._reject(INVALID, errors=[dataclasses.asdict(fault) for fault in error.faults])
        return self._write(await self.ask(wanted))

    def _reject(self, problem: Problem, **members: Any) -> str:
        self.write_problem(problem, **members)
        return REJECTED

    def _write(self, answer: Answer | None) -> str:
        if answer is None:
            return Outcome.WITHDRAWN
        if answer.outcome is Outcome.ADMITTED and answer.session:
            self.set_header("Location", f"/charge/{answer.session.session_id}")
            self.write_json(admitted_json(answer.session), 201)
        else:
            self.write_refusal(answer)
        return answer.outcome


class ChargeHandler(GridHandler):
    """`GET` and `DELETE /charge/{session_id}`."""

    def get(self, session_id: str) -> Awaitable[None]:
        """Write the session as it is now."""
        return self._about(Find(session_id))

    def delete(self, session_id: str) -> Awaitable[None]:
        """Stop the session; one that has ended is returned as it is."""
        return self._about(Stop(session_id))

    async def _about(self, command: Find | Stop) -> None:
        answer = await self.ask(command)
        if answer is None:
            return
        if answer.session and answer.outcome in {Outcome.FOUND, Outcome.STOPPED}:
            self.write_json(session_json(answer.session))
        else:
            self.write_refusal(answer)
