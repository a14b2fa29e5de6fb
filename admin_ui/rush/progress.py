"""The progress of a run of the load test, from the lines that it writes.

Pure: time comes as unix seconds. Rules:

- a run that ends without reporting its end was killed, or never began: it is shown as failed, with its last words;
- a run has ended when its process has, not when it reports its end: only then may the next one begin;
- a line that can't be read, or of an unknown kind, changes nothing, because later versions may write more kinds;
- of the loads of the substations only the sums are kept: the console shows each as the balancer reports it.
"""

import dataclasses
import enum
import signal
from typing import Any

from admin_ui.rush.curve import RunCurve, loads
from loadtest.contract import (
    END_SESSIONS,
    KEEP_SESSIONS,
    USAGE,
    Verdict,
)
from loadtest.events import (
    EndEvent,
    EndingEvent,
    JudgingEvent,
    ProgressEvent,
    SettlingEvent,
    StartEvent,
    read_event,
)

FIGURES = tuple(
    each.name for each in dataclasses.fields(ProgressEvent) if each.name not in {"seconds", "substations"}
)
# Exit codes of a load test that was stopped before it handles signals
STOPPED = frozenset({-END_SESSIONS, -KEEP_SESSIONS})
MOST_CHARACTERS = 1000  # of what a run says in words


class Phase(enum.StrEnum):
    """The phase of a run."""

    STARTING = "starting"  # the process begins
    SETTLING = "settling"  # it waits for a ready grid and an empty fleet
    RUNNING = "running"
    FINISHING = "finishing"  # all has been sent; the last answers and the result are awaited
    ENDED = "ended"  # with a verdict
    FAILED = "failed"  # without a verdict


END_PHASES = frozenset({Phase.ENDED, Phase.FAILED})


class RunProgress:
    """One run as its lines report it; `options` are those that were asked for, and `by` is the operator who started it."""

    def __init__(self, options: dict[str, Any], by: str, at_unix_s: float) -> None:
        self.run_id: str | None = None
        self.phase = Phase.STARTING
        self.verdict: str | None = None
        self.why = ""
        self.stopped_by = ""  # the operator who has asked it to stop
        self.ends_sessions = False  # whether that stop ends its sessions
        self._options = options
        self._by = by
        self._at_unix_s = at_unix_s
        self._seconds: float | None = None
        self._text = ""
        self._figures: dict[str, Any] = dict.fromkeys(FIGURES)
        self._loads: dict[str, Any] = {}
        self._judging: dict[str, Any] = {"thresholds": [], "changes": []}
        self.curve = RunCurve()
        self.taken_off: dict[str, Any] | None = None  # of its sessions, by a stop

    def stop(self, by: str, *, end_sessions: bool) -> None:
        """Record that an operator stops the run, and whether its sessions end too."""
        self.stopped_by, self.ends_sessions = by, end_sessions

    def withdraw_stop(self) -> None:
        """Record that the run is not stopped after all."""
        self.stopped_by = ""

    @property
    def stopping(self) -> bool:
        """Whether it was asked to stop."""
        return bool(self.stopped_by)

    @property
    def ended(self) -> bool:
        """Whether the run has ended, with or without a verdict."""
        return self.phase in END_PHASES

    @property
    def admitted(self) -> int | None:
        """The number of its cars that were admitted so far; None before anything was sent."""
        admitted: int | None = self._figures["admitted"]
        return admitted

    @property
    def sending(self) -> bool:
        """Whether anything was sent."""
        return self._figures["sent"] is not None

    def take(self, line: bytes) -> None:
        """Take one line; an incomplete line, or one with a malformed figure, changes nothing."""
        match read_event(line):
            case StartEvent() as event:
                self._options |= {"seed": event.seed, "requests": event.requests, "seconds": event.seconds}
                self._options |= {"preset": event.preset}
                self.run_id, self._seconds = event.run_id, event.seconds
            case SettlingEvent(text):
                self.phase, self._text = Phase.SETTLING, text[:MOST_CHARACTERS]
            case ProgressEvent() as event:
                over = event.elapsed_s >= event.seconds or event.sent >= event.planned
                self._figures = {name: getattr(event, name) for name in FIGURES}
                self._loads = loads(event)
                self.curve.take(event)
                self._seconds, self._text = event.seconds, ""
                self.phase = Phase.FINISHING if over else Phase.RUNNING
            case JudgingEvent() as event:
                self._judging = dataclasses.asdict(event)
            case EndingEvent() as event:
                self.taken_off = dataclasses.asdict(event) | {"text": event.text[:MOST_CHARACTERS]}
            case EndEvent() as event:
                self.verdict, self.why = event.verdict, event.why[:MOST_CHARACTERS]

    def end(self, code: int, last_words: str) -> None:
        """Record that the process has ended, with an exit code (below 0: by a signal) and the end of its standard error."""
        if self.verdict is not None:
            self.phase = Phase.ENDED
            return
        if self.stopping and code in STOPPED and not self.sending:
            self.phase, self.verdict = Phase.ENDED, Verdict.INTERRUPTED
            return
        self.phase = Phase.FAILED
        words = last_words.strip()[-MOST_CHARACTERS:]
        if code == USAGE and self.run_id is None:
            self.why = words.rpartition("error: ")[2] or "the load test did not take its options"
        else:
            self.why = f"the load test {ending(code)} and reported no result" + (
                f": {words}" if words else ""
            )

    def refuse(self, why: str) -> None:
        """Record that the run could not be started."""
        self.phase, self.why = Phase.FAILED, why

    def shown(self) -> dict[str, Any]:
        """Return the run as browsers get it."""
        left_s = self._left_s()
        return {
            **self._options,
            "run_id": self.run_id,
            "by": self._by,
            "started_unix_s": round(self._at_unix_s, 1),
            "phase": self.phase,
            "stopping": self.stopping and not self.ended,
            "stopped_by": self.stopped_by or None,
            "ends_sessions": self.ends_sessions,
            "text": self._text,
            "seconds": self._seconds,
            "eta_s": left_s,
            "done": self._done(left_s),
            **self._figures,
            **self._loads,
            **self._judging,
            "taken_off": self.taken_off,
            "verdict": self.verdict,
            "why": self.why,
        }

    def _left_s(self) -> float | None:
        elapsed_s: float | None = self._figures["elapsed_s"]
        if self.ended or elapsed_s is None or self._seconds is None:
            return None
        return round(max(self._seconds - elapsed_s, 0.0), 1)

    def _done(self, left_s: float | None) -> float | None:
        """Return the share of the time window that has passed."""
        if left_s is None or not self._seconds:
            return None
        return round(1 - left_s / self._seconds, 3)


def ending(code: int) -> str:
    """Return how a process ended, in words."""
    if code >= 0:
        return f"ended with code {code}"
    try:
        return f"was ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"was ended by signal {-code}"
