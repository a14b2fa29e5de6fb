"""The figures of a report: its tiles, its lists and its tables.

Pure. A figure that was not measured is a dash, never a zero.
"""

import collections
import dataclasses
from collections.abc import Mapping, Sequence

from loadtest.paper import series
from loadtest.paper.document import Document, SubstationFigures
from loadtest.paper.fields import mapping, moment, number, text
from loadtest.paper.formats import MISSING, figure, milliseconds, share, watt_seconds, whole
from loadtest.paper.latency import PERCENTILES, percentiles

# The fields of a run that `plan` has a name and a place for, or that the page shows elsewhere.
NAMED_FIELDS = frozenset(
    {
        "preset",
        "shape",
        "seed",
        "requests",
        "seconds",
        "plan_sha256",
        "started_at",
        "versions",
        "run_id",
        "policy",
        "time_scale",
        "gateway_url",
        "balancer_url",
        "substation_id",
        "starts_at",
        "grid_time",
        "fail_if",
        "end_sessions_on_stop",
    }
)
GENERATOR = {
    "loop_lag_p99_ms": "event loop lag, p99",
    "loop_lag_max_ms": "event loop lag, highest",
    "late_p99_ms": "sent late, p99",
    "cpu_share": "CPU, of one core",
}
SUBSTATION_HEADINGS = (
    "substation",
    "cars admitted",
    "answers with 201",
    "refusals",
    "limit (kW)",
    "base load, peak (kW)",
    "cars, average (kW)",
    "cars, peak (kW)",
    "utilization, average",
    "utilization, peak",
    "energy (kWh)",
    "overload (W·s)",
    "pauses",
)


@dataclasses.dataclass(frozen=True, slots=True)
class Fact:
    """One figure: its name, its value, and what to compare it with."""

    name: str
    value: str
    comparison: str = ""


def key_figures(document: Document) -> list[Fact]:
    """Return the figures that a reader looks for first."""
    result = document.result
    capacity_kw = fleet_capacity_kw(document)
    response = mapping(result.get("response_ms"))
    overloads = [each.overload_ws for each in document.substations]
    overload_ws = sum(each for each in overloads if each is not None)
    oracle = mapping(result.get("oracle"))
    return [
        Fact("cars admitted", whole(result.get("admitted")), f"of {whole(result.get('planned'))} planned"),
        Fact("fleet's peak", share(result.get("fleet_peak_utilization")), f"of {whole(capacity_kw)} kW"),
        Fact(
            "max/mean utilization",
            figure(result.get("balance_ratio"), ".3f"),
            f"oracle {figure(oracle.get('balance_ratio'), '.3f')}" if oracle else "1 is perfect",
        ),
        Fact(
            "response time, p99",
            milliseconds(response.get("p99")),
            f"longest {milliseconds(response.get('max'))}",
        ),
        Fact(
            "overload",
            MISSING if None in overloads or not overloads else f"{watt_seconds(overload_ws)} W·s",
            "none by admission is allowed",
        ),
    ]


def balance(document: Document) -> list[Fact]:
    """Return how evenly the load was shared, as far as it was measured."""
    result, oracle = document.result, mapping(document.result.get("oracle"))
    found = [
        Fact("max/mean utilization", figure(result.get("balance_ratio"), ".4f"), "1 is perfect"),
        Fact(
            "the same for the oracle", figure(oracle.get("balance_ratio"), ".4f"), "knows all cars in advance"
        ),
        Fact("ratio to the oracle", figure(result.get("imbalance_vs_oracle"), ".4f"), "1 is as good"),
        Fact("Jain's index", figure(result.get("jain"), ".5f"), "1 is perfect"),
        Fact("range of utilization", share(result.get("range")), "highest less lowest, on average"),
    ]
    return [fact if fact.value != MISSING else Fact(fact.name, "not measured") for fact in found]


def generator(document: Document) -> tuple[str, list[Fact]]:
    """Return whether the load generator kept up, and the figures that say so."""
    raw = mapping(document.result.get("generator"))
    verdict = text(raw.get("verdict")) or "not measured"
    if why := text(raw.get("why")):
        verdict = f"{verdict}: {why}"
    facts = []
    for key, name in GENERATOR.items():
        if (value := number(raw.get(key))) is not None:
            facts.append(Fact(name, share(value) if key.endswith("share") else milliseconds(value)))
    return verdict, facts


def kept_up(document: Document) -> bool:
    """Whether nothing says that the load generator was too slow, and that the latencies are partly its own."""
    return generator(document)[0] in {"ok", "not measured"}


def substation_rows(document: Document) -> list[list[str]]:
    """Return a row for each substation, and one for the fleet if there are several."""
    rows = [_substation(each) for each in document.substations]
    if len(rows) > 1:
        rows.append(_fleet(document))
    return rows


def latency_rows(document: Document) -> list[list[str]]:
    """Return a row of percentiles for each kind of latency."""
    return [[name, *(figure(value, ",.1f") for value in values)] for name, values in percentiles(document)]


def latency_headings() -> list[str]:
    """Return the headings of `latency_rows`."""
    return ["in ms", *(each.replace("p999", "p99.9") for each in PERCENTILES)]


def reasons(document: Document) -> list[tuple[str, str]]:
    """Return why requests got no session and how many, the most frequent reason first."""
    counts = {text(key): number(count) or 0 for key, count in mapping(document.result.get("reasons")).items()}
    if not counts:
        counts = dict(collections.Counter(each.reason for each in document.requests if each.reason))
    ordered = sorted(counts.items(), key=lambda each: (-each[1], each[0]))
    return [(reason, whole(count)) for reason, count in ordered]


def change_rows(document: Document) -> list[list[str]]:
    """Return a row for each change on the grid during the run, numbered as in the plots."""
    return [
        [
            str(place),
            f"{max(each.at_s, 0.0):.1f} s",
            each.description,
            "the plan of the run" if each.planned else "somebody else",
        ]
        for place, each in enumerate(document.changes, start=1)
    ]


def plan(document: Document) -> list[Fact]:
    """Return the plan of the run, and everything else that the document says of it."""
    run = document.run
    facts = [
        Fact(
            "plan",
            f"{whole(run.get('requests'))} cars in {figure(run.get('seconds'), 'g')} s",
            text(run.get("shape")),
        ),
        Fact("preset", text(run.get("preset"))),
        Fact("seed", text(run.get("seed"))),
        Fact("hash of the plan (SHA-256)", text(run.get("plan_sha256"))),
        Fact("began", moment(run.get("started_at"))),
        Fact("run", text(run.get("run_id"))),
        Fact("policy", text(run.get("policy"))),
        Fact("time scale", _plain(run.get("time_scale"))),
        Fact("began at, by the grid's clock", text(run.get("grid_time") or run.get("starts_at"))),
        Fact("gateway", text(run.get("gateway_url"))),
        Fact("balancer", text(run.get("balancer_url"))),
        *(
            Fact(f"version of {name}", text(version))
            for name, version in mapping(run.get("versions")).items()
        ),
    ]
    others = [
        Fact(_name(text(name)), _plain(value)) for name, value in run.items() if name not in NAMED_FIELDS
    ]
    return [fact for fact in [*facts, *others] if fact.value]


def _name(field: str) -> str:
    """Return the name of an option as words, with its unit: `settle (s)` for `settle_s`."""
    words = field.replace("_", " ")
    return f"{words[:-2]} (s)" if words.endswith(" s") else words


def _plain(value: object) -> str:
    """Return a value as text, a number without needless decimals."""
    found = number(value)
    return text(value) if found is None else f"{found:.15g}"


def fleet_capacity_kw(document: Document) -> float | None:
    """Return the sum of all limits; None when one is not known."""
    return _sum(document.substations, "capacity_kw")


def _substation(figures: SubstationFigures) -> list[str]:
    values = dataclasses.asdict(figures)
    return _row(figures.substation_id, values, values)


def _fleet(document: Document) -> list[str]:
    names = ("handled", "answered", "refused", "capacity_kw", "energy_kwh", "overload_ws", "pauses")
    totals = {name: _sum(document.substations, name) for name in names}
    average_kw, capacity_kw = _sum(document.substations, "load_average_kw"), totals["capacity_kw"]
    base_kw = _sum(document.substations, "base_load_average_kw") or 0.0
    sampled = {
        "load_average_kw": average_kw,
        "load_peak_kw": max(map(series.fleet_kw, series.complete_samples(document)), default=None),
        "base_load_peak_kw": number(mapping(document.result.get("base_load")).get("peak_kw")),
        "utilization_average": (average_kw + base_kw) / capacity_kw
        if average_kw is not None and capacity_kw
        else None,
        "utilization_peak": number(document.result.get("fleet_peak_utilization")),
    }
    return _row("fleet", totals, sampled)


def _row(name: str, counted: Mapping[str, float | None], sampled: Mapping[str, float | None]) -> list[str]:
    return [
        name,
        whole(counted.get("handled")),
        whole(counted.get("answered")),
        whole(counted.get("refused")),
        whole(counted.get("capacity_kw")),
        figure(sampled.get("base_load_peak_kw"), ",.1f"),
        figure(sampled.get("load_average_kw"), ",.1f"),
        figure(sampled.get("load_peak_kw"), ",.1f"),
        share(sampled.get("utilization_average")),
        share(sampled.get("utilization_peak")),
        figure(counted.get("energy_kwh"), ",.1f"),
        watt_seconds(counted.get("overload_ws")),
        whole(counted.get("pauses")),
    ]


def _sum(substations: Sequence[SubstationFigures], name: str) -> float | None:
    values = [getattr(each, name) for each in substations]
    return None if None in values or not values else sum(values)
