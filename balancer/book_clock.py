"""The order book's own time, by which claims age: no jump of the wall clock reaches it while a balancer runs.

Pure: the clocks of the machine are arguments. Rules:

- while the balancer runs, the monotonic clock counts;
- a stop counts as what the wall clock says, at most `MOST_STOPPED_MS`: a wall clock that jumped meanwhile
  takes an hour off the claims, not all of their life;
- a claim that lives too long costs a row; one that is dropped too early costs a second session.
"""

import dataclasses

MOST_STOPPED_MS = 3600 * 1000


@dataclasses.dataclass(frozen=True, slots=True)
class BookClock:
    """Milliseconds since some moment near the Unix epoch, that only rise."""

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
