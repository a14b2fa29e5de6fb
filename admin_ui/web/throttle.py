"""Limits attempts by key with token buckets.

Pure: time comes as seconds of a monotonic clock. An attempt takes a token before its result is known, so that parallel
attempts gain nothing over successive ones; a successful attempt gives its token back.
"""

import dataclasses

MOST_KEYS = 10_000  # buckets that are kept; beyond it, full ones are dropped, or else the oldest


@dataclasses.dataclass(slots=True)
class Bucket:
    """The tokens that a key had at a moment."""

    left: float
    at_s: float


class Throttle:
    """Allows `most` attempts of a key at once, and one more after every `every_s` seconds."""

    def __init__(self, most: int, every_s: float, most_keys: int = MOST_KEYS) -> None:
        self._most = most
        self._every_s = every_s
        self._most_keys = most_keys
        self._buckets: dict[str, Bucket] = {}

    def wait_s(self, key: str, now_s: float) -> float:
        """Return how many seconds the next attempt of a key must wait; 0 when it need not wait."""
        return max(0.0, (1 - self._left(key, now_s)) * self._every_s)

    def take(self, key: str, now_s: float) -> None:
        """Take a token of a key."""
        left = self._left(key, now_s)
        self._buckets.pop(key, None)
        self._buckets[key] = Bucket(left - 1, now_s)  # as the newest
        if len(self._buckets) > self._most_keys:
            full = [each for each in self._buckets if self._left(each, now_s) >= self._most]
            for each in full or [next(iter(self._buckets))]:
                del self._buckets[each]

    def give_back(self, key: str, now_s: float) -> None:
        """Give a token of a key back."""
        if key in self._buckets:
            self._buckets[key] = Bucket(min(self._left(key, now_s) + 1, self._most), now_s)

    def _left(self, key: str, now_s: float) -> float:
        bucket = self._buckets.get(key)
        if not bucket:
            return float(self._most)
        return min(self._most, bucket.left + (now_s - bucket.at_s) / self._every_s)
