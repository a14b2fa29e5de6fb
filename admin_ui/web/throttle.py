"""How often one may try: tries are saved up to a number, and come back one by one.

Pure: time comes as seconds of a monotonic clock. A try is taken before it is known whether it is right,
so that many at once are no more than many after each other; one that was right is given back.
"""

import dataclasses

MOST_KEYS = 10_000


@dataclasses.dataclass(slots=True)
class Tries:
    """What is left for one key at a moment."""

    left: float
    at_s: float


class Throttle:
    """Tries by key: `most` at once, and one more after every `every_s`."""

    def __init__(self, most: int, every_s: float, most_keys: int = MOST_KEYS) -> None:
        self._most = most
        self._every_s = every_s
        self._most_keys = most_keys
        self._tries: dict[str, Tries] = {}

    def wait_s(self, key: str, now_s: float) -> float:
        """Return how many seconds the next try of a key must wait; 0: none."""
        return max(0.0, (1 - self._left(key, now_s)) * self._every_s)

    def take(self, key: str, now_s: float) -> None:
        """Use up a try."""
        left = self._left(key, now_s)
        self._tries.pop(key, None)
        self._tries[key] = Tries(left - 1, now_s)  # as the newest
        if len(self._tries) > self._most_keys:
            full = [each for each in self._tries if self._left(each, now_s) >= self._most]
            for each in full or [next(iter(self._tries))]:
                del self._tries[each]

    def give_back(self, key: str, now_s: float) -> None:
        """The try was right."""
        if key in self._tries:
            self._tries[key] = Tries(min(self._left(key, now_s) + 1, self._most), now_s)

    def _left(self, key: str, now_s: float) -> float:
        tries = self._tries.get(key)
        if not tries:
            return float(self._most)
        return min(self._most, tries.left + (now_s - tries.at_s) / self._every_s)
