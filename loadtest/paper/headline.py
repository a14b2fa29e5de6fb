"""The headline of a run: its name, and its verdict in a word and a sentence.

Pure.
"""

import dataclasses
from collections.abc import Sequence

from loadtest.paper.document import Document
from loadtest.paper.fields import mapping, moment, number, text
from loadtest.paper.meanings import title
from loadtest.record.stopped_sessions import StoppedSessions


@dataclasses.dataclass(frozen=True, slots=True)
class Headline:
    """The verdict: a word, the name of its mark, and a sentence.

    `mark` is passed, failed, changed or interrupted.
    """

    word: str
    mark: str
    sentence: str


def name(document: Document) -> str:
    """Return the preset of a run, its id, and when it began."""
    parts = [
        *(text(document.run.get(key)) for key in ("preset", "run_id")),
        moment(document.run.get("started_at")),
    ]
    return ", ".join([parts[0] or "rush hour", *filter(None, parts[1:])])


def headline(document: Document) -> Headline:
    """Return the verdict on a run."""
    failed = [title(each) for each in document.thresholds if each.failed]
    sentence = " ".join(filter(None, (_judged(document, failed), _changed(document))))
    if document.interrupted:
        until = "The figures are those of the requests that were sent before."
        parts = (until, _ended_sessions(document), sentence)
        return Headline("INTERRUPTED", "interrupted", " ".join(filter(None, parts)))
    if document.passed:
        return Headline("PASSED", "passed", sentence)
    if document.unplanned_changes and not failed:
        return Headline("CONDITIONS CHANGED", "changed", sentence)
    return Headline("FAILED", "failed", sentence)


def _judged(document: Document, failed: Sequence[str]) -> str:
    """Return how many thresholds passed, and which did not."""
    count = len(document.thresholds)
    not_judged = [title(each) for each in document.thresholds if not each.passed and not each.judged]
    if not count:
        return "The run had no thresholds."
    if not failed and not not_judged:
        return f"All {count} thresholds passed."
    parts = [f"{len(failed)} of {count} thresholds failed: {', '.join(failed)}."] if failed else []
    return " ".join([*parts, *([f"Not judged: {', '.join(not_judged)}."] if not_judged else [])])


def _changed(document: Document) -> str:
    """Return the unplanned changes during the run in words, "" if there were none."""
    changes = "; ".join(
        f"{each.description} after {max(each.at_s, 0.0):.0f} s" for each in document.unplanned_changes
    )
    return f"Changed during the run: {changes}." if changes else ""


def _ended_sessions(document: Document) -> str:
    """Return what happened to the sessions that a stop was to end, "" if it was to leave them."""
    ended = mapping(document.result.get("ended_by_stop"))
    if not ended:
        return ""
    sessions, stopped, over, unknown = (
        int(number(ended.get(key)) or 0) for key in ("sessions", "ended", "over", "unknown")
    )
    left = {text(reason): int(number(count) or 0) for reason, count in mapping(ended.get("left")).items()}
    words = StoppedSessions(sessions, stopped, over, left, unknown).in_words()
    return f"{words[:1].upper()}{words[1:]}."
