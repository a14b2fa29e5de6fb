"""The words and figures of a report: its headline, its tables, how to run it again.

Pure. A figure that was not measured is a dash, never a zero.
"""

import collections
import dataclasses
import shlex
from collections.abc import Iterator, Mapping, Sequence

from loadtest.paper import series
from loadtest.paper.document import Document, Station, mapping, number, words
from loadtest.paper.traffic import PERCENTILES, percentiles
from loadtest.record.stopped_sessions import StoppedSessions

NOTHING = "-"
GATEWAY_URL, BALANCER_URL = "http://127.0.0.1:8000", "http://127.0.0.1:8001"  # where a grid is by default
OPTIONS = ("seed", "requests", "seconds", "shape", "concurrency", "retries")
TOLD_APART = frozenset(
    {"preset", "shape", "seed", "requests", "seconds", "plan_sha256", "started_at", "versions", "run_id", "policy", "time_scale",
     "gateway_url", "balancer_url", "substation_id", "fail_if", "end_sessions_on_stop"}
)  # fmt: skip
GENERATOR = {
    "loop_lag_p99_ms": "event loop's lag, p99",
    "loop_lag_max_ms": "event loop's lag, highest",
    "late_p99_ms": "sent late, p99",
    "cpu_share": "CPU, of one core",
}


@dataclasses.dataclass(frozen=True, slots=True)
class Headline:
    """The verdict in a word, a shape and a sentence."""

    word: str
    shape: str  # held, broken, changed or interrupted: a name for a drawing
    sentence: str


@dataclasses.dataclass(frozen=True, slots=True)
class Fact:
    """One figure: its name, its value, and what it is compared with."""

    name: str
    value: str
    beside: str = ""


def name(document: Document) -> str:
    """Return what a run is called, and when it began."""
    told = [words(document.run.get(key)) for key in ("preset", "run_id", "started_at")]
    return ", ".join([told[0] or "rush hour", *filter(None, told[1:])])


def headline(document: Document) -> Headline:
    """Return the verdict on a run."""
    broken = [threshold.name for threshold in document.thresholds if threshold.broken]
    told = " ".join(filter(None, (_judged(document, broken), _changed(document))))
    if document.interrupted:
        until = "These are the figures of what was sent until then."
        return Headline(
            "INTERRUPTED", "interrupted", " ".join(filter(None, (until, _undone(document), told)))
        )
    if document.held:
        return Headline("HELD", "held", told)
    if document.disturbed and not broken:
        return Headline("CONDITIONS CHANGED", "changed", told)
    return Headline("BROKEN", "broken", told)


def _judged(document: Document, broken: Sequence[str]) -> str:
    """Return the result of the thresholds in words."""
    count = len(document.thresholds)
    open_ = [each.name for each in document.thresholds if not each.held and not each.judged]
    if not count:
        return "No threshold was judged."
    if not broken and not open_:
        return f"All {count} thresholds held."
    parts = [f"{len(broken)} of {count} thresholds broken: {', '.join(broken)}."] if broken else []
    return " ".join([*parts, *([f"Not judged: {', '.join(open_)}."] if open_ else [])])


def _changed(document: Document) -> str:
    """Return the changes on the grid during the run in words, "" if there were none."""
    told = "; ".join(f"{each.said} after {max(each.at_s, 0.0):.0f} s" for each in document.disturbed)
    return f"Changed during the run: {told}." if told else ""


def change_rows(document: Document) -> list[list[str]]:
    """Return a row for each change on the grid during the run, numbered as its mark in the plots."""
    return [
        [
            str(number),
            f"{max(each.at_s, 0.0):.1f} s",
            each.said,
            "the plan of the run" if each.planned else "somebody else",
        ]
        for number, each in enumerate(document.changes, start=1)
    ]


def _undone(document: Document) -> str:
    """Return what became of the sessions that a stop was to end, "" where they were left alone."""
    ended = mapping(document.result.get("ended_by_stop"))
    if not ended:
        return ""
    sessions, stopped, over, unknown = (
        int(number(ended.get(name)) or 0) for name in ("sessions", "ended", "over", "unknown")
    )
    left = {words(reason): int(number(count) or 0) for reason, count in mapping(ended.get("left")).items()}
    said = StoppedSessions(sessions, stopped, over, left, unknown).said()
    return f"{said[:1].upper()}{said[1:]}."


def key_figures(document: Document) -> list[Fact]:
    """Return what a reader wants to know first."""
    result = document.result
    capacity_kw = fleet_capacity_kw(document)
    response = mapping(result.get("response_ms"))
    overloads = [each.overload_ws for each in document.stations]
    overload_ws = sum(each for each in overloads if each is not None)
    oracle = mapping(result.get("oracle"))
    return [
        Fact("cars admitted", whole(result.get("admitted")), f"of {whole(result.get('planned'))} planned"),
        Fact("fleet's peak", share(result.get("fleet_peak_utilization")), f"of {whole(capacity_kw)} kW"),
        Fact("max/mean utilization", figure(result.get("balance_ratio"), ".3f"),
             f"oracle {figure(oracle.get('balance_ratio'), '.3f')}" if oracle else "1 is perfect"),
        Fact("response time, p99", _ms(response.get("p99")), f"longest {_ms(response.get('max'))}"),
        Fact("overload", NOTHING if None in overloads or not overloads else f"{overload_ws:g} W·s", "none is allowed"),
    ]  # fmt: skip


def balance(document: Document) -> list[Fact]:
    """Return how evenly the load was shared, as far as it was measured."""
    result, oracle = document.result, mapping(document.result.get("oracle"))
    found = [
        Fact("max/mean utilization", figure(result.get("balance_ratio"), ".4f"), "1 is perfect"),
        Fact("that of the oracle", figure(oracle.get("balance_ratio"), ".4f"), "it knew all cars beforehand"),
        Fact("ratio to the oracle", figure(result.get("imbalance_vs_oracle"), ".4f"), "1 is as good"),
        Fact("Jain's index", figure(result.get("jain"), ".5f"), "1 is perfect"),
        Fact("range of utilization", share(result.get("range")), "highest less lowest, on average"),
    ]
    return [fact if fact.value != NOTHING else Fact(fact.name, "not measured") for fact in found]


def generator(document: Document) -> tuple[str, list[Fact]]:
    """Return whether the generator's own figures can be trusted, and those figures."""
    told = mapping(document.result.get("generator"))
    verdict = words(told.get("verdict")) or "not measured"
    if why := words(told.get("why")):
        verdict = f"{verdict}: {why}"
    facts = []
    for key, name in GENERATOR.items():
        if (value := number(told.get(key))) is not None:
            facts.append(Fact(name, share(value) if key.endswith("share") else _ms(value)))
    return verdict, facts


def station_rows(document: Document) -> list[list[str]]:
    """Return a row for each substation, and one for the fleet."""
    rows = [_station(each) for each in document.stations]
    if len(rows) > 1:
        totals = {
            name: _sum(document.stations, name)
            for name in ("handled", "told", "refused", "capacity_kw", "energy_kwh", "overload_ws")
        }
        average_kw = _sum(document.stations, "load_average_kw")
        average = (
            average_kw / capacity if average_kw is not None and (capacity := totals["capacity_kw"]) else None
        )
        peak_kw = max(map(series.fleet_kw, series.whole(document)), default=None)
        rows.append(_row("fleet", totals, {"load_average_kw": average_kw, "load_peak_kw": peak_kw, "utilization_average": average,
                                           "utilization_peak": number(document.result.get("fleet_peak_utilization"))}))  # fmt: skip
    return rows


def latency_rows(document: Document) -> list[list[str]]:
    """Return a row of percentiles for each kind of latency, and the headings with them."""
    return [[name, *(figure(value, ",.1f") for value in values)] for name, values in percentiles(document)]


def latency_headings() -> list[str]:
    """Return the headings over `latency_rows`."""
    return ["in ms", *(each.replace("p999", "p99.9") for each in PERCENTILES)]


def reasons(document: Document) -> list[tuple[str, str]]:
    """Return why there was no session, and how often, the most frequent first."""
    told = {words(key): number(count) or 0 for key, count in mapping(document.result.get("reasons")).items()}
    if not told:
        told = dict(collections.Counter(each.reason for each in document.requests if each.reason))
    return [
        (reason, whole(count)) for reason, count in sorted(told.items(), key=lambda each: (-each[1], each[0]))
    ]


def plan(document: Document) -> list[Fact]:
    """Return what was asked for, and everything else that the document says of its run."""
    run = document.run
    facts = [
        Fact("plan", f"{whole(run.get('requests'))} cars in {figure(run.get('seconds'), 'g')} s", words(run.get("shape"))),
        Fact("preset", words(run.get("preset"))), Fact("seed", words(run.get("seed"))),
        Fact("hash of the plan (SHA-256)", words(run.get("plan_sha256"))), Fact("began", words(run.get("started_at"))),
        Fact("run", words(run.get("run_id"))), Fact("policy", words(run.get("policy"))),
        Fact("time scale", words(run.get("time_scale"))), Fact("gateway", words(run.get("gateway_url"))),
        Fact("balancer", words(run.get("balancer_url"))),
        *(Fact(f"version of {name}", words(version)) for name, version in mapping(run.get("versions")).items()),
    ]  # fmt: skip
    others = [
        Fact(words(name).replace("_", " "), words(value))
        for name, value in run.items()
        if name not in TOLD_APART
    ]
    return [fact for fact in [*facts, *others] if fact.value]


def command(document: Document) -> str:
    """Return the command that runs the same again, against a grid of the same kind."""
    run = document.run
    parts = ["python", "-m", "loadtest", words(run.get("preset")) or "rush-hour", *_options(run)]
    return shlex.join(parts)


def _options(run: Mapping[str, object]) -> Iterator[str]:
    for name in OPTIONS:
        if run.get(name) is not None:
            value = number(run[name])
            yield from (f"--{name.replace('_', '-')}", words(run[name]) if value is None else f"{value:.15g}")
    limits = run.get("fail_if")
    for limit in limits if isinstance(limits, list) else []:
        yield from ("--fail-if", words(limit))
    for name, key, default in (
        ("gateway", "gateway_url", GATEWAY_URL),
        ("balancer", "balancer_url", BALANCER_URL),
        ("substation", "substation_id", None),
    ):
        if run.get(key) and run[key] != default:
            yield from (f"--{name}", words(run[key]))


def fleet_capacity_kw(document: Document) -> float | None:
    """Return the sum of all limits; None when one is not known."""
    return _sum(document.stations, "capacity_kw")


def figure(value: object, form: str) -> str:
    """Return a number as `form` says; a dash for what is none."""
    found = number(value)
    return NOTHING if found is None else format(found, form)


def whole(value: object) -> str:
    """Return a count or a power without its fraction."""
    return figure(value, ",.0f")


def share(value: object) -> str:
    """Return a share as a percentage."""
    return figure(value, ".1%").replace("%", " %")


def _ms(value: object) -> str:
    found = figure(value, ",.1f")
    return found if found == NOTHING else f"{found} ms"


def _station(station: Station) -> list[str]:
    told = dataclasses.asdict(station)
    return _row(station.substation_id, told, told)


def _row(name: str, counted: Mapping[str, float | None], sampled: Mapping[str, float | None]) -> list[str]:
    return [
        name, whole(counted.get("handled")), whole(counted.get("told")), whole(counted.get("refused")),
        whole(counted.get("capacity_kw")), figure(sampled.get("load_average_kw"), ",.1f"),
        figure(sampled.get("load_peak_kw"), ",.1f"), share(sampled.get("utilization_average")),
        share(sampled.get("utilization_peak")), figure(counted.get("energy_kwh"), ",.1f"),
        figure(counted.get("overload_ws"), ",g"),
    ]  # fmt: skip


STATION_HEADINGS = (
    "substation", "handled", "told by 201s", "own refusals", "limit (kW)", "load, average (kW)", "load, peak (kW)",
    "utilization, average", "utilization, peak", "energy (kWh)", "overload (W·s)",
)  # fmt: skip


def _sum(stations: Sequence[Station], name: str) -> float | None:
    values = [getattr(each, name) for each in stations]
    return None if None in values or not values else sum(values)
