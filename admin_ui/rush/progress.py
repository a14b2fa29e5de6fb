"""What a run of the load test has told so far, put together from its lines of progress.

Pure: time comes as unix seconds. Rules:

- a run that has ended without saying so was killed, or never began: that is shown as failed, with its
  last words;
- a run is over when its process is, not when it says how it ended: only then may the next one begin;
- a line that can't be read, or is of a kind that is not known, changes nothing: more kinds may come;
- the loads of the substations are not kept: the console has them from the balancer, and shows those.
"""

import contextlib
import enum
import json
import math
import signal
from collections.abc import Mapping
from typing import Any

FIGURES = (
    "elapsed_s",
    "planned",
    "sent",
    "admitted",
    "refused",
    "failed",
    "rate_per_s",
    "p50_ms",
    "p95_ms",
    "p99_ms",
)
TAKEN_OFF = ("sessions", "ended", "over", "remaining", "unknown")
STOPPED = frozenset(
    {-signal.SIGTERM, -signal.SIGUSR1}
)  # exit codes of a load test that was stopped while it began
USAGE = 2  # the exit code of a command line that can't be read
MOST_CHARACTERS = 1000  # of what a run says in words


class Phase(enum.StrEnum):
    """How far a run is."""

    STARTING = "starting"  # the process begins
    SETTLING = "settling"  # it waits for a ready grid and an empty fleet
    RUNNING = "running"
    FINISHING = "finishing"  # all has been sent; the last answers and the result are awaited
    ENDED = "ended"  # it said how
    FAILED = "failed"  # it did not


OVER = frozenset({Phase.ENDED, Phase.FAILED})


class RunSoFar:
    """One run as its lines tell it; `asked` is what was asked for, by whom."""

    def __init__(self, asked: dict[str, Any], by: str, at_unix_s: float) -> None:
        self.run_id: str | None = None
        self.phase = Phase.STARTING
        self.verdict: str | None = None
        self.why = ""
        self.stopped_by = ""  # who has asked it to stop
        self.ends_sessions = False  # whether that stop ends its sessions
        self._asked = asked
        self._by = by
        self._at_unix_s = at_unix_s
        self._seconds: float | None = None
        self._text = ""
        self._figures: dict[str, Any] = dict.fromkeys(FIGURES)
        self.taken_off: dict[str, Any] | None = None  # of its sessions, by a stop

    @property
    def stopping(self) -> bool:
        """Whether it was asked to stop."""
        return bool(self.stopped_by)

    @property
    def over(self) -> bool:
        """Whether it has ended, however that was."""
        return self.phase in OVER

    @property
    def admitted(self) -> int | None:
        """How many of its cars were admitted so far; None before anything was sent."""
        admitted: int | None = self._figures["admitted"]
        return admitted

    @property
    def sending(self) -> bool:
        """Whether anything was sent."""
        return self._figures["sent"] is not None

    def take(self, line: bytes) -> None:
        """Take one line; an incomplete line, or one with a malformed figure, changes nothing."""
        with contextlib.suppress(ValueError, LookupError, TypeError, RecursionError):
            told = json.loads(line)
            self._take(told["kind"], told)

    def _take(self, kind: str, told: Mapping[str, Any]) -> None:
        """Take all of a line or nothing; raises the errors that `take` suppresses."""
        match kind:
            case "started":
                asked = {name: figure(told[name]) for name in ("seed", "requests", "seconds")}
                self._asked |= asked | {"preset": str(told["preset"])}
                self.run_id, self._seconds = str(told["run_id"]), asked["seconds"]
            case "settling":
                self.phase, self._text = Phase.SETTLING, str(told["text"])[:MOST_CHARACTERS]
            case "progress":
                figures = {name: figure(told.get(name)) for name in FIGURES}
                seconds = figure(told["seconds"])
                over = told["elapsed_s"] >= told["seconds"] or told["sent"] >= told["planned"]
                self._figures, self._seconds, self._text = figures, seconds, ""
                self.phase = Phase.FINISHING if over else Phase.RUNNING
            case "ending":
                taken_off = {name: figure(told[name]) for name in TAKEN_OFF}
                self.taken_off = taken_off | {"text": str(told["text"])[:MOST_CHARACTERS]}
            case "ended":
                verdict, self.why = str(told["verdict"]), str(told["why"] or "")[:MOST_CHARACTERS]
                self.verdict = verdict

    def end(self, code: int, last_words: str) -> None:
        """The process has ended with an exit code, below 0 by a signal; `last_words` are its standard error."""
        if self.verdict is not None:
            self.phase = Phase.ENDED
            return
        if self.stopping and code in STOPPED and not self.sending:
            self.phase, self.verdict = Phase.ENDED, "interrupted"
            return
        self.phase = Phase.FAILED
        words = last_words.strip()[-MOST_CHARACTERS:]
        if code == USAGE and self.run_id is None:
            self.why = words.rpartition("error: ")[2] or "the load test did not take its options"
        else:
            self.why = f"the load test {ending(code)} and told no result" + (f": {words}" if words else "")

    def refuse(self, why: str) -> None:
        """It could not be started at all."""
        self.phase, self.why = Phase.FAILED, why

    def shown(self) -> dict[str, Any]:
        """Return it as browsers are shown it."""
        left_s = self._left_s()
        return {
            **self._asked,
            "run_id": self.run_id,
            "by": self._by,
            "started_unix_s": round(self._at_unix_s, 1),
            "phase": self.phase,
            "stopping": self.stopping and not self.over,
            "stopped_by": self.stopped_by or None,
            "ends_sessions": self.ends_sessions,
            "text": self._text,
            "seconds": self._seconds,
            "eta_s": left_s,
            "done": self._done(left_s),
            **self._figures,
            "taken_off": self.taken_off,
            "verdict": self.verdict,
            "why": self.why,
        }

    def _left_s(self) -> float | None:
        elapsed_s: float | None = self._figures["elapsed_s"]
        if self.over or elapsed_s is None or self._seconds is None:
            return None
        return round(max(self._seconds - elapsed_s, 0.0), 1)

    def _done(self, left_s: float | None) -> float | None:
        """Return the share of the window that has passed."""
        if left_s is None or not self._seconds:
            return None
        return round(1 - left_s / self._seconds, 3)


def figure(value: object) -> float | None:
    """Return a finite number as it is, and None as it is; raises TypeError for anything else."""
    if value is not None and (
        isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value)
    ):
        raise TypeError(f"{value!r} is not a finite number")
    return value


def ending(code: int) -> str:
    """Return how a process ended, in words."""
    if code >= 0:
        return f"ended with code {code}"
    try:
        return f"was ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"was ended by signal {-code}"
