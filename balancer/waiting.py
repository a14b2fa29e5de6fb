"""The waiting room: requests that found everything full, in the order of their coming.

Pure. Rules:

- who fits is served in the order of coming; a smaller request may pass one that does not fit;
- somebody is passed when one who came later gets a substation that it could use itself;
- who was passed `MOST_PASSES` times keeps what it could use: nobody who came later gets in there
  before it. So none starves (docs/adr/0008);
- a substation that is too small for one even when empty is not kept for it.
"""

import dataclasses
import itertools
from collections.abc import Callable, Iterator, Mapping

MOST_PASSES = 16

# The substations with their capacities in watts.
Capacities = Mapping[str, int]


@dataclasses.dataclass(slots=True)
class Waiter:
    """One request that waits: its demand in watts and the substations it may use (empty: any)."""

    number: int
    demand_w: int
    eligible: tuple[str, ...]
    passes: int = 0

    def suits(self, name: str, capacities: Capacities) -> bool:
        """Whether a substation could serve this one once it has room."""
        return capacities.get(name, 0) >= self.demand_w and (not self.eligible or name in self.eligible)


class WaitingRoom:
    """Who waits, first come first; at most `most`."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._numbers = itertools.count(1)
        self._waiters: dict[int, Waiter] = {}

    def __len__(self) -> int:
        """Return how many wait."""
        return len(self._waiters)

    def __iter__(self) -> Iterator[Waiter]:
        """Yield who waits, in the order of coming."""
        return iter(self._waiters.values())

    def enter(self, demand_w: int, eligible: tuple[str, ...]) -> Waiter | None:
        """Return a place at the end; None when the room is full."""
        if len(self._waiters) >= self._most:
            return None
        waiter = Waiter(next(self._numbers), demand_w, eligible)
        self._waiters[waiter.number] = waiter
        return waiter

    def back(self, waiter: Waiter) -> None:
        """Give somebody who was served, and then refused, its former place, even in a full room."""
        self._waiters = dict(sorted({**self._waiters, waiter.number: waiter}.items()))

    def leave(self, waiter: Waiter) -> None:
        """Give the place up, served or not."""
        self._waiters.pop(waiter.number, None)

    def kept(self, capacities: Capacities) -> set[str]:
        """Return the substations that no newcomer may have."""
        kept: set[str] = set()
        for waiter in self._waiters.values():
            if waiter.passes >= MOST_PASSES:
                kept |= _suiting(waiter, capacities)
            if len(kept) == len(capacities):
                break
        return kept

    def passed(self, target: str, capacities: Capacities, before: int | None = None) -> list[Waiter]:
        """Note that somebody got `target` before those who came before number `before` (None: all).

        Returns those of them who keep from now on what they could use.
        """
        passed = [
            waiter
            for waiter in self._waiters.values()
            if (before is None or waiter.number < before) and waiter.suits(target, capacities)
        ]
        for waiter in passed:
            waiter.passes += 1
        return [waiter for waiter in passed if waiter.passes == MOST_PASSES]

    def serve(self, capacities: Capacities, choose: Callable[[Waiter, set[str]], str | None]) -> list[Waiter]:
        """Place whoever can be placed now, in order; returns those who were.

        `choose` returns where a waiter gets in, None if nowhere; not at one of those kept, which it
        is given. What it chose must count at once.
        """
        kept: set[str] = set()
        too_much_w: dict[tuple[str, ...], int] = {}  # by the eligible: for this demand there is no room
        served: list[Waiter] = []
        for waiter in list(self._waiters.values()):
            if len(kept) == len(capacities):
                break
            known_w = too_much_w.get(waiter.eligible)
            blocked = known_w is not None and known_w <= waiter.demand_w
            target = None if blocked else choose(waiter, kept)
            if target is not None:
                self.leave(waiter)
                served.append(waiter)
                for overdue in self.passed(target, capacities, before=waiter.number):
                    kept |= _suiting(overdue, capacities)
                continue
            if not blocked:
                too_much_w[waiter.eligible] = waiter.demand_w
            if waiter.passes >= MOST_PASSES:
                kept |= _suiting(waiter, capacities)
        return served


def _suiting(waiter: Waiter, capacities: Capacities) -> set[str]:
    return {name for name in capacities if waiter.suits(name, capacities)}
