"""The document of a run, read for a reader's eyes.

Pure. Rules:

- what is absent, null, or not of the kind that it should be is None or left out, and never a fault:
  a document can be of an interrupted run, of an older version, or edited by hand;
- moments are seconds after the arrival window began;
- nothing here judges: a threshold held when the document says so.
"""

import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from loadtest.judge import conditions
from loadtest.judge.conditions import What

SCHEMA = "smartgrid-loadtest/1"
NOTHING: Mapping[str, Any] = {}


class NotAResult(Exception):
    """This is no document of a run, or one of a schema that is not known; the message says which."""


@dataclasses.dataclass(frozen=True, slots=True)
class Threshold:
    """One thing that had to hold; `held` is False unless the document says True; `note` is a remark.

    A threshold that did not hold is `judged` unless the document says False.
    """

    name: str
    value: str
    limit: str
    held: bool
    note: str = ""
    judged: bool = True

    @property
    def broken(self) -> bool:
        """Whether it counts against the grid."""
        return self.judged and not self.held


@dataclasses.dataclass(frozen=True, slots=True)
class Change:
    """What was changed on the grid during the run: when, at which substation ('' for the policy), in words."""

    at_s: float
    target: str
    said: str
    planned: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Station:
    """The figures of one substation; utilizations are load over capacity."""

    substation_id: str
    capacity_kw: float | None
    handled: float | None
    told: float | None
    refused: float | None
    load_average_kw: float | None
    load_peak_kw: float | None
    utilization_average: float | None
    utilization_peak: float | None
    energy_kwh: float | None
    overload_ws: float | None


@dataclasses.dataclass(frozen=True, slots=True)
class Sample:
    """The loads and the limits of the substations at one moment; one that was not read is absent."""

    at_s: float
    load_kw: Mapping[str, float]
    capacity_kw: Mapping[str, float]


@dataclasses.dataclass(frozen=True, slots=True)
class Asked:
    """One request; None stands for a moment that did not come."""

    intended_s: float | None
    sent_s: float | None
    answered_s: float | None
    outcome: str
    reason: str
    answered: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Document:
    """A whole run; `run` and `result` are the document's own entries, for `number` and `words`."""

    run: Mapping[str, Any]
    result: Mapping[str, Any]
    window_s: float | None
    thresholds: Sequence[Threshold]
    stations: Sequence[Station]
    samples: Sequence[Sample]
    requests: Sequence[Asked]
    changes: Sequence[Change] = ()

    @property
    def disturbed(self) -> list[Change]:
        """The changes on the grid that the run itself did not order."""
        return [each for each in self.changes if not each.planned]

    @property
    def held(self) -> bool:
        """Whether every threshold held; not so where there is none."""
        return bool(self.thresholds) and all(threshold.held for threshold in self.thresholds)

    @property
    def interrupted(self) -> bool:
        """Whether the run ended before its plan did."""
        return self.result.get("interrupted") is True

    def capacity_kw(self, sample: Sample, substation_id: str) -> float | None:
        """Return a substation's limit at a sample; that of the whole run where the sample has none."""
        if (own := sample.capacity_kw.get(substation_id)) is not None:
            return own
        return next((s.capacity_kw for s in self.stations if s.substation_id == substation_id), None)

    def utilizations(self, sample: Sample) -> dict[str, float]:
        """Return load over capacity of each substation that was read at a sample."""
        limits = {each: self.capacity_kw(sample, each) for each in sample.load_kw}
        return {each: sample.load_kw[each] / limit for each, limit in limits.items() if limit}


def read(told: object) -> Document:
    """Read a document; raises NotAResult when it is none, or of another schema."""
    if not isinstance(told, Mapping) or not isinstance(told.get("result"), Mapping):
        message = "this is no document of a run: it has no `result`"
        raise NotAResult(message)
    if told.get("schema", SCHEMA) != SCHEMA:
        message = f"the schema {words(told.get('schema'))!r} is not known here: {SCHEMA} is"
        raise NotAResult(message)
    from_unix_s, until_unix_s = _window(told)
    result = mapping(told.get("result"))
    return Document(
        run=mapping(told.get("run")),
        result=result,
        window_s=None if until_unix_s is None else max(until_unix_s - from_unix_s, 0.0),
        thresholds=thresholds(told),
        stations=[_station(each) for each in mappings(result.get("stations"))],
        samples=sorted(_samples(told, from_unix_s), key=lambda sample: sample.at_s),
        requests=[_asked(each, from_unix_s) for each in mappings(told.get("requests"))],
        changes=changes(told),
    )


def changes(told: Mapping[str, Any]) -> list[Change]:
    """Return what was changed on the grid during the run of a document, without reading the rest of it."""
    return list(_changes(mapping(told.get("result")), _window(told)[0]))


def thresholds(told: Mapping[str, Any]) -> list[Threshold]:
    """Return the thresholds of a document, without reading the rest of it."""
    return [_threshold(each) for each in mappings(told.get("thresholds"))]


def number(value: object) -> float | None:
    """Return a finite number; None for everything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if math.isfinite(found) else None


def words(value: object) -> str:
    """Return a value as one text; "" for None."""
    return "" if value is None else str(value)


def mapping(value: object) -> Mapping[str, Any]:
    """Return a mapping; an empty one for everything else."""
    return value if isinstance(value, Mapping) else NOTHING


def mappings(value: object) -> list[Mapping[str, Any]]:
    """Return those of a list that are mappings; [] for everything else."""
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []


def numbers(value: object) -> dict[str, float]:
    """Return those of a mapping that are numbers."""
    return {words(key): found for key, each in mapping(value).items() if (found := number(each)) is not None}


def _window(told: Mapping[str, Any]) -> tuple[float, float | None]:
    """Return when the arrivals began and ended; without a window, the first moment that is known."""
    window = told.get("window_unix_s")
    if isinstance(window, list) and len(window) == 2:  # noqa: PLR2004 - from, until
        began, ended = number(window[0]), number(window[1])
        if began is not None:
            return began, ended
    moments = [number(each.get("at_unix_s")) for each in mappings(told.get("samples"))]
    moments += [number(each.get("intended_unix_s")) for each in mappings(told.get("requests"))]
    return min((each for each in moments if each is not None), default=0.0), None


def _threshold(told: Mapping[str, Any]) -> Threshold:
    name, value, limit, note = (words(told.get(key)) for key in ("name", "value", "limit", "note"))
    return Threshold(name, value, limit, told.get("held") is True, note, told.get("judged") is not False)


def _changes(result: Mapping[str, Any], from_unix_s: float) -> Iterator[Change]:
    for each in mappings(result.get("changes")):
        at_unix_s, what, target = (
            number(each.get("at_unix_s")),
            words(each.get("what")),
            words(each.get("target")),
        )
        if at_unix_s is None or what not in set(What):
            continue
        found = conditions.Change(
            at_unix_s, What(what), target, _value(each, "before"), _value(each, "after")
        )
        yield Change(at_unix_s - from_unix_s, target, found.said(), each.get("planned") is True)


def _value(told: Mapping[str, Any], name: str) -> str | float:
    """Return a limit or a count as a number, a policy as a text."""
    value = told.get(name)
    found = number(value)
    return words(value) if found is None else found


def _station(told: Mapping[str, Any]) -> Station:
    counted, sampled = numbers(told.get("counted")), numbers(told.get("sampled"))
    overloads = [counted.get(f"overload_{cause}_ws") for cause in ("admission", "derating")]
    known = [each for each in overloads if each is not None]
    return Station(
        substation_id=words(told.get("substation_id")),
        capacity_kw=sampled.get("capacity_kw"),
        handled=counted.get("admitted"),
        told=number(told.get("answered")),
        refused=counted.get("refused"),
        load_average_kw=sampled.get("load_average_kw"),
        load_peak_kw=sampled.get("load_peak_kw"),
        utilization_average=sampled.get("utilization_average"),
        utilization_peak=sampled.get("utilization_peak"),
        energy_kwh=counted.get("energy_kwh"),
        overload_ws=sum(known) if known else None,
    )


def _samples(told: Mapping[str, Any], from_unix_s: float) -> Iterator[Sample]:
    for each in mappings(told.get("samples")):
        at_unix_s = number(each.get("at_unix_s"))
        if at_unix_s is not None:
            yield Sample(
                at_unix_s - from_unix_s, numbers(each.get("load_kw")), numbers(each.get("capacity_kw"))
            )


def _asked(told: Mapping[str, Any], from_unix_s: float) -> Asked:
    moments = [number(told.get(f"{name}_unix_s")) for name in ("intended", "sent", "answered")]
    intended_s, sent_s, answered_s = (None if each is None else each - from_unix_s for each in moments)
    outcome, reason = words(told.get("outcome")), words(told.get("reason"))
    return Asked(intended_s, sent_s, answered_s, outcome, reason, number(told.get("status")) is not None)
