"""The HTTP interface of operators: orders to substations, the policy, and the lease of the rush hour."""

import math
import time
from typing import Any, TypeGuard

from tornado.web import HTTPError

from balancer.book.lease import LEAST_TTL_S, MOST_TTL_S, RUN_ID, Window
from balancer.contract import ORDER_UNTIL, BalancerAnswer, BalancerOutcome
from balancer.operating.operator_settings import OperatorSettings
from balancer.operating.substation_orders import SubstationOrders
from runtime.handlers import ApiHandler
from runtime.problem import NOT_FOUND, Problem
from runtime.settings import matching, number

KW = 1000
LEAST_KW = 0.001
MOST_KW = 10**9
ORDER_PROBLEMS = {
    BalancerOutcome.NOT_FOUND: NOT_FOUND,
    BalancerOutcome.INVALID: Problem("invalid", 422, "The order can't be carried out as it is"),
    BalancerOutcome.UNREACHABLE: Problem(
        "unconfirmed", 503, "The substation did not confirm the order; give it again"
    ),
}
TOO_LATE = Problem("too-late", 409, "The order holds no more")
LAST_SECOND = 2**40
RUSHHOUR_HELD = Problem("rushhour-held", 409, "Another run holds the rush hour")


class OrdersHandler(ApiHandler):
    """Base of the handlers of orders: a JSON object in, the order's outcome out.

    Whoever can ask several balancers says until when an order holds. One that hung meanwhile must not carry it out later,
    on top of what was ordered since.
    """

    def prepare(self) -> None:
        """Refuse an order that comes too late."""
        super().prepare()
        until = self.request.headers.get(ORDER_UNTIL)
        if self._finished or until is None:
            return
        try:
            late_s = time.time() - number(0, LAST_SECOND)(until)
        except ValueError as error:
            raise HTTPError(400, f"{ORDER_UNTIL}: {error}") from None
        if late_s > 0:
            detail = f"the order came {late_s:.1f} s too late by the clock of this balancer"
            self.write_problem(TOO_LATE, detail=detail)

    def write_answer(self, answer: BalancerAnswer) -> None:
        """Write the outcome of the order."""
        if answer.outcome is BalancerOutcome.DONE:
            self.write_json({"outcome": answer.outcome})
            return
        if answer.outcome is BalancerOutcome.UNREACHABLE:
            self.set_header("Retry-After", "1")
        self.write_problem(ORDER_PROBLEMS[answer.outcome], detail=answer.detail or None)


class SettingsHandler(OrdersHandler):
    """Base of the handlers of settings that hold for all balancers."""

    def initialize(self, settings: OperatorSettings) -> None:  # type: ignore[override]
        """`settings` holds and changes it."""
        super().initialize()
        self.operator_settings = settings


class PolicyHandler(SettingsHandler):
    """`PUT /policy` `{"policy": "least_loaded"}`."""

    async def put(self) -> None:
        """Switch the policy at every balancer."""
        policy = self.json_object().get("policy")
        self.write_answer(await self.operator_settings.set_policy(policy if isinstance(policy, str) else ""))


class LeaseHandler(SettingsHandler):
    """Base of the handlers of the rush hour's lease, which one run at a time holds."""

    def held(self) -> dict[str, str | float | None]:
        """Return who holds it, and for how long."""
        run_id, left_s = self.operator_settings.rushhour or (None, None)
        return {"run_id": run_id, "expires_in_s": left_s}

    def write_lease(self, answer: BalancerAnswer) -> None:
        """Write the outcome of an order about the lease."""
        if answer.outcome is BalancerOutcome.DONE:
            self.write_json(self.held())
        elif answer.outcome is BalancerOutcome.INVALID:
            _, left_s = self.operator_settings.rushhour or ("", 1.0)
            self.set_header("Retry-After", str(math.ceil(left_s)))
            self.write_problem(RUSHHOUR_HELD, **self.held())
        else:
            self.write_answer(answer)


class RushHourHandler(LeaseHandler):
    """`GET` and `PUT /rushhour`."""

    def get(self) -> None:
        """Write who holds it."""
        self.write_json(self.held())

    async def put(self) -> None:
        """Take or renew the lease: `{"run_id": ..., "ttl_s": ...}`; `window_unix_s` is when the run's cars arrive."""
        body = self.json_object()
        run_id, ttl_s = body.get("run_id"), body.get("ttl_s")
        try:
            matching(RUN_ID, RUN_ID)(run_id if isinstance(run_id, str) else "")
        except ValueError as error:
            raise HTTPError(400, f"run_id: {error}") from None
        if not _is_number(ttl_s) or not LEAST_TTL_S <= ttl_s <= MOST_TTL_S:
            raise HTTPError(400, f"ttl_s must be a number from {LEAST_TTL_S:g} to {MOST_TTL_S:g}")
        try:
            window = Window.of(body.get("window_unix_s"))
        except ValueError as error:
            raise HTTPError(400, f"window_unix_s: {error}") from None
        self.write_lease(await self.operator_settings.take_rushhour(str(run_id), ttl_s, window))


class RushHourRunHandler(LeaseHandler):
    """`DELETE /rushhour/{run_id}`."""

    async def delete(self, run_id: str) -> None:
        """Give the lease back; succeeds also when no run holds it any more."""
        self.write_lease(await self.operator_settings.end_rushhour(run_id))


class OrderHandler(OrdersHandler):
    """`POST /fleet/{substation_id}/{drain|restore|capacity|decommission}`."""

    def initialize(self, orders: SubstationOrders) -> None:  # type: ignore[override]
        """`orders` carries them out."""
        super().initialize()
        self._orders = orders

    async def post(self, substation_id: str, order: str) -> None:
        """Carry the order out.

        `capacity` takes `{"capacity_kw": 700}`, null for the rated one; `decommission` may take a `journal_id`.
        """
        body = self.json_object()
        match order:
            case "capacity":
                answer = await self._orders.derate(substation_id, limit_w(body))
            case "decommission":
                answer = await self._orders.decommission(substation_id, journal_id(body))
            case _:
                answer = await self._orders.drain(substation_id, on=order == "drain")
        self.write_answer(answer)


def limit_w(body: dict[str, Any]) -> int:
    """Return the ordered limit in watts, 0 for the rated capacity; raises HTTPError 400.

    Only null stands for the rated one, so that a mistake does not lift a limit.
    """
    limit_kw: object = body.get("capacity_kw", "")
    if limit_kw is None:
        return 0
    if not _is_number(limit_kw) or not LEAST_KW <= limit_kw < MOST_KW:
        raise HTTPError(400, "capacity_kw must be a number above 0, or null for the rated capacity")
    return round(limit_kw * KW)


def journal_id(body: dict[str, Any]) -> str:
    """Return the journal to give up, '' for all of a substation; raises HTTPError 400.

    An empty or malformed id is refused, so that a mistake does not give up more than was meant.
    """
    named: object = body.get("journal_id", "")
    if not isinstance(named, str) or ("journal_id" in body and not named):
        raise HTTPError(
            400, "journal_id must be the id of a journal; leave it out to give up the whole substation"
        )
    return named


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)
