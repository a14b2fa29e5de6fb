"""The balancer's HTTP pages: the fleet as it sees it."""

import time

from balancer.fleet import Fleet, Member
from balancer.health import State
from runtime.handlers import ApiHandler

KW = 1000


class FleetHandler(ApiHandler):
    """`GET /fleet`."""

    def initialize(self, fleet: Fleet) -> None:  # type: ignore[override]
        """`fleet` is the view."""
        super().initialize()
        self._fleet = fleet

    def get(self) -> None:
        """Write the view."""
        self.write_json(fleet_json(self._fleet, time.monotonic()))


def fleet_json(fleet: Fleet, now_s: float) -> dict[str, object]:
    """Return the view as `/fleet` shows it at a moment."""
    shown = [
        member_json(name, member, fleet.state(member, now_s), now_s)
        for name, member in sorted(fleet.members.items())
    ]
    return {"policy": fleet.policy, "substations": shown, "unseen": fleet.unseen()}


def member_json(substation_id: str, member: Member, state: State, now_s: float) -> dict[str, object]:
    """Return one substation as `/fleet` shows it; load is the estimate of this moment."""
    load_w = member.estimate_w(now_s)
    capacity_w = member.report.capacity_w
    return {
        "substation_id": substation_id,
        "url": member.url,
        "state": state,
        "draining": member.report.draining,
        "capacity_kw": capacity_w / KW,
        "load_kw": round(load_w / KW, 3),
        "headroom_kw": round((capacity_w - load_w) / KW, 3),
        "utilization": round(load_w / capacity_w, 4),
        "sessions": member.report.sessions,
        "report_age_s": round(now_s - member.received_s, 3),
        "journal_id": member.report.journal_id,
    }
