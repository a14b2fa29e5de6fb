"""The health of the processes: rate, errors, duration, loop, memory, journal, streams. Writes services.json."""

from monitoring.grafana.charts import Axis, heatmap, lines, timeline
from monitoring.grafana.figures import stat, table
from monitoring.grafana.layout import Line, Section, Variable, dashboard
from monitoring.grafana.order_book_section import order_book
from monitoring.grafana.panels import Json, Limits, Panel, Query, field
from monitoring.grafana.process_queries import CHOSEN, mean, p99

UID = "smartgrid-services"
DAY_S = 86_400
JOB = Variable("job", "Service", "Which services are shown", "label_values(smartgrid_build_info, job)")
INSTANCE = Variable(
    "instance",
    "Process",
    "Which processes of these services are shown",
    'label_values(smartgrid_build_info{job=~"$job"}, instance)',
)
REQUESTS = f"smartgrid_http_requests_total{{{CHOSEN}}}"


def build() -> Json:
    """Return the dashboard."""
    about = (
        "Rate, errors and duration of every service, and what holds a process up: its loop, its memory, its "
        "journal, its streams. Grey is normal; colour means that something is not."
    )
    sections = (_processes(), _red(), _inside(), _journals(), order_book(), _streams())
    return dashboard(UID, "Smart grid services", about, (JOB, INSTANCE), sections)


def _processes() -> Section:
    up = timeline(
        "Scraped",
        "Whether Prometheus reaches each process.",
        Query(f"up{{{CHOSEN}}}", "{{job}} {{instance}}"),
        states={1: ("up", "text"), 0: ("down", "red")},
    )
    columns = {
        "runs for": Query(_with_version(f"(time() - process_start_time_seconds{{{CHOSEN}}})")),
        "memory": Query(_with_version(f"process_resident_memory_bytes{{{CHOSEN}}}")),
    }
    runs = table(
        "What runs",
        "Each process, its version, how long it has run, and its memory.",
        "s",
        columns,
        by=("job", "instance", "version"),
        overrides=(field("memory", unit="bytes"),),
    )
    scrape = stat(
        "Slowest scrape",
        "The longest scrape of a process. Above 0.9 s it fails, and the charts have gaps.",
        "s",
        Query(f"max(scrape_duration_seconds{{{CHOSEN}}})"),
        Limits(warn=0.3, critical=0.9),
    )
    certificates = stat(
        "Next expiry",
        "The shortest time for which a certificate of a process is still valid. Without TLS it never comes.",
        "s",
        Query(f"min(smartgrid_tls_certificate_remaining_seconds{{{CHOSEN}}})"),
        Limits(warn=14 * DAY_S, critical=DAY_S, falling=True),
    )
    return Section("Processes", (Line(8, ((7, up), (10, runs), (4, scrape), (3, certificates))),))


def _with_version(expr: str) -> str:
    return f"max by (job, instance, version) ({expr} * on(job, instance) group_left(version) smartgrid_build_info)"


def _red() -> Section:
    rate = lines(
        "Requests",
        "HTTP requests that each service answered, without probes and scrapes.",
        "reqps",
        Query(
            f'sum by (job) (rate(smartgrid_http_requests_total{{{CHOSEN},handler!~"{MACHINES}"}}[$__rate_interval]))',
            "{{job}}",
        ),
        axis=Axis(1),
    )
    duration = lines(
        "Duration",
        "99 % of the answers took at most so long, by handler.",
        "s",
        Query(p99("smartgrid_http_request_duration_seconds", "job, handler") + " > 0", "{{job}} {{handler}}"),
        axis=Axis(1, least=0.001, log=True),
        limits=Limits(critical=0.25, lines=True),
    )
    decisions = lines(
        "Answers of substations",
        "What substations answered to the balancers, by outcome.",
        "reqps",
        Query(
            f"sum by (outcome) (rate(smartgrid_balancer_decisions_total{{{CHOSEN}}}[$__rate_interval])) > 0",
            "{{outcome}}",
        ),
        axis=Axis(1),
        stacked=True,
    )
    return Section(
        "Rate, errors, duration",
        (
            Line(8, ((8, rate), (8, _errors()), (8, decisions))),
            Line(9, ((24, duration),)),
        ),
    )


def _errors() -> Panel:
    return lines(
        "Errors",
        "Share of the answers of each service that were a 5xx. A full grid answers 503 too: compare "
        "with the outcomes.",
        "percentunit",
        Query(
            f'sum by (job) (rate(smartgrid_http_requests_total{{{CHOSEN},status="5xx"}}[$__rate_interval])) '
            f"/ (sum by (job) (rate({REQUESTS}[$__rate_interval])) > 0)",
            "{{job}}",
        ),
        axis=Axis(0.1),
        limits=Limits(warn=0.01, critical=0.05, lines=True),
    )


MACHINES = "LiveHandler|ReadyHandler|MetricsHandler"


def _inside() -> Section:
    lag = lines(
        "Loop lag",
        "How late the event loop ran its timers; 99 % were at most so late. From 100 ms on every "
        "request feels it.",
        "s",
        Query(p99("smartgrid_loop_lag_seconds"), "{{job}} {{instance}}"),
        axis=Axis(0.12),
        limits=Limits(warn=0.05, critical=0.1, lines=True),
    )
    processor = lines(
        "Processor",
        "Share of one core. A process is one loop: near 1 it can do no more.",
        "percentunit",
        Query(f"rate(process_cpu_seconds_total{{{CHOSEN}}}[$__rate_interval])", "{{job}} {{instance}}"),
        axis=Axis(1),
        limits=Limits(warn=0.7, critical=0.9, lines=True),
    )
    files = lines(
        "Open files",
        "File descriptors in use, over the most there may be.",
        "percentunit",
        Query(f"process_open_fds{{{CHOSEN}}} / process_max_fds{{{CHOSEN}}}", "{{job}} {{instance}}"),
        axis=Axis(1),
        limits=Limits(warn=0.7, critical=0.9, lines=True),
    )
    return Section(
        "Inside a process",
        (
            Line(8, ((12, lag), (12, processor))),
            Line(8, ((12, _memory()), (12, files))),
            Line(8, ((24, _tasks()),)),
        ),
    )


def _memory() -> Panel:
    query = Query(f"process_resident_memory_bytes{{{CHOSEN}}}", "{{job}} {{instance}}")
    return lines("Memory", "Resident memory of each process.", "bytes", query, axis=Axis(128 * 2**20))


def _tasks() -> Panel:
    what = "Tasks of each event loop that have not ended: those of requests, and some. A floor that rises for hours is a leak."
    query = Query(f"smartgrid_event_loop_tasks{{{CHOSEN}}}", "{{job}} {{instance}}")
    return lines("Tasks", what, "none", query, axis=Axis(20))


def _journals() -> Section:
    name = "smartgrid_substation_commit_seconds"
    commits = lines(
        "Journal commit",
        "How long a commit took that makes decisions durable: 99 % at most so long. An "
        "admission waits for one.",
        "s",
        Query(p99(name, "substation"), "{{substation}}"),
        axis=Axis(0.12),
        limits=Limits(warn=0.05, critical=0.1, lines=True),
    )
    spread = heatmap(
        "Spread of journal commits",
        "Commits a second by how long they took, at the chosen substations.",
        "s",
        Query(f"sum by (le) (rate({name}_bucket{{{CHOSEN}}}[$__rate_interval]))", "{{le}}", shape="heatmap"),
    )
    batch = lines(
        "Decisions in a commit",
        "Mean number of decisions that one commit wrote: it rises with the load, "
        "which is what keeps a slow disk from holding the grid up.",
        "none",
        Query(mean("smartgrid_substation_commit_decisions", "substation"), "{{substation}}"),
        axis=Axis(2),
    )
    return Section("Journals", (Line(8, ((8, commits), (8, spread), (8, batch))),))


def _streams() -> Section:
    batches = lines(
        "Calls in a message",
        "Mean number of calls that went as one message on the streams between services.",
        "none",
        Query(mean("smartgrid_gateway_batch_calls", "job"), "gateway to balancer"),
        Query(mean("smartgrid_balancer_batch_calls", "job"), "balancer to substations"),
        axis=Axis(2),
    )
    polls = lines(
        "Poll",
        "How long the balancers' polls of `/metrics` took: 99 % at most so long. At 0.8 s one is given up.",
        "s",
        Query(p99("smartgrid_balancer_poll_seconds"), "{{instance}}"),
        axis=Axis(1, least=0.001, log=True),
        limits=Limits(warn=0.25, critical=0.8, lines=True),
    )
    failed = lines(
        "Failed polls",
        "Share of the polls that failed.",
        "percentunit",
        Query(
            f'sum(rate(smartgrid_balancer_polls_total{{{CHOSEN},outcome="failed"}}[$__rate_interval])) '
            f"/ (sum(rate(smartgrid_balancer_polls_total{{{CHOSEN}}}[$__rate_interval])) > 0)",
            "failed",
        ),
        axis=Axis(0.2),
        limits=Limits(warn=0.01, critical=0.1, lines=True),
    )
    clients = lines(
        "Stream clients",
        "Clients of `/fleet/stream` and of the console's stream.",
        "none",
        Query(f"sum by (job) (smartgrid_balancer_stream_clients{{{CHOSEN}}})", "{{job}}"),
        Query(f"sum by (job) (smartgrid_console_stream_clients{{{CHOSEN}}})", "{{job}}"),
        axis=Axis(5),
    )
    return Section("Streams and polls", (Line(8, ((6, batches), (6, polls), (6, failed), (6, clients))),))
