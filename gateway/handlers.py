"""The public API beside `POST /charge`: list, find, stop."""

import asyncio
from collections.abc import Awaitable

from balancer.contract import BalancerAnswer, BalancerOutcome, Command, FindSession, StopSession
from gateway.callers import ANONYMOUS, Caller
from gateway.contract import INVALID
from gateway.fields import InvalidFields
from gateway.listing import page, page_json
from gateway.refusals import Refusal, refusal
from gateway.services import Services
from gateway.session_json import session_json
from runtime.handlers import ApiHandler


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
            return
        entry = self.grid.enter(self.request.headers.get_list("Authorization"))
        self.caller = entry.caller
        for name, value in entry.headers.items():
            self.set_header(name, value)
        if entry.refusal:
            self.write_refusal(entry.refusal)

    def on_connection_close(self) -> None:
        """Cancel the call when the client has gone."""
        if self._asking:
            self._asking.cancel()

    async def ask(self, command: Command) -> BalancerAnswer | None:
        """Return the balancer's answer, None when the client has gone."""
        self._asking = asyncio.ensure_future(self.grid.ask(command))
        try:
            return await self._asking
        except asyncio.CancelledError:
            if not self._asking.cancelled():
                raise
            return None

    def write_refusal(self, refused: Refusal) -> None:
        """Write the problem document of a refusal."""
        for name, value in refused.headers.items():
            self.set_header(name, value)
        self.write_problem(refused.problem, **refused.members)


class ChargesHandler(GridHandler):
    """`GET /charge`; `POST` is in `gateway.charging`."""

    async def get(self) -> None:
        """Write a page of a vehicle's sessions."""
        try:
            command = page(self.request.query_arguments, self.caller)
        except InvalidFields as error:
            self.write_problem(INVALID, errors=error.errors())
            return
        answer = await self.ask(command)
        if answer is None:
            return
        if answer.outcome is BalancerOutcome.FOUND:
            self.write_json(page_json(command, answer, self.caller))
        else:
            self.write_refusal(refusal(answer))


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
            self.write_refusal(refusal(answer))
