"""The document of a run, read into the types that pages and plots use.

Pure. Rules:

- a field that is absent, null or of another kind is None or left out (`fields`): a document never raises because
  of one field;
- moments are in seconds after the arrival window began;
- this module judges nothing: a threshold passed when the document says so.
"""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from loadtest.judge import conditions
from loadtest.judge.conditions import ChangeKind
from loadtest.judge.threshold import Threshold
from loadtest.paper.day import DayClock
from loadtest.paper.fields import mapping, mappings, number, numbers, text
from loadtest.plan import clock

SCHEMA = "smartgrid-loadtest/1"
BY_DAY = "day"  # the shape of a plan that follows the grid's clock
FORMER_NAMES = {  # of thresholds, in the documents of older runs
    "refused_untold": "refused_without_retry_after",
    "admissions counted and told agree": "admissions counted and answered agree",
}


class NotAResult(Exception):
    """This is not the document of a run, or its schema is not known; the message says which."""


@dataclasses.dataclass(frozen=True, slots=True)
class Change:
    """A change on the grid during the run; `target` is a substation, or '' for the policy of the fleet.

    `planned` changes are those that the run itself ordered.
    """

    at_s: float
    target: str
    description: str
    planned: bool


@dataclasses.dataclass(frozen=True, slots=True)
class SubstationFigures:
    """The figures of one substation; a utilization is load and base load over capacity.

    `handled` are the admissions that the substation counted, `answered` the 201s that clients got from it.
    """

    substation_id: str
    capacity_kw: float | None
    handled: float | None
    answered: float | None
    refused: float | None
    load_average_kw: float | None
    load_peak_kw: float | None
    utilization_average: float | None
    utilization_peak: float | None
    energy_kwh: float | None
    overload_ws: float | None
    base_load_average_kw: float | None = None
    base_load_peak_kw: float | None = None
    pauses: float | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class FleetSample:
    """The loads, the limits and the base loads of the substations at one moment.

    A substation that was not read is absent. In a document of an older run, no substation has a base load, and none is
    named as draining.
    """

    at_s: float
    load_kw: Mapping[str, float]
    capacity_kw: Mapping[str, float]
    base_load_kw: Mapping[str, float] = dataclasses.field(default_factory=dict)
    draining: frozenset[str] = frozenset()


@dataclasses.dataclass(frozen=True, slots=True)
class RequestRecord:
    """One request: when it was to be sent, was sent and was answered; None where that did not happen."""

    intended_s: float | None
    sent_s: float | None
    answered_s: float | None
    outcome: str
    reason: str
    answered: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Document:
    """A whole run; `run` and `result` are the document's own entries, to be read with `fields`.

    `day` is the grid's clock where the run played a part of a day.
    """

    run: Mapping[str, Any]
    result: Mapping[str, Any]
    window_s: float | None
    thresholds: Sequence[Threshold]
    substations: Sequence[SubstationFigures]
    samples: Sequence[FleetSample]
    requests: Sequence[RequestRecord]
    changes: Sequence[Change] = ()
    day: DayClock | None = None
    outcome: str = ""

    @property
    def unplanned_changes(self) -> list[Change]:
        """The changes on the grid that the run itself did not order."""
        return [each for each in self.changes if not each.planned]

    @property
    def passed(self) -> bool:
        """Whether every threshold passed; False when there is none."""
        return bool(self.thresholds) and all(threshold.passed for threshold in self.thresholds)

    @property
    def interrupted(self) -> bool:
        """Whether the run ended before its plan did."""
        return self.result.get("interrupted") is True

    def capacity_kw(self, sample: FleetSample, substation_id: str) -> float | None:
        """Return a substation's limit at a sample; the limit of the whole run where the sample has none."""
        if (own := sample.capacity_kw.get(substation_id)) is not None:
            return own
        return next((s.capacity_kw for s in self.substations if s.substation_id == substation_id), None)

    def utilizations(self, sample: FleetSample) -> dict[str, float]:
        """Return load and base load over capacity of each substation that was read at a sample."""
        limits = {each: self.capacity_kw(sample, each) for each in sample.load_kw}
        return {
            each: (sample.load_kw[each] + sample.base_load_kw.get(each, 0.0)) / limit
            for each, limit in limits.items()
            if limit
        }


def read(raw: object) -> Document:
    """Read the JSON of a document; raises NotAResult when it is none, or of another schema."""
    if not isinstance(raw, Mapping) or not isinstance(raw.get("result"), Mapping):
        raise NotAResult("this is not the document of a run: it has no `result`")
    if raw.get("schema", SCHEMA) != SCHEMA:
        raise NotAResult(f"the schema {text(raw.get('schema'))!r} is not known: the known one is {SCHEMA}")
    from_unix_s, until_unix_s = window(raw)
    result = mapping(raw.get("result"))
    return Document(
        run=mapping(raw.get("run")),
        result=result,
        window_s=None if until_unix_s is None else max(until_unix_s - from_unix_s, 0.0),
        thresholds=thresholds(raw),
        substations=[_substation(each) for each in mappings(result.get("stations"))],
        samples=sorted(_samples(raw, from_unix_s), key=lambda sample: sample.at_s),
        requests=[_request(each, from_unix_s) for each in mappings(raw.get("requests"))],
        changes=changes(raw),
        day=_day(mapping(raw.get("run"))),
        outcome=text(raw.get("outcome")),
    )


def changes(raw: Mapping[str, Any]) -> list[Change]:
    """Return the changes on the grid during a run, without reading the rest of its document."""
    return list(_changes(mapping(raw.get("result")), window(raw)[0]))


def thresholds(raw: Mapping[str, Any]) -> list[Threshold]:
    """Return the thresholds of a run, without reading the rest of its document."""
    return [_threshold(each) for each in mappings(raw.get("thresholds"))]


def window(raw: Mapping[str, Any]) -> tuple[float, float | None]:
    """Return when the arrivals began and ended, in unix seconds.

    A document without a window began at the first moment that it names, and its end is None.
    """
    bounds = raw.get("window_unix_s")
    if isinstance(bounds, list) and len(bounds) == 2:
        began, ended = number(bounds[0]), number(bounds[1])
        if began is not None:
            return began, ended
    moments = [number(each.get("at_unix_s")) for each in mappings(raw.get("samples"))]
    moments += [number(each.get("intended_unix_s")) for each in mappings(raw.get("requests"))]
    return min((each for each in moments if each is not None), default=0.0), None


def _day(run: Mapping[str, Any]) -> DayClock | None:
    starts_h, time_scale = clock.of_label(text(run.get("starts_at"))), number(run.get("time_scale"))
    if run.get("shape") != BY_DAY or starts_h is None or not time_scale or time_scale < 0:
        return None
    return DayClock(starts_h, time_scale)


def _threshold(raw: Mapping[str, Any]) -> Threshold:
    name, value, limit, note = (text(raw.get(key)) for key in ("name", "value", "limit", "note"))
    name = FORMER_NAMES.get(name, name)
    return Threshold(name, value, limit, raw.get("held") is True, note, raw.get("judged") is not False)


def _changes(result: Mapping[str, Any], from_unix_s: float) -> Iterator[Change]:
    for each in mappings(result.get("changes")):
        at_unix_s = number(each.get("at_unix_s"))
        what, target = text(each.get("what")), text(each.get("target"))
        if at_unix_s is None or what not in set(ChangeKind):
            continue
        before, after = _value(each, "before"), _value(each, "after")
        found = conditions.Change(at_unix_s, ChangeKind(what), target, before, after)
        yield Change(at_unix_s - from_unix_s, target, found.in_words(), each.get("planned") is True)


def _value(raw: Mapping[str, Any], name: str) -> str | float:
    """Return a limit or a count as a number, a policy as text."""
    value = raw.get(name)
    found = number(value)
    return text(value) if found is None else found


def _substation(raw: Mapping[str, Any]) -> SubstationFigures:
    counted, sampled = numbers(raw.get("counted")), numbers(raw.get("sampled"))
    overloads = [counted.get(f"overload_{cause}_ws") for cause in ("admission", "derating", "base_load")]
    known = [each for each in overloads if each is not None]
    return SubstationFigures(
        substation_id=text(raw.get("substation_id")),
        capacity_kw=sampled.get("capacity_kw"),
        handled=counted.get("admitted"),
        answered=number(raw.get("answered")),
        refused=counted.get("refused"),
        load_average_kw=sampled.get("load_average_kw"),
        load_peak_kw=sampled.get("load_peak_kw"),
        utilization_average=sampled.get("utilization_average"),
        utilization_peak=sampled.get("utilization_peak"),
        energy_kwh=counted.get("energy_kwh"),
        overload_ws=sum(known) if known else None,
        base_load_average_kw=sampled.get("base_load_average_kw"),
        base_load_peak_kw=sampled.get("base_load_peak_kw"),
        pauses=counted.get("pauses"),
    )


def _samples(raw: Mapping[str, Any], from_unix_s: float) -> Iterator[FleetSample]:
    for each in mappings(raw.get("samples")):
        at_unix_s = number(each.get("at_unix_s"))
        if at_unix_s is not None:
            load_kw, capacity_kw = numbers(each.get("load_kw")), numbers(each.get("capacity_kw"))
            base_load_kw = numbers(each.get("base_load_kw"))
            drained = each.get("draining")
            draining = frozenset(map(text, drained)) if isinstance(drained, list) else frozenset[str]()
            yield FleetSample(at_unix_s - from_unix_s, load_kw, capacity_kw, base_load_kw, draining)


def _request(raw: Mapping[str, Any], from_unix_s: float) -> RequestRecord:
    moments = [number(raw.get(f"{name}_unix_s")) for name in ("intended", "sent", "answered")]
    intended_s, sent_s, answered_s = (None if each is None else each - from_unix_s for each in moments)
    outcome, reason = text(raw.get("outcome")), text(raw.get("reason"))
    return RequestRecord(
        intended_s, sent_s, answered_s, outcome, reason, number(raw.get("status")) is not None
    )
