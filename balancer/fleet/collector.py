"""The gauges of the fleet: the view of each substation at the moment of a scrape."""

import time
from collections.abc import Callable, Iterator, Sized

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from balancer.fleet.health import HealthState
from balancer.fleet.view import View

AGE = ("smartgrid_balancer_report_age_seconds", "Age of the newest report")
OUTSTANDING = ("smartgrid_balancer_outstanding_watts", "Power that was asked for and not answered yet")
PROMISED = (
    "smartgrid_balancer_promised_watts",
    "Power that is kept for callers who were told to come back, and are due about now",
)
STATE = ("smartgrid_balancer_substation_state", "1 for the state that the balancer thinks it is in")
CONFLICTS = (
    "smartgrid_balancer_identity_conflicts",
    "Substation ids in doubt, so that nothing is placed there: two journals under one id, or another's stream",
)
WATCHED = ("smartgrid_balancer_watched_addresses", "Addresses that are polled")
FORECASTS = (
    "smartgrid_balancer_forecasts_good",
    "1 while so many substations have a good forecast that the policy predictive goes by them; else by load",
)
SHADOW = (
    "smartgrid_balancer_shadow_choices",
    "Choices that were made by predictive and by another policy since the start, by what came of them",
)
SHADOW_RESULTS = ("compared", "differed", "predictive_lower", "other_lower", "equal")
WAITING = ("smartgrid_balancer_waiting_requests", "Requests that wait for room")


class FleetCollector(Collector):
    """Yields what the view of the fleet says now."""

    def __init__(self, view: View, waiting: Sized, kept_w: Callable[[str, float], float]) -> None:
        """`kept_w` returns the power at a substation that is kept for callers who are to come back."""
        self._view = view
        self._roster = view.roster
        self._waiting = waiting
        self._kept_w = kept_w

    def describe(self) -> Iterator[Metric]:
        """Name the families."""
        yield CounterMetricFamily(*SHADOW)
        yield from (
            GaugeMetricFamily(*family)
            for family in (WAITING, FORECASTS, AGE, OUTSTANDING, PROMISED, STATE, CONFLICTS, WATCHED)
        )

    def collect(self) -> Iterator[Metric]:
        """Read the view."""
        now_s = time.monotonic()
        age = GaugeMetricFamily(*AGE, labels=["substation"])
        outstanding = GaugeMetricFamily(*OUTSTANDING, labels=["substation"])
        promised = GaugeMetricFamily(*PROMISED, labels=["substation"])
        for name, member in self._roster.members.items():
            age.add_metric([name], now_s - member.received_s)
            outstanding.add_metric([name], member.outstanding_w)
            promised.add_metric([name], self._kept_w(name, now_s))
        yield age
        yield outstanding
        yield promised
        yield GaugeMetricFamily(*WAITING, value=len(self._waiting))
        yield GaugeMetricFamily(*FORECASTS, value=float(not self._view.policy.doubt(now_s)))
        shadow = CounterMetricFamily(*SHADOW, labels=["result"])
        comparisons = self._view.policy.comparisons()
        for result in SHADOW_RESULTS:
            shadow.add_metric([result], comparisons[result])
        yield shadow
        yield self._states(now_s)
        states = [self._view.state(member, now_s) for member in self._roster.members.values()]
        yield GaugeMetricFamily(*CONFLICTS, value=states.count(HealthState.CONFLICT))
        yield GaugeMetricFamily(*WATCHED, value=len(self._roster.addresses))

    def _states(self, now_s: float) -> Metric:
        states = GaugeMetricFamily(*STATE, labels=["substation", "state"])
        for name, member in self._roster.members.items():
            now = self._view.state(member, now_s)
            for state in type(now):
                states.add_metric([name, state], float(state is now))
        return states
