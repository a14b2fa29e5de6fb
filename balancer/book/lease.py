"""The lease that one rush hour holds: who has it, and until when.

Pure. Rules:

- one holder at a time; it may renew, give back, or let it run out;
- it ends by itself, also while no balancer runs: its end is a wall-clock moment in the order book;
- a clock that was set back prolongs no lease: a lease that would last longer than any may last has ended.
"""

import dataclasses

LEAST_TTL_S = 1.0
MOST_TTL_S = 60.0
RUN_ID = "[A-Za-z0-9._-]{1,128}"  # a regular expression
MS_PER_S = 1000
MOST_UNIX_S = 1e11  # in three thousand years


@dataclasses.dataclass(frozen=True, slots=True)
class Lease:
    """`run_id` holds the rush hour until a moment in unix milliseconds."""

    run_id: str
    until_unix_ms: int

    def left_ms(self, unix_ms: int) -> int:
        """Return for how many milliseconds more it is held at a moment; 0 when it is over."""
        left_ms = self.until_unix_ms - unix_ms
        return left_ms if 0 < left_ms <= MOST_TTL_S * MS_PER_S else 0


def taken(current: Lease | None, wanted: Lease, unix_ms: int) -> Lease:
    """Return the lease that is in force after a run requested `wanted`: that of another run, or `wanted`."""
    if current and current.run_id != wanted.run_id and current.left_ms(unix_ms):
        return current
    return wanted


@dataclasses.dataclass(frozen=True, slots=True)
class Window:
    """When the cars of a rush hour arrive, in unix seconds. Both are 0 without one; `until` may be infinite (not known).

    A run measures over its window. The lease begins before it, and ends after refused cars have come back.
    """

    from_unix_s: float = 0.0
    until_unix_s: float = 0.0

    @classmethod
    def of(cls, field: object) -> "Window | None":
        """Return the window of a request, `[from, until]`, None if it has none; raises ValueError."""
        if field is None:
            return None
        match field:
            case [int() | float() as since, int() | float() as until] if 0 < since < until < MOST_UNIX_S:
                return cls(float(since), float(until))
        raise ValueError("it must be two numbers of unix seconds, the first above 0 and below the second")

    def ended(self, unix_s: float) -> "Window":
        """Return the window after the lease has ended at a moment."""
        return dataclasses.replace(self, until_unix_s=min(self.until_unix_s, unix_s))
