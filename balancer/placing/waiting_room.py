"""The waiting room: requests that found everything full, in the order of their coming.

Pure. Rules:

- who fits is served in the order of coming; a smaller request may pass one that does not fit;
- a waiter is passed when a later request is admitted at a substation that the waiter could use;
- a waiter that was passed `MOST_PASSES` times keeps one substation: the one where it will fit first by the
  known plans. No later request is admitted there before it. So no waiter starves (docs/adr/0018);
- it keeps the same one until that can't serve it any more;
- at most half of the substations are kept, but at least one; the waiter that came first chooses first.
"""

import collections
import dataclasses
import itertools
from collections.abc import Callable, Iterator, Mapping

MOST_PASSES = 16
KEPT_SHARE = 0.5  # of the substations may be kept for waiting requests, so that these never close the fleet


@dataclasses.dataclass(frozen=True, slots=True)
class Outlook:
    """The substations that admit: their capacities in watts, and when a demand will fit at one of them.

    `fits_in_s` takes a substation and a demand in watts; it returns seconds, None if no plan says.
    """

    capacities: Mapping[str, int]
    fits_in_s: Callable[[str, int], float | None]


@dataclasses.dataclass(slots=True)
class Waiter:
    """One request that waits: its demand in watts and the substations it may use (empty: any).

    `home` is the substation that it keeps, None while it keeps none.
    """

    number: int
    demand_w: int
    eligible: tuple[str, ...]
    passes: int = 0
    home: str | None = None

    def suits(self, name: str, capacities: Mapping[str, int]) -> bool:
        """Whether a substation could serve this one once it has room."""
        return capacities.get(name, 0) >= self.demand_w and (not self.eligible or name in self.eligible)

    def fits(self, free_w: Mapping[str, float]) -> bool:
        """Whether one of the substations to which it is limited has enough power free."""
        return not self.eligible or any(free_w.get(name, 0) >= self.demand_w for name in self.eligible)


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

    def kept(self, outlook: Outlook) -> set[str]:
        """Return the substations that no newcomer may have."""
        overdue = [waiter for waiter in self._waiters.values() if waiter.passes >= MOST_PASSES]
        return _settle(overdue, outlook)

    def passed(self, target: str, capacities: Mapping[str, int], before: int | None = None) -> None:
        """Count an admission at `target` as a pass of the waiting requests numbered below `before`.

        With `before` None, all of them are passed.
        """
        for waiter in self._waiters.values():
            if before is not None and waiter.number >= before:
                break
            waiter.passes += waiter.suits(target, capacities)

    def serve(
        self,
        outlook: Outlook,
        free_w: Mapping[str, float],
        choose: Callable[[Waiter, set[str]], str | None],
    ) -> list[Waiter]:
        """Place whoever can be placed now, in order; returns those who were.

        `free_w` is the most that each substation can have free. `choose` gets a waiter and the substations that
        are kept for others; it returns where the waiter is placed, or None. Its choice must count in `free_w`
        at once. A served waiter counts as a pass of others only when it is admitted: see `passed`.
        """
        before: list[Waiter] = []  # waiters that came earlier and still wait
        passes: collections.Counter[int] = collections.Counter()  # within this look
        overdue = [waiter for waiter in self._waiters.values() if waiter.passes >= MOST_PASSES]
        too_much_w: dict[tuple[str, ...], int] = {}  # by the eligible: for this demand there is no room
        highest_w = max(free_w.values(), default=0)
        served: list[Waiter] = []
        for waiter in list(self._waiters.values()):
            known_w = min(too_much_w.get(waiter.eligible, waiter.demand_w + 1), highest_w + 1)
            blocked = known_w <= waiter.demand_w or not waiter.fits(free_w)
            earlier = [other for other in overdue if other.number < waiter.number]
            target = None if blocked else choose(waiter, _settle(earlier, outlook))
            if target is None:
                before.append(waiter)
                if not blocked:
                    too_much_w[waiter.eligible] = waiter.demand_w
                continue
            self.leave(waiter)
            served.append(waiter)
            overdue = [other for other in overdue if other is not waiter]
            highest_w = max(free_w.values(), default=0)
            for other in before:
                passes[other.number] += other.suits(target, outlook.capacities)
                if other not in overdue and other.passes + passes[other.number] >= MOST_PASSES:
                    overdue = sorted([*overdue, other], key=lambda each: each.number)
        return served


def _settle(overdue: list[Waiter], outlook: Outlook) -> set[str]:
    """Give waiters that were passed too often a substation to keep, as long as there is one; returns all of these."""
    most = max(1, int(len(outlook.capacities) * KEPT_SHARE))
    kept: set[str] = set()
    for waiter in overdue:
        if waiter.home in kept or not waiter.suits(waiter.home or "", outlook.capacities):
            waiter.home = None
        if waiter.home is None and len(kept) < most:
            waiter.home = _first_fit(waiter, outlook, kept)
        if waiter.home and len(kept) < most:
            kept.add(waiter.home)
    return kept


def _first_fit(waiter: Waiter, outlook: Outlook, kept: set[str]) -> str | None:
    """Return the substation where a waiter will fit first, of those that are not kept; None if there is none."""
    waits: list[tuple[float, str]] = []
    for name in outlook.capacities:
        if name not in kept and waiter.suits(name, outlook.capacities):
            wait_s = outlook.fits_in_s(name, waiter.demand_w)
            waits.append((float("inf") if wait_s is None else wait_s, name))
    return min(waits)[1] if waits else None
