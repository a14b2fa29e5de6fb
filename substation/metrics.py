"""The substation's metrics: read from its state when they are scraped."""

from collections.abc import Iterator
from typing import Protocol

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from runtime.group_commit import BATCH_BUCKETS
from substation.base_load.basis import Basis
from substation.contract import RELEASES_WITHIN_S, Report, SubstationOutcome
from substation.curve import Usage
from substation.plan import MS_PER_S

COMMIT_BUCKETS_S = (0.001, 0.002, 0.005, 0.01, 0.015, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
OUTCOME_LABELS = {  # outcome of a written decision -> value of the label
    SubstationOutcome.PLACED: "admitted",
    SubstationOutcome.REFUSED: "refused",
    SubstationOutcome.STOPPED: "stopped",
    SubstationOutcome.WITHDRAWN: "withdrawn",
}
GAUGES = {
    "smartgrid_substation_load_watts": "Power reserved by open sessions",
    "smartgrid_substation_capacity_watts": "The present limit: the rated one, or what an operator lowered it to",
    "smartgrid_substation_rated_watts": "The limit when it is not derated",
    "smartgrid_substation_base_load_watts": "Power that the transformer carries besides cars",
    "smartgrid_substation_owed_watts": "Power that paused sessions reserve when they resume; no new car gets it",
    "smartgrid_substation_kept_watts": "Power that is kept for the base load to come, with ADMIT=forecast",
    "smartgrid_substation_headroom_watts": (
        "Capacity minus base load, load, owed and kept power; negative while the capacity was lowered below them, or base load has risen"
    ),
    "smartgrid_substation_sessions_active": "Open sessions, paused ones too",
    "smartgrid_substation_sessions_paused": "Open sessions that get no power now, because the base load needs it",
    "smartgrid_substation_base_load_stale": "1 while the meter of the base load is silent, so that an assumption counts",
    "smartgrid_substation_base_load_by_forecast": "1 while that assumption is the upper bound of the forecast",
    "smartgrid_substation_draining": "1 while no new session is taken: drained by an operator, or the journal can't be written, or stopping",
    "smartgrid_substation_calendar_seconds": "Grid time since 00:00 of a Monday",
    "smartgrid_substation_report_epoch": "Rises with every start of the substation",
    "smartgrid_substation_report_seq": "Rises with every report within an epoch; a scrape is a report",
    "smartgrid_time_scale": "Grid seconds that pass in one second",
}
DRAW = (
    "smartgrid_substation_draw_watts",
    "Power that the cars draw: at most the load, and below it while cars taper",
)
RELEASES = (
    "smartgrid_substation_releases_watts",
    "Power that known plans free within so many wall seconds, cumulative",
)
INFO = (
    "smartgrid_substation",
    "The journal's id, and the stream's address; one without a host is on this page's",
)
ENERGY = ("smartgrid_substation_energy_joules", "Energy delivered since the journal was made, in grid time")
OVERLOAD = (
    "smartgrid_substation_overload_watt_seconds",
    "Base load and load above capacity over grid time. `admission` stays 0; `derating`: the capacity was lowered; `base_load`: it rose",
)


class WriterMetrics:
    """Counters of the writer thread; every series exists from the start."""

    def __init__(self, registry: CollectorRegistry, substation_id: str) -> None:
        self._commit = Histogram(
            "smartgrid_substation_commit_seconds",
            "Duration of a journal commit with its decisions",
            ["substation"],
            buckets=COMMIT_BUCKETS_S,
            registry=registry,
        ).labels(substation_id)
        self._batch = Histogram(
            "smartgrid_substation_commit_decisions",
            "Decisions that were written by one journal commit",
            ["substation"],
            buckets=BATCH_BUCKETS,
            registry=registry,
        ).labels(substation_id)
        sessions = Counter(
            "smartgrid_substation_sessions",
            "Decisions that were committed since the start; the same answer given again is not counted",
            ["substation", "outcome"],
            registry=registry,
        )
        self._sessions = {
            outcome: sessions.labels(substation_id, label) for outcome, label in OUTCOME_LABELS.items()
        }

        pauses = Counter(
            "smartgrid_substation_pauses",
            "Pauses of sessions that began, and that ended with a resumption, since the start",
            ["substation", "change"],
            registry=registry,
        )
        self._pauses = {
            began: pauses.labels(substation_id, label)
            for began, label in ((True, "paused"), (False, "resumed"))
        }

    def paused(self, *, began: bool) -> None:
        """Count a pause that began, or a session that resumed."""
        self._pauses[began].inc()

    def committed(self, took_s: float, outcomes: list[SubstationOutcome]) -> None:
        """Count one commit and the decisions in it."""
        self._commit.observe(took_s)
        self._batch.observe(len(outcomes))
        for outcome in outcomes:
            if outcome in self._sessions:  # an operator's order is no session
                self._sessions[outcome].inc()


class ObservedLoad(Protocol):
    """The figures that the collectors read: one report, and the totals of the same moment."""

    journal_id: str
    time_scale: float

    def report(self) -> Report:
        """Return the report of this moment."""

    def usage(self) -> Usage:
        """Return the running totals of this moment."""

    def draw_w(self) -> float:
        """Return the watts drawn at this moment."""

    def delivered_j(self) -> int:
        """Return the joules delivered up to this moment."""

    def base_load_basis(self) -> Basis:
        """Return by what the base load of this moment is known."""


class ReportCollector(Collector):
    """Yields the metrics that balancers poll: the report, and the identity of the substation."""

    def __init__(self, station: ObservedLoad, substation_id: str, stream_address: str) -> None:
        """`stream_address` is where balancers call: `:port` on the host of this page, or `host:port`."""
        self._station = station
        self._labels = [substation_id]
        self._stream_address = stream_address

    def describe(self) -> Iterator[Metric]:
        """Name the families, so that a scrape of a few names finds them."""
        yield from (GaugeMetricFamily(name, about) for name, about in GAUGES.items())
        yield GaugeMetricFamily(*RELEASES)
        yield InfoMetricFamily(*INFO)

    def collect(self) -> Iterator[Metric]:
        """Evaluate the load now; all families are of the same report."""
        report = self._station.report()
        values = (
            report.load_w,
            report.capacity_w,
            report.rated_w,
            report.base_load_w,
            report.owed_w,
            report.kept_w,
            report.capacity_w - report.taken_w,
            report.sessions,
            report.paused,
            int(report.base_load_stale),
            int(self._station.base_load_basis() is Basis.FORECAST),
            int(report.draining),
            report.calendar_s,
            report.epoch,
            report.seq,
            self._station.time_scale,
        )
        for (name, about), value in zip(GAUGES.items(), values, strict=True):
            gauge = GaugeMetricFamily(name, about, labels=["substation"])
            gauge.add_metric(self._labels, value)
            yield gauge
        releases = GaugeMetricFamily(*RELEASES, labels=["substation", "within"])
        for within, watts in zip(RELEASES_WITHIN_S, report.releases_w, strict=True):
            releases.add_metric([*self._labels, "+Inf" if within == float("inf") else f"{within:g}"], watts)
        yield releases
        info = InfoMetricFamily(*INFO, labels=["substation"])
        info.add_metric(self._labels, {"journal": self._station.journal_id, "stream": self._stream_address})
        yield info


class EnergyCollector(Collector):
    """Yields the metrics that need a look at every session: draw, energy and overload. Balancers don't poll them."""

    def __init__(self, station: ObservedLoad, substation_id: str) -> None:
        self._station = station
        self._labels = [substation_id]

    def describe(self) -> Iterator[Metric]:
        """Name the families."""
        yield GaugeMetricFamily(*DRAW)
        yield CounterMetricFamily(*ENERGY)
        yield CounterMetricFamily(*OVERLOAD)

    def collect(self) -> Iterator[Metric]:
        """Read the sums over the open sessions."""
        draw = GaugeMetricFamily(*DRAW, labels=["substation"])
        draw.add_metric(self._labels, self._station.draw_w())
        yield draw
        energy = CounterMetricFamily(*ENERGY, labels=["substation"])
        energy.add_metric(self._labels, self._station.delivered_j())
        yield energy
        usage = self._station.usage()
        overload = CounterMetricFamily(*OVERLOAD, labels=["substation", "cause"])
        overload.add_metric([*self._labels, "admission"], usage.admission_wms / MS_PER_S)
        overload.add_metric([*self._labels, "derating"], usage.derating_wms / MS_PER_S)
        overload.add_metric([*self._labels, "base_load"], usage.base_load_wms / MS_PER_S)
        yield overload
