"""What became of the cars of a run, in one sentence that the console and the report share."""

from collections.abc import Iterator, Sequence

from loadtest.judge.conditions import Change, ChangeKind
from loadtest.judge.result import Measurements, Result
from loadtest.record.requests import RequestOutcome

MOST_NAMED = 3


def what_became(measured: Measurements, result: Result) -> str:
    """Return the sentence; '' when nothing was sent."""
    if not result.sent:
        return ""
    later = sum(
        each.outcome is RequestOutcome.ADMITTED and each.first_outcome is RequestOutcome.REFUSED
        for each in measured.requests
    )
    after = f", {later:,} of them after a first refusal" if later else ""
    charged = (
        "were admitted" if result.ended_by_stop else "charged"
    )  # a stop that ends sessions cuts them short
    parts = [f"{result.admitted:,} of {result.planned:,} cars {charged}{after}"]
    if result.refused:
        refused = f"{result.refused:,} {'was' if result.refused == 1 else 'were'} refused"
        parts.append(f"{refused} because no substation had room{_while(measured, result)}")
    if result.failed:
        parts.append(f"{result.failed:,} got no answer, or an error")
    if not_sent := result.planned - result.sent:
        parts.append(f"{not_sent:,} {'was' if not_sent == 1 else 'were'} not sent")
    return f"{'; '.join(parts)}."


def _while(measured: Measurements, result: Result) -> str:
    """Return what took room away during the run, '' for nothing."""
    drained = sorted(
        {
            name
            for sample in measured.window()
            for name, reading in sample.readings.items()
            if reading.draining
        }
    )
    lowered = sorted({each.target for each in result.changes if _lowers(each)})
    reasons = list(_reasons(drained, "drained", "was", "were"))
    reasons += _reasons(lowered, "lowered", "had its limit", "had their limits")
    return f" while {' and '.join(reasons)}" if reasons else ""


def _reasons(names: Sequence[str], what: str, one: str, many: str) -> Iterator[str]:
    if names:
        more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
        yield f"{', '.join(names[:MOST_NAMED])}{more} {one if len(names) == 1 else many} {what}"


def _lowers(change: Change) -> bool:
    before, after = change.before, change.after
    return (
        change.what is ChangeKind.LIMIT
        and isinstance(before, int | float)
        and isinstance(after, int | float)
        and after < before
    )
