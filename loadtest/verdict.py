"""The thresholds of a run: what must hold, what was measured, and whether it held."""

import dataclasses
from collections.abc import Iterator, Sequence

from loadtest.result import Result
from loadtest.thresholds import FIGURES, Limit

NOT_MEASURED = "not measured"
NOT_ALONE = "the generator was saturated: this may be its own latency, not the grid's"


@dataclasses.dataclass(frozen=True, slots=True)
class Threshold:
    """One thing that must hold: its value as measured, its limit, whether it held, and a remark on that."""

    name: str
    value: str
    limit: str
    held: bool
    note: str = ""


def judge(result: Result, limits: Sequence[Limit]) -> tuple[Threshold, ...]:
    """Return every threshold of a run; what could not be measured has not held."""
    return (*(_judged(each, result) for each in limits), *_conservation(result))


def _judged(limit: Limit, result: Result) -> Threshold:
    figure = FIGURES[limit.name]
    value = figure.of(result)
    broken = limit.broken_by(value)
    doubtful = broken and figure.latency and result.generator is not None and result.generator.saturated
    return Threshold(
        limit.name,
        NOT_MEASURED if value is None else format(value, figure.form),
        limit.must(),
        not broken,
        NOT_ALONE if doubtful else "",
    )


def _conservation(result: Result) -> Iterator[Threshold]:
    outcomes = result.admitted + result.refused + result.failed
    due = result.sent if result.interrupted else result.planned
    yield Threshold(
        "every request ended",
        f"{result.sent} sent, {outcomes} ended",
        f"{due} and {due}",
        result.sent == outcomes == due,
    )
    counted = result.counted_admitted
    agree = all(s.counted is not None and s.counted.admitted == s.answered for s in result.stations)
    yield Threshold(
        "admissions counted and told agree",
        NOT_MEASURED if counted is None else f"{counted} counted, {result.admitted} told",
        "equal",
        agree and counted == result.admitted == result.distinct_sessions,
    )
