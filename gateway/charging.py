"""`POST /charge`: the request that nearly every caller sends, so it goes without Tornado's RequestHandler."""

import asyncio
import dataclasses
import time
from collections.abc import Mapping
from typing import Any

from tornado.httputil import HTTPServerRequest

from balancer.contract import BalancerAnswer, BalancerOutcome, Charge
from gateway import metrics
from gateway.callers import Caller
from gateway.charge import KEY, charge
from gateway.contract import INVALID
from gateway.fields import InvalidFields
from gateway.refusals import Refusal, refusal
from gateway.services import Services
from gateway.session_json import admitted_json
from runtime.exchange import Exchange
from runtime.json_body import MalformedJson, read_object
from runtime.problem import MALFORMED, UNSUPPORTED

MS_PER_S = 1000


class ChargeExchange(Exchange):
    """Places the car: 201 with where it charges, or a problem that says when to come back."""

    handler = "ChargesHandler"

    def __init__(self, request: HTTPServerRequest, settings: Mapping[str, Any], grid: Services) -> None:
        """`grid` is what the requests share."""
        super().__init__(request, settings)
        self._grid = grid
        self._waits = False

    async def answer(self) -> None:
        """See Exchange. Every request to charge is counted with how it ended."""
        began_s = time.monotonic()
        outcome: str = metrics.FAILED
        try:
            outcome = await self._answer()
        except asyncio.CancelledError:  # the client has gone: a session without a key is withdrawn
            outcome = BalancerOutcome.WITHDRAWN
            raise
        finally:
            self._grid.metrics.answered(outcome, time.monotonic() - began_s, waits=self._waits)

    async def _answer(self) -> str:
        """Answer; returns the outcome that is counted."""
        if self.encoded:
            self.write_encoding_problem()
            return metrics.REJECTED
        entry = self._grid.enter(self.request.headers.get_list("Authorization"))
        self.headers.update(entry.headers)
        if entry.refusal:
            self._refuse(entry.refusal)
            return entry.outcome
        command = self._command(entry.caller)
        if isinstance(command, Refusal):
            self._refuse(command)
            return metrics.REJECTED
        self._waits = command.max_wait_ms > 0
        answer = await self._grid.ask(command)
        self._write_answer(answer, entry.caller)
        return answer.outcome

    def _command(self, caller: Caller) -> Charge | Refusal:
        """Return what the request asks for, or why it can't be read."""
        headers = self.request.headers
        if headers.get("Content-Type", "").partition(";")[0].strip().lower() != "application/json":
            return Refusal(UNSUPPORTED, {"detail": "send Content-Type: application/json"})
        keys = headers.get_list("Idempotency-Key")
        if len(keys) > 1 or (keys and not KEY.fullmatch(keys[0])):
            detail = "Idempotency-Key must be 1 to 255 visible ASCII characters, once"
            return Refusal(MALFORMED, {"detail": detail})
        try:
            command = charge(read_object(self.request.body), keys[0] if keys else "", caller)
        except MalformedJson as error:
            return Refusal(MALFORMED, {"detail": str(error)})
        except InvalidFields as error:
            return Refusal(INVALID, {"errors": error.errors()})
        most_ms = round(self._grid.max_wait_s * MS_PER_S)
        if command.max_wait_ms > most_ms:
            command = dataclasses.replace(command, max_wait_ms=most_ms)
        return command

    def _write_answer(self, answer: BalancerAnswer, caller: Caller) -> None:
        if answer.outcome is BalancerOutcome.ADMITTED and answer.session:
            self.noted = {"outcome": answer.outcome, "session_id": answer.session.session_id}
            self.headers["Location"] = f"/charge/{answer.session.session_id}"
            self.write_json(admitted_json(answer.session, caller), 201)
        else:
            self.noted = {"outcome": answer.outcome}
            self._refuse(refusal(answer))

    def _refuse(self, refused: Refusal) -> None:
        self.headers.update(refused.headers)
        self.write_problem(refused.problem, **refused.members)
