"""`/fleet` and `/fleet/{substation_id}`: the fleet as this balancer sees it."""

import time
from collections.abc import Callable, Mapping

from balancer.contract import left_out
from balancer.fleet.health import HealthState
from balancer.fleet.member import Member
from balancer.fleet.view import View
from runtime.handlers import ApiHandler
from runtime.problem import NOT_FOUND

KW = 1000


class FleetHandler(ApiHandler):
    """`GET /fleet`."""

    def initialize(self, read_fleet: Callable[[], Mapping[str, object]]) -> None:  # type: ignore[override]
        """`read_fleet` returns the fleet of this moment."""
        super().initialize()
        self._read_fleet = read_fleet

    def get(self) -> None:
        """Write the fleet."""
        self.write_json(self._read_fleet())


def fleet_json(
    view: View, now_s: float, rushhour: str | None, process: Mapping[str, object]
) -> dict[str, object]:
    """Return the fleet as `/fleet` shows it at a moment; `rushhour` is the run that holds it, `process` this balancer."""
    roster = view.roster
    return {
        "balancer": process,
        "book_id": roster.book_id,
        "policy": view.policy.name,
        "policies": list(view.policy.names),
        "forecast_doubt": view.policy.doubt(now_s),
        "shadow": dict(view.policy.comparisons()),
        "poll_s": roster.poll_s,
        "rushhour": rushhour,
        "substations": [
            member_json(name, member, view.state(member, now_s), now_s)
            for name, member in sorted(roster.members.items())
        ],
        "unseen": roster.addresses.unseen(),
    }


def member_json(substation_id: str, member: Member, state: HealthState, now_s: float) -> dict[str, object]:
    """Return one substation as `/fleet` shows it; load is that of the cars, by the estimate of this moment.

    Utilization is that of cars and base load together. Headroom is room for new cars: 0 while the substation takes
    none, and without what its paused sessions reserve when they resume.
    """
    taken_w, load_w = member.estimate_w(now_s), member.load_w(now_s)
    base_load_w, capacity_w = member.report.base_load_w, member.report.capacity_w
    usable = not left_out(state, draining=member.report.draining)
    return {
        "substation_id": substation_id,
        "url": member.url,
        "state": state,
        "draining": member.report.draining,
        "capacity_kw": capacity_w / KW,
        "rated_kw": member.report.rated_w / KW,
        "load_kw": round(load_w / KW, 3),
        "base_load_kw": base_load_w / KW,
        "owed_kw": member.report.owed_w / KW,
        "kept_kw": member.report.kept_w / KW,
        "headroom_kw": round((capacity_w - taken_w) / KW, 3) if usable else 0.0,
        "utilization": round((load_w + base_load_w) / capacity_w, 4),
        "sessions": member.report.sessions,
        "paused": member.report.paused,
        "report_age_s": round(now_s - member.received_s, 3),
        "journal_id": member.report.journal_id,
    }


class MemberHandler(ApiHandler):
    """`GET /fleet/{substation_id}`: one substation, with what its known plans will free."""

    def initialize(self, view: View) -> None:  # type: ignore[override]
        """`view` is the view of the fleet."""
        super().initialize()
        self._view = view

    def get(self, substation_id: str) -> None:
        """Write the substation."""
        now_s = time.monotonic()
        member = self._view.roster.members.get(substation_id)
        if not member:
            self.write_problem(NOT_FOUND, detail=f"the balancer knows no {substation_id}")
            return
        fields = member_json(substation_id, member, self._view.state(member, now_s), now_s)
        freed = [
            {"within_s": within_s, "freed_kw": round(freed_w / KW, 3)}
            for within_s, freed_w in member.releases(now_s)
        ]
        self.write_json(fields | {"releases": freed})
