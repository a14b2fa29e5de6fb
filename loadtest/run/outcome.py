"""The outcome of a run, and the exit code of its process."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from loadtest.contract import COMPLETE, EXIT_CODES, Verdict
from loadtest.record.grid_reader import NotReady
from loadtest.report.runs import NotWritten
from loadtest.run.lease import OtherRunActive
from loadtest.run.restore import NotRestored

VERDICTS = {
    NotReady: Verdict.NOT_READY,
    OtherRunActive: Verdict.BUSY,
    NotWritten: Verdict.NOT_WRITTEN,
    NotRestored: Verdict.ERROR,
}
REASONS = (NotReady, OtherRunActive, NotWritten, NotRestored)  # why there is no run, or not to its end


@dataclasses.dataclass(frozen=True, slots=True)
class RunOutcome:
    """The verdict, the reason in words where the run did not get to its end, and the folder if anything was sent.

    `starts_at` is the time of day at which its plan began, None when the plan does not depend on it.
    """

    verdict: Verdict
    why: str = ""
    folder: Path | None = None
    starts_at: str | None = None

    @classmethod
    def of(cls, reason: Exception) -> "RunOutcome":
        """Return the outcome of a run that ended with one of REASONS."""
        return cls(VERDICTS[type(reason)], str(reason))


def exit_code(outcomes: Sequence[RunOutcome]) -> int:
    """Return the exit code of the last run if it did not get to its end, otherwise the worst of all."""
    last = outcomes[-1].verdict if outcomes else Verdict.INTERRUPTED
    if last not in COMPLETE:
        return EXIT_CODES[last]
    return max(EXIT_CODES[each.verdict] for each in outcomes)
