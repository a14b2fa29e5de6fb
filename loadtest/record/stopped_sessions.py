"""What happened to the sessions of a run whose stop ends them.

Pure. A session that is ended early is not lost: it was admitted, counted and answered like any other.
"""

import dataclasses
from collections.abc import Mapping


@dataclasses.dataclass(frozen=True, slots=True)
class StoppedSessions:
    """Of the `sessions` that clients know, `ended` were ended by the stop and `over` had ended before it.

    `left` counts those that could not be ended, by the reason. `unknown` counts requests that may have got a
    session without an answer that names it.
    """

    sessions: int
    ended: int
    over: int
    left: Mapping[str, int]
    unknown: int = 0

    @property
    def remaining(self) -> int:
        """How many sessions may charge on."""
        return sum(self.left.values())

    def in_words(self) -> str:
        """Return the counts in words."""
        parts = [f"ended by the stop: {self.ended} of {self.sessions} sessions"]
        if self.over:
            parts.append(f"{self.over} had ended before")
        if self.remaining:
            why = ", ".join(f"{count} x {reason}" for reason, count in self.left.items())
            parts.append(f"{self.remaining} not ended, and may charge on ({why})")
        if self.unknown:
            parts.append(f"{self.unknown} requests without an answer may have got a session that charges on")
        return "; ".join(parts)
