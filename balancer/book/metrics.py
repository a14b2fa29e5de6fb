"""The metrics of the order book, wherever it is kept."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from balancer.book.condition import ConditionMetrics
from runtime.coalescer import BATCH_BUCKETS

SECONDS_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.015, 0.025, 0.05, 0.1, 0.25, 0.5, 1)


class BookMetrics:
    """Counts what a balancer asks of its order book. Only the book in PostgreSQL has more than `reachable`."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._reachable = Gauge(
            "smartgrid_balancer_book_reachable",
            "1 while the order book can be written, 0 while requests with a key are refused",
            registry=registry,
        )
        self._seconds = Histogram(
            "smartgrid_balancer_book_answer_seconds",
            "Time for the database of the order book to answer",
            buckets=SECONDS_BUCKETS,
            registry=registry,
        )
        self._claims = Histogram(
            "smartgrid_balancer_book_batch_claims",
            "Claims in one statement to the database of the order book",
            buckets=BATCH_BUCKETS,
            registry=registry,
        )
        self._lost = Counter(
            "smartgrid_balancer_book_connections_lost",
            "Connections to the database of the order book that were lost",
            registry=registry,
        )
        self.condition = ConditionMetrics(registry)

    def watch(self, waiting_for: Callable[[], list[str]]) -> None:
        """Show at each scrape whether the book can be written: whether it waits for nothing."""
        self._reachable.set_function(lambda: not waiting_for())

    def answered(self, took_s: float) -> None:
        """Count an answer of the database."""
        self._seconds.observe(took_s)

    def claimed(self, count: int) -> None:
        """Count a statement with `count` claims."""
        self._claims.observe(count)

    def lost(self) -> None:
        """Count a connection that was lost."""
        self._lost.inc()
