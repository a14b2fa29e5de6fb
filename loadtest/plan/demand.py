"""What a plan asks of the fleet: the power that would be reserved if every car were admitted at once.

Pure. Sessions follow the same charging plan as in a substation, so the figure is in whole watts.
"""

import itertools
from collections.abc import Iterable, Sequence

from loadtest.plan.arrivals import Arrival

W_PER_KW = 1_000
MS_PER_S = 1_000


def changes(arrival: Arrival, time_scale: float) -> list[tuple[float, int]]:
    """Return (seconds after the start, watts freed) of one car's session, if it starts as it arrives.

    `time_scale` is how many grid seconds pass in one second.
    """
    wall_s_per_ms = 1 / (MS_PER_S * time_scale)
    return [
        (arrival.at_s + after_ms * wall_s_per_ms, freed_w)
        for after_ms, freed_w in arrival.charging().releases()
    ]


def asked_kw(arrivals: Iterable[Arrival], time_scale: float, moments_s: Sequence[float]) -> list[float]:
    """Return the kW asked for at each of `moments_s`, which rise, in seconds after the start."""
    steps = _steps(arrivals, time_scale)
    total_w, done, asked = 0, 0, []
    for moment_s in moments_s:
        while done < len(steps) and steps[done][0] <= moment_s:
            total_w += steps[done][1]
            done += 1
        asked.append(total_w / W_PER_KW)
    return asked


def peak_kw(arrivals: Iterable[Arrival], time_scale: float) -> float:
    """Return the highest power in kW that is asked for at one moment."""
    return max(itertools.accumulate(watts for _, watts in _steps(arrivals, time_scale))) / W_PER_KW


def _steps(arrivals: Iterable[Arrival], time_scale: float) -> list[tuple[float, int]]:
    """Return (seconds, watts) of every change, in order; at one moment a release comes first."""
    steps = []
    for arrival in arrivals:
        steps.append((arrival.at_s, arrival.charging().power_w))
        steps += [(at_s, -freed_w) for at_s, freed_w in changes(arrival, time_scale)]
    return sorted(steps)
