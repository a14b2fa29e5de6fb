"""The oracle: places the same plan with exact and immediate knowledge of every load.

It joins the shortest queue: each car goes to the substation that would be the least utilized with it,
among those that the car can use, that are not drained, and that have room; at equal utilization to the
first by name. A car for which there is no room is refused and does not come back. Nothing takes time, and
nothing is estimated. So the oracle shows the best that placing one car after the other can reach; it is not a proven optimum.

Pure. Loads follow the same charging plan as in a substation. Rule: no load ever exceeds its capacity, with its base load.
"""

import dataclasses
import heapq
from collections.abc import Mapping, Sequence

from loadtest.plan.arrivals import Arrival
from loadtest.plan.demand import changes


@dataclasses.dataclass(frozen=True, slots=True)
class Drain:
    """A substation that takes no new session from `at_s` on, in seconds after the start."""

    substation_id: str
    at_s: float


@dataclasses.dataclass(frozen=True, slots=True)
class Replay:
    """The loads in watts at each of the moments, and the substation of each car (None: refused)."""

    loads_w: tuple[Mapping[str, int], ...]
    placed: tuple[str | None, ...]

    @property
    def refused(self) -> int:
        """How many cars were refused."""
        return self.placed.count(None)


class _Fleet:
    """The loads of all substations over time."""

    def __init__(self, capacity_w: Mapping[str, float], time_scale: float, drain: Drain | None) -> None:
        self.load_w = dict.fromkeys(sorted(capacity_w), 0)
        self.base_w: Mapping[str, float] = {}
        self._capacity_w = capacity_w
        self._time_scale = time_scale
        self._drain = drain
        self._due: list[tuple[float, str, int]] = []

    def advance(self, now_s: float) -> None:
        """Free the power that the sessions give back up to a moment."""
        while self._due and self._due[0][0] <= now_s:
            _, substation_id, freed_w = heapq.heappop(self._due)
            self.load_w[substation_id] -= freed_w

    def place(self, arrival: Arrival) -> str | None:
        """Place a car at its moment; returns its substation, None when it is refused."""
        self.advance(arrival.at_s)
        demand_w = arrival.charging().power_w
        after_w = {
            each: load_w + self.base_w.get(each, 0.0) + demand_w for each, load_w in self.load_w.items()
        }
        fitting = [
            (watts / self._capacity_w[each], each)
            for each, watts in after_w.items()
            if self._takes(each, arrival) and watts <= self._capacity_w[each]
        ]
        if not fitting:
            return None
        _, chosen = min(fitting)
        self.load_w[chosen] += demand_w
        for at_s, freed_w in changes(arrival, self._time_scale):
            heapq.heappush(self._due, (at_s, chosen, freed_w))
        return chosen

    def _takes(self, substation_id: str, arrival: Arrival) -> bool:
        drained = self._drain is not None and self._drain.substation_id == substation_id
        if drained and self._drain is not None and arrival.at_s >= self._drain.at_s:
            return False
        return arrival.only in {None, substation_id}


def replay(
    arrivals: Sequence[Arrival],
    capacity_w: Mapping[str, float],
    time_scale: float,
    moments_s: Sequence[float],
    drain: Drain | None = None,
    base_w: Sequence[Mapping[str, float]] = (),
) -> Replay:
    """Place `arrivals`, which are in order of time, in an empty fleet.

    Args:
        arrivals: The cars; those after the last moment are left out.
        capacity_w: The limit of each substation in watts, by its id.
        time_scale: How many grid seconds pass in one second.
        moments_s: The moments of the loads, in rising order, in seconds after the start.
        drain: The substation that is drained, if one is.
        base_w: The base loads by substation, one mapping for each moment, which holds from the moment before on.

    Returns:
        The loads at each moment, with the cars that arrive at it.
    """
    fleet = _Fleet(capacity_w, time_scale, drain)
    placed: list[str | None] = []
    loads_w = []
    for number, moment_s in enumerate(moments_s):
        fleet.base_w = base_w[number] if base_w else {}
        while len(placed) < len(arrivals) and arrivals[len(placed)].at_s <= moment_s:
            placed.append(fleet.place(arrivals[len(placed)]))
        fleet.advance(moment_s)
        loads_w.append(dict(fleet.load_w))
    return Replay(tuple(loads_w), tuple(placed))
