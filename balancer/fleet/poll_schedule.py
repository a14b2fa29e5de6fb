"""When each address is polled: once in each interval, and never many of them at the same time.

Pure: time comes as seconds of a monotonic clock, randomness is an argument.
"""

import heapq
import itertools
import math
from typing import Protocol

GOLDEN_RATIO = (5**0.5 - 1) / 2
JITTER = 0.1  # of the interval, so that balancers don't poll in step
LEAST_TURNS, MOST_TURNS = (
    20,
    200,
)  # in an interval; as many as there are addresses, so that few polls begin in one
CATCH_UP = 2  # times as many polls begin in a turn as usual, after turns that came late


class Random(Protocol):
    """The one thing that is needed of a random generator."""

    def random(self) -> float:
        """Return a float in [0, 1)."""


class PollSchedule:
    """The polled addresses by the moments at which they are due.

    A turn begins those that are due. The shares of the interval at which addresses are due lie apart, so that a fleet that is
    found at once is not polled in bursts: the golden ratio has the most even multiples of all numbers, modulo 1 (Knuth, TAOCP 3,
    6.4).
    """

    def __init__(self, every_s: float, rng: Random) -> None:
        self._every_s = every_s
        self._rng = rng
        self._due: list[
            tuple[float, int, str]
        ] = []  # a heap; may hold entries of addresses that were dropped
        self._numbers = itertools.count(1)
        self._entries: dict[str, int] = {}  # by address, the number of its entry

    def __len__(self) -> int:
        """Return how many addresses there are."""
        return len(self._entries)

    @property
    def turn_s(self) -> float:
        """Return how far turns should be apart."""
        return self._every_s / min(max(len(self), LEAST_TURNS), MOST_TURNS)

    def add(self, url: str, now_s: float) -> None:
        """Poll an address at each interval, from a share of the interval on."""
        number = self._entries[url] = next(self._numbers)
        heapq.heappush(self._due, (now_s + number * GOLDEN_RATIO % 1 * self._every_s, number, url))

    def drop(self, url: str) -> None:
        """Poll an address no more."""
        del self._entries[url]

    def begin(self, now_s: float, turn_s: float) -> list[str]:
        """Return the addresses whose polls begin in this turn; turns are `turn_s` apart."""
        most = 1 + math.ceil(CATCH_UP * len(self) * turn_s / self._every_s)
        found, due = list[str](), self._due
        while due and due[0][0] <= now_s and len(found) < most:
            at_s, number, url = due[0]
            if self._entries.get(url) != number:
                heapq.heappop(due)
                continue
            found.append(url)
            heapq.heapreplace(due, (self._next_s(at_s, now_s), number, url))
        return found

    def _next_s(self, at_s: float, now_s: float) -> float:
        """Return when an address is due next that was due at `at_s`; intervals that are over are left out."""
        every_s = self._every_s * (1 + JITTER * (self._rng.random() - 0.5))
        return at_s + every_s * (1 + max(0, (now_s - at_s) // every_s))
