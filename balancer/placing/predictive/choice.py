"""Chooses the substation whose peak over the stay of a car will be lowest, with some weight on its load of this moment.

Pure: time comes as seconds of a monotonic clock, randomness is an argument.

    cost = max over the stay of (base load forecast + known plans + power of the car) / limit
         + NOW_SHARE * (load now + power of the car) / limit

The forecast counts half of the way from its mean to its upper bound (docs/adr/0041). The second term decides where the peak is equal, as it is when the
peak is now. Simulated over 14 days (docs/explanation/forecast.md).
"""

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from balancer.fleet.member import Candidate, Demand, Member
from balancer.placing.predictive.grid_time import GridTime, clock_label
from balancer.placing.predictive.peaks import BaseForecast, Peaks, last_slot
from balancer.placing.predictive.shadow import Shadow

NOW_SHARE = 0.25
DISTRUSTED_SHARE = 1 / 3  # of the fleet: with so many that have no good forecast, the forecasts are not used


class Random(Protocol):
    """The one thing that is needed of a random generator."""

    def random(self) -> float:
        """Return a float in [0, 1)."""


@dataclasses.dataclass(slots=True)
class Outlook:
    """The forecasts of a fleet, as they are now. `time` is None until the grid's time is known.

    `forecasts` are those by which peaks are compared, between the mean of each quarter hour and its upper bound, p90.
    `distrusted` are the substations whose forecast was worse of late than to say that nothing changes.
    """

    time: GridTime | None = None
    forecasts: Mapping[str, BaseForecast] = dataclasses.field(default_factory=dict)
    distrusted: frozenset[str] = frozenset()
    means: Mapping[str, BaseForecast] = dataclasses.field(default_factory=dict)
    upper: Mapping[str, BaseForecast] = dataclasses.field(default_factory=dict)


class ForecastChoice:
    """Chooses among the members of a fleet by its outlook, which is replaced each quarter hour."""

    def __init__(self, members: Mapping[str, Member]) -> None:
        self.outlook = Outlook()
        self.shadow = Shadow(members)
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
        count, power_w = self._steps(demand), demand.power_w
        bound, lowest, equal = 1 + NOW_SHARE, math.inf, list[str]()
        known = self._peaks.get
        # Each decision runs this loop over much of the fleet, so it does little.
        for utilization, name in candidates:
            if utilization * bound > lowest:
                continue
            highest = utilization
            if count > 0:
                peaks = known(name)
                if peaks is None or peaks.report is not peaks.member.report:
                    peaks = self._fresh(name)
                watts = peaks.watts
                peak_w = watts[count - 1] if count <= len(watts) else peaks.until(count)
                share = (peak_w + peaks.member.outstanding_w + power_w) / peaks.capacity_w
                highest = max(highest, share)
            cost = highest + NOW_SHARE * utilization
            if cost <= lowest and usable(name):
                equal = [*equal, name] if cost == lowest else [name]
                lowest = cost
        return equal[int(rng.random() * len(equal))] if equal else None

    def stay_s(self, demand: Demand) -> float:
        """Return for how many seconds a car stays."""
        return self._time.wall_s(demand.stay_ms)

    def explain(self, name: str, demand: Demand) -> str:
        """Return the expected peak of a substation with a car in words, such as `peak 91 % at 18:30`."""
        member = self._members[name]
        highest_w, when = member.estimate_w(demand.now_s), "now"
        if (count := self._steps(demand)) > 0:
            peaks = self._fresh(name)
            if (peak_w := peaks.until(count) + member.outstanding_w) > highest_w:
                highest_w, when = peak_w, f"at {clock_label(peaks.slots[count - 1])}"
        share = (highest_w + demand.power_w) / member.report.capacity_w
        return f"peak {share * 100:.0f} % {when}"

    def _steps(self, demand: Demand) -> int:
        """Return how many quarter hours start during a stay; those of the past are dropped."""
        time = self._time
        slot = time.slot_at(demand.now_s)
        if slot != self._slot:
            self._slot = slot
            self._peaks.clear()
        return last_slot(time, demand.now_s + time.wall_s(demand.stay_ms)) - slot

    @property
    def _time(self) -> GridTime:
        assert self.outlook.time, "asked before the grid's time is known"
        return self.outlook.time

    def _fresh(self, name: str) -> Peaks:
        """Return the peaks by the newest report, computed as far as they were asked for."""
        peaks = self._peaks.get(name)
        if peaks is None or peaks.report is not peaks.member.report:
            forecast = self.outlook.forecasts.get(name)
            peaks = self._peaks[name] = Peaks(self._members[name], forecast, self._time, self._slot + 1)
        return peaks

    def _without_good_forecast(self, slot: int) -> int:
        """Return how many members have none for the next quarter hour, or one that is distrusted."""
        forecasts, distrusted = self.outlook.forecasts, self.outlook.distrusted
        good = sum(
            name in self._members and name not in distrusted and forecast.covers(slot + 1)
            for name, forecast in forecasts.items()
        )
        return len(self._members) - good
