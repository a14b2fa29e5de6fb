"""The gateway's metrics."""

from prometheus_client import CollectorRegistry, Counter, Histogram

from balancer.contract import Outcome

# One bucket is the SLO: 99 % of admissions within 0.25 s.
BUCKETS_S = (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
# Refused before any balancer was asked:
REJECTED = "rejected"  # by validation
UNAUTHORIZED = "unauthorized"
QUOTA_EXCEEDED = "quota_exceeded"
OUTCOMES = (
    Outcome.ADMITTED, Outcome.NO_CAPACITY, Outcome.NO_SUBSTATION, Outcome.UNKNOWN, Outcome.WITHDRAWN,
    Outcome.EXCEEDS_CAPACITY, Outcome.UNKNOWN_SUBSTATION, Outcome.KEY_REUSED, REJECTED,
    UNAUTHORIZED, QUOTA_EXCEEDED,
)  # fmt: skip


class GatewayMetrics:
    """What the gateway counts; every series exists from the start."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._requests = Counter(
            "smartgrid_charge_requests",
            "Requests to charge, by how they ended",
            ["outcome"],
            registry=registry,
        )
        self._seconds = Histogram(
            "smartgrid_charge_request_duration_seconds", "From the request's arrival to its answer",
            buckets=BUCKETS_S, registry=registry,
        )  # fmt: skip
        for outcome in OUTCOMES:
            self._requests.labels(outcome)

    def answered(self, outcome: str, took_s: float) -> None:
        """Count a request to charge."""
        self._requests.labels(outcome).inc()
        self._seconds.observe(took_s)
