"""When a client asks again: what it may repeat, how often, for how long, and how long it waits first.

Pure: time and randomness are arguments. Rules:

- only what the next try may change is repeated: 429, 503 and a request without an answer;
- a Retry-After is waited for; without one the wait doubles, with jitter, so that many do not come at once;
- a try that could only begin beyond the limits is not made, and not waited for.
"""

import dataclasses

AGAIN = frozenset({429, 503})
FIRST_WAIT_S = 0.25


@dataclasses.dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often a request may be repeated, and until how many seconds after its first sending."""

    times: int
    within_s: float = 30.0

    def wait_s(
        self, tries: int, status: int | None, retry_after_s: float | None, spent_s: float, jitter: float
    ) -> float | None:
        """Return the seconds to wait before the next try, None if there is none.

        `tries` were made, the last answered with `status` (None: no answer); `spent_s` passed since the
        first sending; `jitter` is a random number in [0, 1).
        """
        if tries > self.times or (status is not None and status not in AGAIN):
            return None
        wait_s = FIRST_WAIT_S * 2 ** (tries - 1) * (1 + jitter) if retry_after_s is None else retry_after_s
        return wait_s if spent_s + wait_s <= self.within_s else None


def seconds(retry_after: str | None) -> float | None:
    """Return a `Retry-After` in seconds; None for none, and for a date, which this grid never sends."""
    return float(retry_after) if retry_after and retry_after.isascii() and retry_after.isdigit() else None
