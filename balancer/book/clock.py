"""The order book's own time, by which claims age. A jump of the wall clock does not change it while a balancer runs.

Pure: the clocks of the machine are arguments. Rules:

- while the balancer runs, the time follows the monotonic clock;
- while it is stopped, the time follows the wall clock, by at most `MOST_STOPPED_MS`: a jump during a stop
  shortens the life of claims by an hour, not by all of it;
- a claim that lives too long costs a row; one that is dropped too early costs a second session.
"""

import dataclasses

MOST_STOPPED_MS = 3600 * 1000


@dataclasses.dataclass(frozen=True, slots=True)
class BookClock:
    """Milliseconds since some moment near the Unix epoch. They never go back."""

    start_ms: int
    start_monotonic_s: float

    @classmethod
    def resume(
        cls, stored_ms: int, stored_unix_ms: int, now_unix_ms: int, now_monotonic_s: float
    ) -> "BookClock":
        """Go on from a stored time; `stored_unix_ms` is the wall time at which it was stored."""
        stopped_ms = min(max(0, now_unix_ms - stored_unix_ms), MOST_STOPPED_MS)
        return cls(stored_ms + stopped_ms, now_monotonic_s)

    def at(self, monotonic_s: float) -> int:
        """Return the book's time at a moment of the monotonic clock."""
        return self.start_ms + int((monotonic_s - self.start_monotonic_s) * 1000)
