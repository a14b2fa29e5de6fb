"""The balancer's counters, and the gauges of the rush hour; fleet/collector.py has the gauges of the fleet."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from balancer.book.lease import Window
from runtime.coalescer import BATCH_BUCKETS
from substation.contract import SubstationOutcome

DECISIONS = {
    SubstationOutcome.PLACED: "placed",
    SubstationOutcome.REFUSED: "refused",
    SubstationOutcome.STALE: "stale",
    None: "unknown",
}
RUSHHOUR_ACTIVE = (
    "smartgrid_rushhour_active",
    "1 while a run holds the lease of the rush hour; every balancer of an order book shows it, within a second",
)
WINDOW_START = (
    "smartgrid_rushhour_window_start_timestamp_seconds",
    "Unix time from which the cars of the newest rush hour arrive; 0: none since the balancer's start",
)
WINDOW_END = (
    "smartgrid_rushhour_window_end_timestamp_seconds",
    "Unix time until which they arrive; +Inf while a run that has not sent its window holds the lease",
)
OTHER = "other"
POLL_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.015, 0.025, 0.05, 0.1, 0.25, 0.5, 0.8)
ERROR_BUCKETS_W = (1, 1e3, 3e3, 1e4, 3e4, 1e5, 3e5, 1e6)


class BalancerMetrics:
    """The metrics of a balancer; the series of a substation exist from its discovery on."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._decisions = Counter(
            "smartgrid_balancer_decisions",
            "Answers of substations to placements. `unknown`: none in time; `other`: another order book",
            ["substation", "outcome"],
            registry=registry,
        )
        polls = "smartgrid_balancer_polls"
        self._polls = Counter(polls, "Polls of substations' /metrics", ["outcome"], registry=registry)
        self._poll_seconds = Histogram(
            "smartgrid_balancer_poll_seconds", "Duration of a poll", buckets=POLL_BUCKETS_S, registry=registry
        )
        self._scan_misses = Counter(
            "smartgrid_balancer_scan_misses",
            "Pages of substations that the fast scan could not read; the official parser was tried",
            registry=registry,
        )
        self._error = Histogram(
            "smartgrid_balancer_estimate_error_watts",
            "How far the estimate of a load was off, either way, when a poll brought a newer report",
            ["substation"],
            buckets=ERROR_BUCKETS_W,
            registry=registry,
        )
        self._resolutions = Counter(
            "smartgrid_balancer_resolutions",
            "Look-ups of `dns://` names",
            ["outcome"],
            registry=registry,
        )
        self._batch = Histogram(
            "smartgrid_balancer_batch_calls",
            "Calls in one message of a stream to a substation",
            buckets=BATCH_BUCKETS,
            registry=registry,
        )
        self._errors, self._decided = dict[str, Histogram](), dict[tuple[str, str], Counter]()  # for labels()
        self._polls_ok, self._polls_failed = self._polls.labels("ok"), self._polls.labels("failed")
        for outcome in ("ok", "failed"):
            self._resolutions.labels(outcome)

    def discovered(self, substation_id: str) -> None:
        """Make the series of a substation."""
        for outcome in (*DECISIONS.values(), OTHER):
            self._decided[substation_id, outcome] = self._decisions.labels(substation_id, outcome)
        self._errors[substation_id] = self._error.labels(substation_id)

    def forgotten(self, substation_id: str) -> None:
        """End the series of a substation that is gone for good."""
        for outcome in (*DECISIONS.values(), OTHER):
            self._decisions.remove(substation_id, outcome)
            self._decided.pop((substation_id, outcome), None)
        self._error.remove(substation_id)
        self._errors.pop(substation_id, None)

    def resolved(self, *, ok: bool) -> None:
        """Count a look-up of a name."""
        self._resolutions.labels("ok" if ok else "failed").inc()

    def decided(self, substation_id: str, outcome: SubstationOutcome | None) -> None:
        """Count an answer; None when there was none in time."""
        label = DECISIONS.get(outcome, OTHER)
        (self._decided.get((substation_id, label)) or self._decisions.labels(substation_id, label)).inc()

    def polled(self, took_s: float, *, ok: bool) -> None:
        """Count a poll."""
        (self._polls_ok if ok else self._polls_failed).inc()
        self._poll_seconds.observe(took_s)

    def batched(self, calls: int) -> None:
        """Record how many calls were sent in one message."""
        self._batch.observe(calls)

    def scan_missed(self) -> None:
        """Count a page that the fast scan could not read."""
        self._scan_misses.inc()

    def estimate_was_off(self, substation_id: str, watts: float) -> None:
        """Record the error of an estimate."""
        (self._errors.get(substation_id) or self._error.labels(substation_id)).observe(abs(watts))


def show_rushhour(
    registry: CollectorRegistry, active: Callable[[], bool], window: Callable[[], Window]
) -> None:
    """Export whether a rush hour is in progress, and when the cars of the newest one arrive; both are read at a scrape.

    A scrape sees a change up to a second late; the moments make averages over the window exact.
    """
    shown: dict[tuple[str, str], Callable[[], float]] = {
        RUSHHOUR_ACTIVE: lambda: float(active()),
        WINDOW_START: lambda: window().from_unix_s,
        WINDOW_END: lambda: window().until_unix_s,
    }
    for family, value in shown.items():
        Gauge(*family, registry=registry).set_function(value)
