"""The gateway's metrics."""

from prometheus_client import CollectorRegistry, Counter, Histogram

from balancer.contract import BalancerOutcome
from runtime.coalescer import BATCH_BUCKETS

# One bucket is the SLO: 99 % of admissions within 0.25 s. Most answers take 5 to 25 ms, so
# the buckets there are narrow: they limit how exact a percentile is.
BUCKETS_S = (0.0025, 0.005, 0.0075, 0.01, 0.0125, 0.015, 0.02, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
# Refused by the gateway itself:
REJECTED = "rejected"  # by validation
UNAUTHORIZED = "unauthorized"
QUOTA_EXCEEDED = "quota_exceeded"
FAILED = "failed"  # a fault of this service: 500
OUTCOMES = (
    BalancerOutcome.ADMITTED,
    BalancerOutcome.NO_CAPACITY,
    BalancerOutcome.NO_SUBSTATION,
    BalancerOutcome.UNKNOWN,
    BalancerOutcome.UNAVAILABLE,
    BalancerOutcome.WITHDRAWN,
    BalancerOutcome.EXCEEDS_CAPACITY,
    BalancerOutcome.UNKNOWN_SUBSTATION,
    BalancerOutcome.KEY_REUSED,
    BalancerOutcome.VEHICLE_CHARGING,
    REJECTED,
    UNAUTHORIZED,
    QUOTA_EXCEEDED,
    FAILED,
)
KINDS = ADMITTED, WAITING, OTHER = "admitted", "waiting", "other"


class GatewayMetrics:
    """The metrics of a gateway; every series exists from the start."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._requests = Counter(
            "smartgrid_charge_requests",
            "Requests to `POST /charge` that ended, by how",
            ["outcome"],
            registry=registry,
        )
        seconds = Histogram(
            "smartgrid_charge_request_duration_seconds",
            "From the arrival of a `POST /charge` to its answer. `admitted` did not ask to wait and is what the"
            " SLO is about; `waiting` asked to wait for room, however it ended",
            ["kind"],
            buckets=BUCKETS_S,
            registry=registry,
        )
        self._batch = Histogram(
            "smartgrid_gateway_batch_calls",
            "Calls in one message of the stream to the balancer",
            buckets=BATCH_BUCKETS,
            registry=registry,
        )
        # One object for each series, made once: to look it up by its label costs more than to count.
        self._by_outcome = {outcome: self._requests.labels(outcome) for outcome in OUTCOMES}
        self._by_kind = {kind: seconds.labels(kind) for kind in KINDS}

    def answered(self, outcome: str, took_s: float, *, waits: bool = False) -> None:
        """Count a request to charge; `waits` says that it asked to wait for room."""
        (self._by_outcome.get(outcome) or self._requests.labels(outcome)).inc()
        kind = WAITING if waits else ADMITTED if outcome == BalancerOutcome.ADMITTED else OTHER
        self._by_kind[kind].observe(took_s)

    def batched(self, calls: int) -> None:
        """Record how many calls were sent in one message."""
        self._batch.observe(calls)
