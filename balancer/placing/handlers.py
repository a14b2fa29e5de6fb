"""`/decisions`: which requests were sent where, and why."""

from balancer.placing.decisions import Decision, Decisions
from runtime.handlers import ApiHandler

KW = 1000


class DecisionsHandler(ApiHandler):
    """`GET /decisions?vehicle_id=&session_id=&after=&limit=`: the recent decisions."""

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


def decision_json(decision: Decision) -> dict[str, object]:
    """Return a decision with the options as they were seen."""
    options = [
        {
            "substation_id": option.substation_id,
            "state": option.state,
            "draining": option.draining,
            "linked": option.linked,
            "estimate_kw": round(option.estimate_w / KW, 3),
            "capacity_kw": option.capacity_w / KW,
            "report_age_s": round(option.report_age_s, 3),
        }
        for option in sorted(decision.options, key=lambda option: option.substation_id)
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
            "left_out",
        )
    }
    return plain | {"demand_kw": decision.demand_w / KW, "options": options}
