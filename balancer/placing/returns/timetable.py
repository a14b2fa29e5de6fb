"""The promises of one substation: which request comes back when, and the power that this leaves free.

Pure: time comes as seconds of a monotonic clock. A promise takes its power from the moment at which
there is room for it until the end of its plan, which begins at the moment in Retry-After.
"""

import bisect
import dataclasses
import heapq
import itertools
import math
from collections.abc import Callable, Sequence

Opening = tuple[float, float]  # from this moment on so many watts are free


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Promise:
    """One request that will come back to `target` at `at_s`; `number` is the order of the first refusals.

    `changes` is the power that it will take and give back: pairs of (moment, watts freed), the first one
    negative. Its room is expected from `due_from_s` on. One that `waits` in the waiting room does not have
    to come back.
    """

    who: str
    number: int
    target: str
    at_s: float
    demand_w: int
    due_from_s: float
    changes: tuple[tuple[float, float], ...]
    waits: bool = False


class Timetable:
    """The promises of one substation, in the order of their moments."""

    def __init__(self) -> None:
        self.promises: list[Promise] = []
        self._changes: list[tuple[float, float]] = []  # of all of them, sorted
        self._last = 0  # the highest number that any of them ever had

    def add(self, promise: Promise) -> None:
        """Add a promise."""
        bisect.insort(self.promises, promise, key=_moment)
        for change in promise.changes:
            bisect.insort(self._changes, change)
        self._last = max(self._last, promise.number)

    def drop(self, promise: Promise) -> None:
        """Remove a promise."""
        index = bisect.bisect_left(self.promises, promise.at_s, key=_moment)
        while self.promises[index] is not promise:
            index += 1
        del self.promises[index]
        for change in promise.changes:
            del self._changes[bisect.bisect_left(self._changes, change)]

    def first_fit_s(
        self, openings: Sequence[Opening], demand_w: int, stay_s: float, before: float
    ) -> float | None:
        """Return the first moment from which `demand_w` stays free for `stay_s`; None if there is none.

        `openings` is the power that the substation's own plans leave free, from now on. Only promises numbered
        below `before` count.
        """
        since_s, free_w = openings[0][0], float(openings[0][1])
        freed = ((s, after - before) for (_, before), (s, after) in itertools.pairwise(openings))
        start_s: float | None = None
        for moment_s, freed_w in sorted([*freed, *self._changes_before(before)]):
            if moment_s > since_s:  # until then `free_w` was free
                if free_w < demand_w:
                    start_s = None
                elif start_s is None:
                    start_s = since_s
                if start_s is not None and moment_s >= start_s + stay_s:
                    return start_s
                since_s = moment_s
            free_w += freed_w
        if free_w < demand_w:
            return None
        return since_s if start_s is None else start_s

    def near(self, at_s: float) -> int:
        """Return how many callers return in the same second."""
        first = bisect.bisect_left(self.promises, at_s - 0.5, key=_moment)
        return bisect.bisect_right(self.promises, at_s + 0.5, key=_moment) - first

    def _changes_before(self, number: float) -> list[tuple[float, float]]:
        if number > self._last:
            return self._changes
        return [change for promise in self.promises if promise.number < number for change in promise.changes]


def room_beside(
    ahead: Sequence[Promise], free_w_at: Callable[[float], float], now_s: float, share: float
) -> float:
    """Return how many watts may be taken now so that the promises `ahead` still fit, each at its moment.

    It is infinite where they set no limit. `free_w_at` returns the power that plans leave free at a moment. They are in the order of their moments; `share` of them is expected to
    come. Each further promise, and time that passes between two points of the schedule, only makes it less.
    """
    room_w = math.inf
    free_w, ahead_w = free_w_at(now_s), 0
    taken_w, freed = 0.0, list[tuple[float, float]]()  # by those promises: until a moment, and freed after it
    for promise in ahead:
        ahead_w += promise.demand_w
        if now_s < promise.due_from_s and ahead_w <= free_w:
            continue  # there is room for it now, which no plan predicted: don't keep power idle for it
        while freed and freed[0][0] <= promise.at_s:
            taken_w -= heapq.heappop(freed)[1]
        taken_w += promise.demand_w
        left_w = free_w_at(max(promise.at_s, now_s)) - taken_w * share
        room_w = min(room_w, left_w, free_w)
        for change in promise.changes[1:]:
            heapq.heappush(freed, change)
    return room_w


def _moment(promise: Promise) -> float:
    return promise.at_s
