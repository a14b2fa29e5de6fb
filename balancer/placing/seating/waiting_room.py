"""The waiting room: requests that found everything full, in the order of their coming.

Pure: nothing here awaits or reads a clock; seat_queue.py lets the tasks of the requests sleep and wakes them.

Order of waking. Each look at the fleet goes through the waiters from the oldest to the newest and seats every one that
fits, so one look may wake several. A waiter is never left out where a later one is seated, unless it does not fit
there or the substation is kept for another. A newcomer triggers such a
look before it is judged itself, so it can't take room that a waiter could use.

Passing. A request may be admitted before one that came earlier only if the earlier one does not fit: it is too large for
what is free now, or is limited to substations that are full. Strict first come, first served would be simpler, but one
large request at the head would then keep a half-empty fleet idle for everybody behind it. So a smaller one may pass.
A waiter counts as passed when a later request is admitted at a substation that the waiter could use. A request that
is seated and then refused has passed no one: only admissions count (see `passed`).

No starvation. Without a limit, small requests could take each bit of power as it is freed, and a large one would wait
for ever. A waiter that was passed `MOST_PASSES` times is overdue and keeps one substation for itself, its home: the one
where it will fit first by the known plans. No later request is admitted there before it, so the power that is freed
there adds up until it fits (docs/adr/0018). It keeps the same home until that one can't serve it any more, because power
that is spread over changing homes never adds up.

Bounds. At most half of the substations are kept, but at least one, so that overdue waiters never close the fleet. The
waiter that came first chooses first; one for which no home is left goes on waiting, and is served when it fits.

Cancellation. A waiter may leave at any time: when its caller hangs up, when its time is over, or when it was served. Its
home is free at once, because homes are given anew at each look. A waiter that was served has left the room; if the
substation then refuses it, it goes back to its former place (`back`), even into a full room. Otherwise each
refusal would send it behind everyone who came later.

Why no queue for each substation? Most requests may use any substation. A request in the queue of one would miss room
that comes free at another.
"""

import collections
import dataclasses
import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping

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
    """The waiting requests, first come first; at most `most`."""

    def __init__(self, most: int) -> None:
        self.changes = 0  # how often somebody came, left, or was passed
        self._most = most
        self._numbers = itertools.count(1)
        self._waiters: dict[int, Waiter] = {}

    def __len__(self) -> int:
        """Return how many requests wait."""
        return len(self._waiters)

    def __iter__(self) -> Iterator[Waiter]:
        """Yield the waiting requests, in the order of coming."""
        return iter(self._waiters.values())

    def enter(self, demand_w: int, eligible: tuple[str, ...]) -> Waiter | None:
        """Return a place at the end; None when the room is full."""
        if len(self._waiters) >= self._most:
            return None
        waiter = Waiter(next(self._numbers), demand_w, eligible)
        self._waiters[waiter.number] = waiter
        self.changes += 1
        return waiter

    def back(self, waiter: Waiter) -> None:
        """Give a request that was served, and then refused, its former place, even in a full room."""
        self._waiters = dict(sorted({**self._waiters, waiter.number: waiter}.items()))
        self.changes += 1

    def leave(self, waiter: Waiter) -> None:
        """Give the place up, served or not."""
        if self._waiters.pop(waiter.number, None):
            self.changes += 1

    def kept(self, outlook: Outlook) -> set[str]:
        """Return the substations where no newcomer is admitted."""
        overdue = [waiter for waiter in self._waiters.values() if waiter.passes >= MOST_PASSES]
        return _settle(overdue, outlook)

    def passed(self, target: str, capacities: Mapping[str, int], before: int | None = None) -> None:
        """Count an admission at `target` as a pass of the waiting requests numbered below `before`.

        With `before` None, all of them are passed.
        """
        self.changes += 1
        for waiter in self._waiters.values():
            if before is not None and waiter.number >= before:
                break
            waiter.passes += waiter.suits(target, capacities)

    def serve(
        self,
        outlook: Outlook,
        free_w: Mapping[str, float],
        choose: Callable[[Waiter, set[str]], str | None],
        hopeless: Callable[[Waiter], bool] = lambda _: False,
    ) -> list[Waiter]:
        """Place the requests that can be placed now, in order; returns those that were placed.

        `free_w` is the most that each substation can have free. `choose` gets a waiter and the substations that
        are kept for others; it returns where the waiter is placed, or None. Its choice must count in `free_w`
        at once. `hopeless` returns whether it is known already that `choose` would return None. A served waiter counts
        as a pass of others only when it is admitted: see `passed`.
        """
        # Passes within this look, which decide who is overdue in it alone: a waiter served here may yet be refused.
        passes: collections.Counter[int] = collections.Counter()
        overdue = self._overdue(passes, outlook)
        # By the eligible substations, the least demand for which there was no room in this look. A later waiter with the
        # same choice and no smaller demand is not tried: so a look at a full fleet costs little, however many wait.
        too_much_w: dict[tuple[str, ...], int] = {}
        highest_w = max(free_w.values(), default=0)
        served: list[Waiter] = []
        # Power only becomes less within a look, so who does not fit now is not looked at again.
        for waiter in [each for each in self._waiters.values() if each.demand_w <= highest_w]:
            demand_w, eligible = waiter.demand_w, waiter.eligible
            known_w = min(too_much_w.get(eligible, math.inf), highest_w + 1)
            if known_w <= demand_w or (eligible and not waiter.fits(free_w)):
                continue
            earlier = (other for other in overdue if other.number < waiter.number)  # for most it is not read
            target = None if hopeless(waiter) else choose(waiter, _settle(earlier, outlook))
            if target is None:
                too_much_w[eligible] = demand_w
                continue
            self.leave(waiter)
            served.append(waiter)
            highest_w = max(free_w.values(), default=0)
            passed = (each for each in self._waiters.values() if each.number < waiter.number)
            passes.update(each.number for each in passed if each.suits(target, outlook.capacities))
            overdue = self._overdue(passes, outlook)
        return served

    def _overdue(self, passes: collections.Counter[int], outlook: Outlook) -> list[Waiter]:
        """Return who was passed too often, with `passes` in this look, each with a home if there is one for it.

        Homes are given here to all of them, so that they don't depend on which later waiters are tried.
        """
        often = {number: each for number, each in self._waiters.items() if each.passes >= MOST_PASSES}
        for number, count in passes.items():
            if (waiter := self._waiters.get(number)) and waiter.passes + count >= MOST_PASSES:
                often[number] = waiter
        overdue = [waiter for _, waiter in sorted(often.items())]
        _settle(overdue, outlook)
        return overdue


def _settle(overdue: Iterable[Waiter], outlook: Outlook) -> set[str]:
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
