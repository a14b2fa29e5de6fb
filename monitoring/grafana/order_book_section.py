"""The panels of the order book: whether it can be written, how its database answers, its replicas, and what it keeps."""

from monitoring.grafana.charts import Axis, lines, timeline
from monitoring.grafana.layout import Line, Section
from monitoring.grafana.panels import Limits, Panel, Query
from monitoring.grafana.process_queries import CHOSEN, each_second, p99


def order_book() -> Section:
    """Return the panels of the order book."""
    reachable = timeline(
        "Order book",
        "Whether each balancer can write its order book. While it can't, requests with a key are refused.",
        Query(f"smartgrid_balancer_book_reachable{{{CHOSEN}}}", "{{instance}}"),
        states={1: ("can be written", "text"), 0: ("can't be written", "red")},
    )
    answers = lines(
        "Answer of the database",
        "How long the database of the order book took to answer: 99 % at most so long. After 1 s a "
        "balancer gives up. Empty where the book is a file.",
        "s",
        Query(p99("smartgrid_balancer_book_answer_seconds"), "{{instance}}"),
        axis=Axis(1, least=0.001, log=True),
        limits=Limits(warn=0.1, critical=1, lines=True),
    )
    batch = lines(
        "Claims and statements",
        "Claims a second, and the statements a second in which they went to the database: the further apart, "
        "the more claims share a commit.",
        "ops",
        Query(each_second("smartgrid_balancer_book_batch_claims_sum"), "{{instance}} claims"),
        Query(each_second("smartgrid_balancer_book_batch_claims_count"), "{{instance}} statements"),
        axis=Axis(2),
    )
    lost = lines(
        "Lost connections",
        "Connections to the database of the order book that were lost.",
        "none",
        Query(
            f"increase(smartgrid_balancer_book_connections_lost_total{{{CHOSEN}}}[$__rate_interval])",
            "{{instance}}",
        ),
        axis=Axis(2),
    )
    first = Line(8, ((6, reachable), (6, answers), (6, batch), (6, lost)))
    return Section("Order book", (first, Line(8, _database_of_order_book())))


def _database_of_order_book() -> tuple[tuple[int, Panel], ...]:
    replicas = lines(
        "Replicas",
        "Streaming replicas of the database of the order book, as each balancer sees them at its primary.",
        "none",
        Query(f"smartgrid_balancer_book_replicas{{{CHOSEN}}}", "{{instance}}"),
        axis=Axis(2),
    )
    behind = lines(
        "Slowest replica",
        "How much of the log the slowest replica has yet to replay. Empty where the login may not see it.",
        "bytes",
        Query(f"smartgrid_balancer_book_replica_behind_bytes{{{CHOSEN}}}", "{{instance}}"),
        axis=Axis(64 * 2**20),
        limits=Limits(warn=16 * 2**20, lines=True),
    )
    claims = lines(
        "Claims",
        "Claims in the database of the order book, by its statistics. A claim is kept for at least a day.",
        "short",
        Query(f"smartgrid_balancer_book_claims{{{CHOSEN}}}", "{{instance}}"),
        axis=Axis(1_000),
    )
    overdue = lines(
        "Delay of pruning",
        "For how long the claim that expired first should have been dropped. Balancers look every 10 s.",
        "s",
        Query(f"smartgrid_balancer_book_prune_delay_seconds{{{CHOSEN}}}", "{{instance}}"),
        axis=Axis(1_200),
        limits=Limits(warn=600, lines=True),
    )
    return ((6, replicas), (6, behind), (6, claims), (6, overdue))
