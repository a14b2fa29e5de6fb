"""Judges the thresholds of a run: the limit of each, its measured value, and whether it passed."""

from collections.abc import Iterator, Sequence

from loadtest.judge.result import Result
from loadtest.judge.threshold import Threshold
from loadtest.judge.thresholds import FIGURES, Limit

NOT_MEASURED = "not measured"
SATURATED = "the generator was saturated: this may be its own latency, not the grid's"
CHANGED = "not judged: somebody changed the grid during the run"
NOT_READ = "not judged: sessions were stopped during the run, and their ends could not be read"
RECOMPUTED = "recomputed_kw"
ALL_ENDED = "every request ended"
ADMISSIONS_AGREE = "admissions counted and answered agree"


def judge(result: Result, limits: Sequence[Limit]) -> tuple[Threshold, ...]:
    """Return every threshold of a run; one without a measured value has not passed."""
    return (*(_judged(each, result) for each in limits), *_conservation(result))


def _judged(limit: Limit, result: Result) -> Threshold:
    figure = FIGURES[limit.name]
    value = figure.of(result)
    failed = limit.fails(value)
    doubtful = failed and figure.latency and result.generator is not None and result.generator.saturated
    excuse = _excuse(limit, result) if failed and value is not None else ""
    return Threshold(
        limit.name,
        NOT_MEASURED if value is None else format(value, figure.form),
        limit.must(),
        not failed,
        excuse or (SATURATED if doubtful else ""),
        not excuse,
    )


def _excuse(limit: Limit, result: Result) -> str:
    """Return why a failed threshold says nothing about the grid, '' if it does."""
    if not result.disturbed:
        return ""
    if limit.name == RECOMPUTED and result.unread_ends:
        return NOT_READ
    return "" if FIGURES[limit.name].unconditional else CHANGED


def _conservation(result: Result) -> Iterator[Threshold]:
    outcomes = result.admitted + result.refused + result.failed
    due = result.sent if result.interrupted else result.planned
    yield Threshold(
        ALL_ENDED,
        f"{result.sent} sent, {outcomes} ended",
        f"{due} and {due}",
        result.sent == outcomes == due,
    )
    counted = result.counted_admitted
    agree = all(s.counted is not None and s.counted.admitted == s.answered for s in result.stations)
    yield Threshold(
        ADMISSIONS_AGREE,
        NOT_MEASURED if counted is None else f"{counted} counted, {result.admitted} answered",
        "equal",
        agree and counted == result.admitted == result.distinct_sessions,
    )
