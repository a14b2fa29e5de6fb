"""The balancer's HTTP pages: the fleet as it sees it, its decisions, and the operators' orders."""

import math
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeGuard

from tornado.web import HTTPError

from balancer.book.lease import LEAST_TTL_S, MOST_TTL_S, RUN_ID, Window
from balancer.contract import BalancerAnswer, BalancerOutcome, left_out
from balancer.fleet.health import HealthState
from balancer.fleet.member import Member
from balancer.fleet.view import Fleet
from balancer.operating.operator_settings import OperatorSettings
from balancer.placing.decisions import Decision, Decisions
from runtime.handlers import ApiHandler
from runtime.problem import NOT_FOUND, Problem
from runtime.settings import matching

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
RUSHHOUR_HELD = Problem("rushhour-held", 409, "Another run holds the rush hour")


class FleetHandler(ApiHandler):
    """`GET /fleet`."""

    def initialize(self, view: Callable[[], Mapping[str, object]]) -> None:  # type: ignore[override]
        """`view` returns the fleet of this moment."""
        super().initialize()
        self._view = view

    def get(self) -> None:
        """Write the view."""
        self.write_json(self._view())


def fleet_json(fleet: Fleet, now_s: float, book_id: str, rushhour: str | None) -> dict[str, object]:
    """Return the view as `/fleet` shows it at a moment; `rushhour` is the run that holds it."""
    shown = [
        member_json(name, member, fleet.state(member, now_s), now_s)
        for name, member in sorted(fleet.members.items())
    ]
    return {
        "book_id": book_id,
        "policy": fleet.policy,
        "policies": list(fleet.policies),
        "poll_s": fleet.poll_s,
        "rushhour": rushhour,
        "substations": shown,
        "unseen": fleet.unseen(),
    }


def member_json(substation_id: str, member: Member, state: HealthState, now_s: float) -> dict[str, object]:
    """Return one substation as `/fleet` shows it; load is the estimate of this moment.

    Headroom is room for new cars: 0 while the substation takes none.
    """
    load_w = member.estimate_w(now_s)
    capacity_w = member.report.capacity_w
    usable = not left_out(state, draining=member.report.draining)
    return {
        "substation_id": substation_id,
        "url": member.url,
        "state": state,
        "draining": member.report.draining,
        "capacity_kw": capacity_w / KW,
        "rated_kw": member.report.rated_w / KW,
        "load_kw": round(load_w / KW, 3),
        "headroom_kw": round((capacity_w - load_w) / KW, 3) if usable else 0.0,
        "utilization": round(load_w / capacity_w, 4),
        "sessions": member.report.sessions,
        "report_age_s": round(now_s - member.received_s, 3),
        "journal_id": member.report.journal_id,
    }


class MemberHandler(ApiHandler):
    """`GET /fleet/{substation_id}`: one substation, with what its known plans will free."""

    def initialize(self, fleet: Fleet) -> None:  # type: ignore[override]
        """`fleet` is the view."""
        super().initialize()
        self._fleet = fleet

    def get(self, substation_id: str) -> None:
        """Write it."""
        now_s = time.monotonic()
        member = self._fleet.members.get(substation_id)
        if not member:
            self.write_problem(NOT_FOUND, detail=f"the balancer knows no {substation_id}")
            return
        shown = member_json(substation_id, member, self._fleet.state(member, now_s), now_s)
        freed = [
            {"within_s": within_s, "freed_kw": round(freed_w / KW, 3)}
            for within_s, freed_w in member.releases(now_s)
        ]
        self.write_json(shown | {"releases": freed})


class DecisionsHandler(ApiHandler):
    """`GET /decisions?vehicle_id=&session_id=&after=&limit=`: why were cars sent where they are?"""

    private = True

    def initialize(self, decisions: Decisions) -> None:  # type: ignore[override]
        """`decisions` is the ring of the recent ones."""
        super().initialize()
        self._decisions = decisions

    def get(self) -> None:
        """Write the newest first."""
        found = self._decisions.find(
            after=self.whole_argument("after", 0, 0, 2**62),
            limit=self.whole_argument("limit", 100, 0, 1000),
            vehicle_id=self.argument("vehicle_id"),
            session_id=self.argument("session_id"),
        )
        self.write_json({"decisions": [decision_json(decision) for decision in found]})


class OrdersHandler(ApiHandler):
    """What an operator orders: a JSON object in, the order's outcome out."""

    def initialize(self, operator: OperatorSettings) -> None:  # type: ignore[override]
        """`operator` carries orders out."""
        super().initialize()
        self.operator = operator

    def write_answer(self, answer: BalancerAnswer) -> None:
        """Write what became of the order."""
        if answer.outcome is BalancerOutcome.DONE:
            self.write_json({"outcome": answer.outcome})
            return
        if answer.outcome is BalancerOutcome.UNREACHABLE:
            self.set_header("Retry-After", "1")
        self.write_problem(ORDER_PROBLEMS[answer.outcome], detail=answer.detail or None)


class PolicyHandler(OrdersHandler):
    """`PUT /policy` `{"policy": "least_loaded"}`."""

    async def put(self) -> None:
        """Switch the policy at every balancer."""
        policy = self.json_object().get("policy")
        self.write_answer(await self.operator.set_policy(policy if isinstance(policy, str) else ""))


class LeaseHandler(OrdersHandler):
    """Base of the handlers of the rush hour's lease, which one run at a time holds."""

    def held(self) -> dict[str, str | float | None]:
        """Return who holds it, and for how long."""
        run_id, left_s = self.operator.rushhour or (None, None)
        return {"run_id": run_id, "expires_in_s": left_s}

    def write_lease(self, answer: BalancerAnswer) -> None:
        """Write the outcome of an order about the lease."""
        if answer.outcome is BalancerOutcome.DONE:
            self.write_json(self.held())
        elif answer.outcome is BalancerOutcome.INVALID:
            _, left_s = self.operator.rushhour or ("", 1.0)
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
        self.write_lease(await self.operator.take_rushhour(str(run_id), ttl_s, window))


class RushHourRunHandler(LeaseHandler):
    """`DELETE /rushhour/{run_id}`."""

    async def delete(self, run_id: str) -> None:
        """Give the lease back; succeeds even if nobody holds it any more."""
        self.write_lease(await self.operator.end_rushhour(run_id))


class OrderHandler(OrdersHandler):
    """`POST /fleet/{substation_id}/{drain|restore|capacity|decommission}`."""

    async def post(self, substation_id: str, order: str) -> None:
        """Carry the order out.

        `capacity` takes `{"capacity_kw": 700}`, null for the rated one; `decommission` may take a `journal_id`.
        """
        body = self.json_object()
        match order:
            case "capacity":
                answer = await self.operator.derate(substation_id, limit_w(body))
            case "decommission":
                answer = await self.operator.decommission(substation_id, journal_id(body))
            case _:
                answer = await self.operator.drain(substation_id, on=order == "drain")
        self.write_answer(answer)


def limit_w(body: dict[str, Any]) -> int:
    """Return the ordered limit in watts, 0 for the rated capacity; raises HTTPError 400.

    Nothing but null is the rated one: a slip must not open a substation.
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


def decision_json(decision: Decision) -> dict[str, object]:
    """Return a decision with the options as they were seen."""
    options = [
        {
            "substation_id": option.candidate.substation_id,
            "state": option.state,
            "draining": option.draining,
            "linked": option.linked,
            "estimate_kw": round(option.candidate.estimate_w / KW, 3),
            "capacity_kw": option.candidate.capacity_w / KW,
            "report_age_s": round(option.report_age_s, 3),
        }
        for option in sorted(decision.options, key=lambda option: option.candidate.substation_id)
    ]
    plain = {
        name: getattr(decision, name)
        for name in (
            "number",
            "unix_ms",
            "vehicle_id",
            "policy",
            "attempt",
            "chosen",
            "reason",
            "outcome",
            "session_id",
        )
    }
    return plain | {"demand_kw": decision.demand_w / KW, "options": options}
