"""What became of the sessions of a run that was stopped and was to end them.

Pure. A session that was ended early is not lost: it was admitted, counted and told like any other.
"""

import dataclasses
from collections.abc import Mapping


@dataclasses.dataclass(frozen=True, slots=True)
class StoppedSessions:
    """Of `sessions` that clients were told of, `ended` were stopped by this and `over` had ended before.

    `left` counts those that could not be ended, by the reason. `unknown` are requests that may have got a
    session of which nobody was told.
    """

    sessions: int
    ended: int
    over: int
    left: Mapping[str, int]
    unknown: int = 0

    @property
    def remaining(self) -> int:
        """How many may charge on."""
        return sum(self.left.values())

    def said(self) -> str:
        """Return it in words."""
        parts = [f"ended by the stop: {self.ended} of {self.sessions} sessions"]
        if self.over:
            parts.append(f"{self.over} had ended before")
        if self.remaining:
            why = ", ".join(f"{count} x {reason}" for reason, count in self.left.items())
            parts.append(f"{self.remaining} not ended, and may charge on ({why})")
        if self.unknown:
            parts.append(f"{self.unknown} requests without an answer may have got a session that charges on")
        return "; ".join(parts)
