"""The condition of a database that keeps an order book, and the metrics that show it."""

import dataclasses
import math

from prometheus_client import CollectorRegistry, Gauge


@dataclasses.dataclass(frozen=True, slots=True)
class Condition:
    """The condition of a database with an order book; `behind_bytes` is None while it can't be seen."""

    claims: int
    prune_delay_s: float
    replicas: int
    behind_bytes: int | None


class ConditionMetrics:
    """Shows the newest condition; all are 0 while the book is a file."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._claims = Gauge(
            "smartgrid_balancer_book_claims",
            "Claims in the database of the order book, by its statistics; a claim is kept for at least a day",
            registry=registry,
        )
        self._overdue = Gauge(
            "smartgrid_balancer_book_prune_delay_seconds",
            "For how long the claim that expired first should have been dropped; 0 when none has expired",
            registry=registry,
        )
        self._replicas = Gauge(
            "smartgrid_balancer_book_replicas",
            "Streaming replicas of the database of the order book, by its primary",
            registry=registry,
        )
        self._behind = Gauge(
            "smartgrid_balancer_book_replica_behind_bytes",
            "Bytes of log that the slowest replica has yet to replay; NaN while the login may not see it",
            registry=registry,
        )

    def looked(self, condition: Condition) -> None:
        """Show the condition of the database."""
        self._claims.set(condition.claims)
        self._overdue.set(condition.prune_delay_s)
        self._replicas.set(condition.replicas)
        self._behind.set(math.nan if condition.behind_bytes is None else condition.behind_bytes)
