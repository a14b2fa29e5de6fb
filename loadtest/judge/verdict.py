"""The thresholds of a run: what must hold, what was measured, and whether it held."""

import dataclasses
from collections.abc import Iterator, Sequence

from loadtest.judge.result import Result
from loadtest.judge.thresholds import FIGURES, Limit

NOT_MEASURED = "not measured"
NOT_ALONE = "the generator was saturated: this may be its own latency, not the grid's"
CHANGED = "not judged: the conditions were changed during the run"
NOT_READ = "not judged: sessions were stopped during the run, and their ends could not be read"
RECOMPUTED = "recomputed_kw"


@dataclasses.dataclass(frozen=True, slots=True)
class Threshold:
    """One threshold: its value as measured, its limit, whether it held, and a remark.

    A threshold that did not hold is not `judged` if a change on the grid may be the cause.
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


def judge(result: Result, limits: Sequence[Limit]) -> tuple[Threshold, ...]:
    """Return every threshold of a run; what could not be measured has not held."""
    return (*(_judged(each, result) for each in limits), *_conservation(result))


def _judged(limit: Limit, result: Result) -> Threshold:
    figure = FIGURES[limit.name]
    value = figure.of(result)
    broken = limit.broken_by(value)
    doubtful = broken and figure.latency and result.generator is not None and result.generator.saturated
    excused = _excused(limit, result) if broken and value is not None else ""
    return Threshold(
        limit.name,
        NOT_MEASURED if value is None else format(value, figure.form),
        limit.must(),
        not broken,
        excused or (NOT_ALONE if doubtful else ""),
        not excused,
    )


def _excused(limit: Limit, result: Result) -> str:
    """Return why a broken limit says nothing about the grid, '' if it does."""
    if not result.disturbed:
        return ""
    if limit.name == RECOMPUTED and result.unread_ends:
        return NOT_READ
    return "" if FIGURES[limit.name].unconditional else CHANGED


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
