"""The demand of a plan: the power that would be reserved if every car were admitted as it arrives.

Pure. Sessions follow the same charging plan as in a substation, so the figure is in whole watts.
"""

import itertools
from collections.abc import Iterable, Sequence

from loadtest.plan.arrivals import Arrival
from loadtest.units import MS_PER_S, W_PER_KW
from substation.plan import Plan


def changes(arrival: Arrival, time_scale: float) -> list[tuple[float, int]]:
    """Return (seconds after the start, watts freed) of one car's session, if it starts as it arrives.

    `time_scale` is how many grid seconds pass in one second.
    """
    return _changes(arrival.at_s, arrival.charging(), time_scale)


def demand_kw(arrivals: Iterable[Arrival], time_scale: float, moments_s: Sequence[float]) -> list[float]:
    """Return the demand in kW at each of `moments_s`, in seconds after the start, in rising order."""
    steps = _steps(arrivals, time_scale)
    total_w, done, demand = 0, 0, []
    for moment_s in moments_s:
        while done < len(steps) and steps[done][0] <= moment_s:
            total_w += steps[done][1]
            done += 1
        demand.append(total_w / W_PER_KW)
    return demand


def peak_kw(arrivals: Iterable[Arrival], time_scale: float) -> float:
    """Return the highest demand in kW at one moment."""
    return max(itertools.accumulate(watts for _, watts in _steps(arrivals, time_scale))) / W_PER_KW


def _steps(arrivals: Iterable[Arrival], time_scale: float) -> list[tuple[float, int]]:
    """Return (seconds, watts) of every change, in order; at one moment a release comes first."""
    steps = []
    for arrival in arrivals:
        plan = arrival.charging()
        steps.append((arrival.at_s, plan.power_w))
        steps += [(at_s, -freed_w) for at_s, freed_w in _changes(arrival.at_s, plan, time_scale)]
    return sorted(steps)


def _changes(start_s: float, plan: Plan, time_scale: float) -> list[tuple[float, int]]:
    wall_s_per_ms = 1 / (MS_PER_S * time_scale)
    return [(start_s + after_ms * wall_s_per_ms, freed_w) for after_ms, freed_w in plan.releases()]
