"""`/decisions`: which requests were sent where, and why; `/outlook`: what the fleet will probably carry."""

import time

from balancer.contract import left_out
from balancer.fleet.member import Member
from balancer.fleet.view import View
from balancer.placing.decision_search import LAST_MS, Wanted, search
from balancer.placing.decisions import Decision, Decisions
from balancer.placing.predictive.choice import ForecastChoice
from balancer.placing.predictive.fleet_outlook import LONGEST_S, cars_left, expected_base
from runtime.handlers import ApiHandler
from runtime.problem import NOT_FOUND

KW = 1000


class DecisionsHandler(ApiHandler):
    """`GET /decisions?vehicle_id=&session_id=&after=&limit=`: the recent decisions."""

    private = True

    def initialize(self, decisions: Decisions, started_unix_ms: int) -> None:  # type: ignore[override]
        """`decisions` is the ring of the recent ones, of the process that was started at `started_unix_ms`."""
        super().initialize()
        self._decisions = decisions
        self._started_unix_ms = started_unix_ms

    def get(self) -> None:
        """Write the newest first; numbers begin again with each process."""
        found = self._decisions.find(
            after=self.whole_argument("after", 0, 0, 2**62),
            limit=self.whole_argument("limit", 100, 0, 1000),
            vehicle_id=self.argument("vehicle_id"),
            session_id=self.argument("session_id"),
        )
        self.write_json(
            {
                "started_unix_ms": self._started_unix_ms,
                "decisions": [decision_json(decision) for decision in found],
            }
        )


class DecisionSearchHandler(ApiHandler):
    """`GET /decisions/search?refused=&substation_id=&policy=&before_unix_ms=&limit=`: all decisions that fit, page by page."""

    private = True

    def initialize(self, decisions: Decisions, started_unix_ms: int) -> None:  # type: ignore[override]
        """`decisions` is the ring of the recent ones, of the process that was started at `started_unix_ms`."""
        super().initialize()
        self._decisions = decisions
        self._started_unix_ms = started_unix_ms

    def get(self) -> None:
        """Write the newest first; `next` is the `before_unix_ms` of the next page, null at the end."""
        wanted = Wanted(
            self.whole_argument("before_unix_ms", LAST_MS, 0, LAST_MS),
            self.whole_argument("refused", 0, 0, 1) == 1,
            self.argument("substation_id"),
            self.argument("policy"),
        )
        limit = self.whole_argument("limit", 50, 1, 100)
        found, following = search(self._decisions.newest(), wanted, limit)
        self.write_json(
            {
                "started_unix_ms": self._started_unix_ms,
                "decisions": [decision_json(each) for each in found],
                "next": following,
            }
        )


class OutlookHandler(ApiHandler):
    """`GET /outlook?seconds=&substation_id=`: what is to come without new cars, of the usable substations or of one."""

    def initialize(self, view: View, choice: ForecastChoice) -> None:  # type: ignore[override]
        """`choice` has the newest forecasts."""
        super().initialize()
        self._view = view
        self._choice = choice

    def get(self) -> None:
        """Write what is left of the cars, and the expected base load, by seconds from now on."""
        seconds = self.whole_argument("seconds", LONGEST_S, 1, LONGEST_S)
        name, known = self.argument("substation_id"), self._view.roster.members
        if name and name not in known:
            self.write_problem(NOT_FOUND, detail=f"the balancer knows no {name}")
            return
        now_s = time.monotonic()
        members = [known[name]] if name else [each for each in known.values() if self._usable(each, now_s)]
        base = expected_base(members, self._choice.outlook, now_s, seconds)
        self.write_json(
            {
                "substations": len(members),
                "cars": [
                    {"within_s": each.within_s, "kw": round(each.cars_w / KW, 1)}
                    for each in cars_left(members, now_s, seconds)
                ],
                "base_load": [
                    {"within_s": round(each.within_s, 1)}
                    | {name: round(watts / KW, 1) for name, watts in each.bounds().items()}
                    for each in base
                ],
            }
        )

    def _usable(self, member: Member, now_s: float) -> bool:
        return not left_out(self._view.state(member, now_s), draining=member.report.draining)


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
