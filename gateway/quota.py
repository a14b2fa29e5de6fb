"""How many requests a caller may make: a token bucket for each.

Pure. Time is an argument, in nanoseconds of any clock that never goes back. Rules:

- over any time, no more is admitted than the burst and what the rate gives in that time;
- a caller that stays within its rate is never refused;
- the requests of one caller take nothing from another;
- only callers that used their quota lately need memory: a full bucket is the same as none.

A bucket is stored as the time at which it will be full again (GCRA, as in ITU-T I.371), in whole
nanoseconds, so that no rounding adds up.
"""

from runtime.values import value

NS_PER_S = 1_000_000_000
BURST_S = 10  # what the rate gives in this time may come at once
SWEPT_ABOVE = 1024  # buckets


@value(frozen=True, slots=True)
class QuotaDecision:
    """Whether a request is admitted, and what is left.

    `remaining` more would be admitted now; one more than that in `next_s` seconds. The policy is
    `burst` requests in `window_s` seconds.
    """

    admitted: bool
    remaining: int
    next_s: int
    burst: int
    window_s: int

    def policy_field(self) -> str:
        """Return the value of `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers-10)."""
        return f'"default";q={self.burst};w={self.window_s}'

    def limit_field(self) -> str:
        """Return the value of `RateLimit`."""
        return f'"default";r={self.remaining};t={self.next_s}'


class Quota:
    """The buckets of all callers."""

    def __init__(self) -> None:
        self._full_at_ns: dict[str, int] = {}
        self._sweep_above = SWEPT_ABOVE

    def __len__(self) -> int:
        """How many buckets are kept."""
        return len(self._full_at_ns)

    def take(self, caller: str, per_minute: int, now_ns: int) -> QuotaDecision:
        """Admit one request of `caller` at `now_ns`, or refuse it and leave the bucket as it is."""
        burst = max(1, per_minute * BURST_S // 60)
        each_ns = -(-60 * NS_PER_S // per_minute)
        used_ns = max(0, self._full_at_ns.get(caller, 0) - now_ns)
        admitted = used_ns <= (burst - 1) * each_ns
        if admitted:
            used_ns += each_ns
            self._keep(caller, now_ns + used_ns, now_ns)
        remaining = max(0, burst - -(-used_ns // each_ns))
        next_ns = used_ns - (burst - remaining - 1) * each_ns
        return QuotaDecision(admitted, remaining, _whole_s(next_ns), burst, _whole_s(burst * each_ns))

    def _keep(self, caller: str, full_at_ns: int, now_ns: int) -> None:
        self._full_at_ns[caller] = full_at_ns
        if len(self._full_at_ns) > self._sweep_above:
            self._full_at_ns = {name: at for name, at in self._full_at_ns.items() if at > now_ns}
            self._sweep_above = max(SWEPT_ABOVE, 2 * len(self._full_at_ns))


def _whole_s(ns: int) -> int:
    return max(1, -(-ns // NS_PER_S))
