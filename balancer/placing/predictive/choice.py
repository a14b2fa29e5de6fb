"""Chooses the substation whose peak over the stay of a car will be lowest, with some weight on its load of this moment.

Pure: time comes as seconds of a monotonic clock, randomness is an argument.

    cost = max over the stay of (base load forecast + known plans + power of the car) / limit
         + NOW_SHARE * (load now + power of the car) / limit

The second term decides where the peak is equal, as it is when the peak is now. Simulated over 14 days
(docs/explanation/forecast.md).
"""

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from balancer.fleet.member import Candidate, Demand, Member
from balancer.placing.predictive.grid_time import GridTime, clock_label
from balancer.placing.predictive.peaks import BaseForecast, Peaks, last_slot, peak

NOW_SHARE = 0.25
DISTRUSTED_SHARE = 1 / 3  # of the fleet: with so many that have no good forecast, the forecasts are not used


class Random(Protocol):
    """The one thing that is needed of a random generator."""

    def random(self) -> float:
        """Return a float in [0, 1)."""


@dataclasses.dataclass(slots=True)
class Outlook:
    """The forecasts of a fleet, as they are now. `time` is None until the grid's time is known.

    `distrusted` are the substations whose forecast was worse of late than to say that nothing changes.
    """

    time: GridTime | None = None
    forecasts: Mapping[str, BaseForecast] = dataclasses.field(default_factory=dict)
    distrusted: frozenset[str] = frozenset()


class ForecastChoice:
    """Chooses among the members of a fleet by its outlook, which is replaced each quarter hour."""

    def __init__(self, members: Mapping[str, Member]) -> None:
        self.outlook = Outlook()
        self._members = members
        self._peaks: dict[str, Peaks] = {}
        self._slot = -1
        self._doubt: tuple[int, int, str] | None = None  # by the quarter hour and the number of members

    def show(self, outlook: Outlook) -> None:
        """Choose by another outlook from now on."""
        self.outlook, self._doubt = outlook, None
        self._peaks.clear()

    def doubt(self, now_s: float) -> str:
        """Return in words why the forecasts are not used; '' when they are."""
        time = self.outlook.time
        if not time:
            return "the grid's time is not known yet"
        slot, known = time.slot_at(now_s), len(self._members)
        if not self._doubt or self._doubt[:2] != (slot, known):
            bad = self._without_good_forecast(slot)
            many = bad and bad >= DISTRUSTED_SHARE * known
            self._doubt = (slot, known, f"{bad} of {known} substations have no good forecast" if many else "")
        return self._doubt[2]

    def choose(
        self, candidates: Sequence[Candidate], usable: Callable[[str], bool], rng: Random, demand: Demand
    ) -> str | None:
        """Return the usable candidate with the lowest cost, ties at random; None when none is usable.

        The load now is a bound: the peak is not below it. So most candidates of a large fleet are passed over without
        a look at their peaks. The outlook must have the grid's time.
        """
        time = self._time
        slot, power_w = time.slot_at(demand.now_s), demand.power_w
        if slot != self._slot:
            self._slot = slot
            self._peaks.clear()
        count = last_slot(time, demand.now_s + time.wall_s(demand.stay_ms)) - slot
        lowest, equal, members = math.inf, list[str](), self._members
        for utilization, name in candidates:
            if utilization * (1 + NOW_SHARE) > lowest:
                continue
            member = members[name]
            highest = utilization
            if count > 0:
                peak_w = self._peak_w(name, member, count) + member.outstanding_w + power_w
                highest = max(highest, peak_w / member.report.capacity_w)
            cost = highest + NOW_SHARE * utilization
            if cost <= lowest and usable(name):
                equal = [*equal, name] if cost == lowest else [name]
                lowest = cost
        return equal[int(rng.random() * len(equal))] if equal else None

    def explain(self, name: str, demand: Demand) -> str:
        """Return the expected peak of a substation with a car in words, such as `peak 91 % at 18:30`."""
        time, member = self._time, self._members[name]
        until_s = demand.now_s + time.wall_s(demand.stay_ms)
        found = peak(member, self.outlook.forecasts.get(name), time, demand.now_s, until_s)
        share = (found.watts + demand.power_w) / member.report.capacity_w
        return f"peak {share:.0%} {'now' if found.slot is None else f'at {clock_label(found.slot)}'}".replace(
            "%", " %"
        )

    @property
    def _time(self) -> GridTime:
        assert self.outlook.time, "asked before the grid's time is known"
        return self.outlook.time

    def _peak_w(self, name: str, member: Member, count: int) -> float:
        peaks = self._peaks.get(name)
        if peaks is None or peaks.report is not member.report:
            peaks = Peaks(member, self.outlook.forecasts.get(name), self._time, self._slot + 1)
            self._peaks[name] = peaks
        watts = peaks.watts
        return watts[count - 1] if count <= len(watts) else peaks.until(count)

    def _without_good_forecast(self, slot: int) -> int:
        """Return how many members have none for the next quarter hour, or one that is distrusted."""
        forecasts, distrusted = self.outlook.forecasts, self.outlook.distrusted
        good = sum(
            name in self._members and name not in distrusted and forecast.covers(slot + 1)
            for name, forecast in forecasts.items()
        )
        return len(self._members) - good
