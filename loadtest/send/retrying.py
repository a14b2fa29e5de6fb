"""When a client tries again: which answers it repeats, how often, for how long, and after which wait.

Pure: time and randomness are arguments. Rules:

- only 429, 503 and a request without an answer are repeated, since the next attempt may change them;
- the wait is the Retry-After; without one it doubles, with jitter, so that clients do not all return at once;
- the client gives up at once when the next attempt would begin beyond the limits.
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
        """Return the seconds to wait before the next attempt, None if there is none.

        `tries` is the number of attempts so far, `status` the last answer (None: no answer), `spent_s` the time since
        the first sending, `jitter` a random number in [0, 1).
        """
        if tries > self.times or (status is not None and status not in AGAIN):
            return None
        wait_s = FIRST_WAIT_S * 2 ** (tries - 1) * (1 + jitter) if retry_after_s is None else retry_after_s
        return wait_s if spent_s + wait_s <= self.within_s else None


def seconds(retry_after: str | None) -> float | None:
    """Return a `Retry-After` in seconds; None without one, and for a date, which this grid never sends."""
    return float(retry_after) if retry_after and retry_after.isascii() and retry_after.isdigit() else None
