"""The waiting room: requests that found everything full, in the order of their coming.

Pure. A smaller request may pass a blocked one, but each may be passed only `MOST_PASSES` times: from
then on nobody who came later and could use the same substations gets in before it, so none starves.
"""

import dataclasses
import itertools
from collections.abc import Callable

MOST_WAITING = 1000
MOST_PASSES = 16


@dataclasses.dataclass(slots=True)
class Waiter:
    """One request that waits: its demand in watts and the substations it may use (empty: any)."""

    number: int
    demand_w: int
    eligible: tuple[str, ...]
    passes: int = 0

    def shares(self, eligible: tuple[str, ...]) -> bool:
        """Whether somebody with `eligible` could take what this one waits for."""
        return not self.eligible or not eligible or not set(self.eligible).isdisjoint(eligible)


class WaitingRoom:
    """Who waits, first come first."""

    def __init__(self, most: int = MOST_WAITING) -> None:
        self._most = most
        self._numbers = itertools.count(1)
        self._waiters: dict[int, Waiter] = {}

    def __len__(self) -> int:
        """Return how many wait."""
        return len(self._waiters)

    def enter(self, demand_w: int, eligible: tuple[str, ...]) -> Waiter | None:
        """Return a place at the end; None when the room is full."""
        if len(self._waiters) >= self._most:
            return None
        waiter = Waiter(next(self._numbers), demand_w, eligible)
        self._waiters[waiter.number] = waiter
        return waiter

    def leave(self, waiter: Waiter) -> None:
        """Give the place up, served or not."""
        self._waiters.pop(waiter.number, None)

    def may_pass(self, eligible: tuple[str, ...]) -> bool:
        """Whether a newcomer may be placed before all who wait."""
        return all(w.passes < MOST_PASSES for w in self._waiters.values() if w.shares(eligible))

    def passed(self, eligible: tuple[str, ...], before: int | None = None) -> None:
        """Note that somebody was placed before those who came earlier than number `before` (None: all)."""
        for waiter in self._waiters.values():
            if (before is None or waiter.number < before) and waiter.shares(eligible):
                waiter.passes += 1

    def serve(self, choose: Callable[[Waiter], str | None]) -> list[tuple[Waiter, str]]:
        """Place whoever can be placed now, in order; returns them with their substations.

        `choose` returns where a waiter fits, None if nowhere; what it chose must count at once.
        """
        served: list[tuple[Waiter, str]] = []
        blocked: list[Waiter] = []
        for waiter in list(self._waiters.values()):
            if any(b.passes >= MOST_PASSES and b.shares(waiter.eligible) for b in blocked):
                blocked.append(waiter)
                continue
            target = choose(waiter)
            if target is None:
                blocked.append(waiter)
                continue
            self.leave(waiter)
            self.passed(waiter.eligible, before=waiter.number)
            served.append((waiter, target))
        return served
