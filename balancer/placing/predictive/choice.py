"""Chooses the substation whose peak over the stay of a car will be lowest, with some weight on its load of this moment.

Pure: time comes as seconds of a monotonic clock, randomness is an argument.

    cost = max over the stay of (base load forecast + known plans + power of the car) / limit
         + NOW_SHARE * (load now + power of the car) / limit

The maximum over the quarter hours to come is a soft one, and the forecast counts between its mean and its upper bound (docs/adr/0066). Where
the load of now is higher than that, it is the peak. The second term decides where the peak is equal, as it is when the peak is now. Simulated
over 14 days (docs/explanation/forecast.md).
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from balancer.fleet.candidates import FULL, Candidates, utilizations
from balancer.fleet.member import NO_PEAKS, Demand, Member
from balancer.placing.predictive.grid_time import GridTime, clock_label
from balancer.placing.predictive.peaks import Outlook, Peaks, last_slot
from balancer.placing.predictive.shadow import Shadow

NOW_SHARE = 0.5
BOUND = 1 + NOW_SHARE  # the cost is at least so many times the utilization with the car
FEW = 10  # so many candidates are looked at without a bar
SLACK = 1 + 1e-9  # for the rounding of a division
ROUNDING_S = 1e-6  # for that of a moment
NEVER = (math.inf, -math.inf)
DISTRUSTED_SHARE = 1 / 3  # of the fleet: with so many that have no good forecast, the forecasts are not used

# Whether a substation may be asked now. Finding that out takes ten times as long as to look at a candidate, so a policy
# does it only for those that it would choose.
Usable = Callable[[str], bool]
Row = tuple[float, Member, str]  # the utilization of a candidate with the demand, the candidate, and its id


class Random(Protocol):
    """The one thing that is needed of a random generator."""

    def random(self) -> float:
        """Return a float in [0, 1)."""


class ForecastChoice:
    """Chooses among the members of a fleet by its outlook, which is replaced each quarter hour."""

    def __init__(self, members: Mapping[str, Member]) -> None:
        self.outlook = Outlook()
        self.shadow = Shadow(members)
        self._members = members
        self._peaks = Peaks(members, self.outlook, -1)
        self._counted: tuple[Demand | None, int] = (None, 0)  # the last demand, and its quarter hours
        self._last = ""  # that was chosen
        self._doubt: tuple[int, int, str] | None = None  # by the quarter hour and the number of members
        self._slot, self._within_s = 0, NEVER  # the last quarter hour, and the moments that are surely in it

    def show(self, outlook: Outlook) -> None:
        """Choose by another outlook from now on."""
        self.outlook, self._doubt, self._counted, self._within_s = outlook, None, (None, 0), NEVER
        self._peaks = Peaks(self._members, outlook, -1)

    def doubt(self, now_s: float) -> str:
        """Return in words why the forecasts are not used; '' when they are."""
        if not self.outlook.time:
            return "the grid's time is not known yet"
        slot, known = self._slot_at(now_s), len(self._members)
        if not self._doubt or self._doubt[:2] != (slot, known):
            bad = self._without_good_forecast(slot)
            many = bad and bad >= DISTRUSTED_SHARE * known
            self._doubt = (slot, known, f"{bad} of {known} substations have no good forecast" if many else "")
        return self._doubt[2]

    def choose(self, candidates: Candidates, usable: Usable, rng: Random, demand: Demand) -> str | None:
        """Return the usable candidate with the lowest cost, ties at random; None when none is usable.

        The outlook must have the grid's time. The lowest cost is at most that of the candidate with the lowest load, and of
        the one that was chosen last. With that as a bar most candidates of a large fleet are passed over: their loads of now,
        or their peaks as far as they are known, are too high.
        """
        candidates = candidates if candidates.shares else candidates.whole
        lowest = min(candidates.shares, default=math.inf)
        least = min(lowest, candidates.bar)
        if least > FULL:
            return None
        count, bar = self._steps(demand), math.inf
        if len(candidates.names) > FEW:
            bar, _ = self._cheapest(self._first(candidates, lowest, demand), usable, demand, count, math.inf)
        rows = _promising(candidates, demand, least, bar, count)
        _, equal = self._cheapest(rows, usable, demand, count, bar)
        if not equal:  # where some are left out, the one that was chosen last may not take cars any more
            return self.choose(candidates.whole, usable, rng, demand) if candidates.pool else None
        self._last = chosen = equal[int(rng.random() * len(equal))]
        return chosen

    def _first(self, candidates: Candidates, lowest: float, demand: Demand) -> list[Row]:
        """Return the least loaded of the candidates, and the one that was chosen last, those of them that have room."""
        names, shares, members = candidates.names, candidates.shares, candidates.members
        at = shares.index(lowest)
        rows, last = [(shares[at], members[at], names[at])], self._members.get(self._last)
        if last and candidates.pool:
            (share,) = utilizations((last,), demand.power_w, demand.now_s)
            rows.append((share, last, self._last))
        elif last and self._last in names:
            at = names.index(self._last)
            rows.append((shares[at], last, self._last))
        return [row for row in rows if row[0] <= FULL]

    def _cheapest(
        self, rows: Sequence[Row], usable: Usable, demand: Demand, count: int, lowest: float
    ) -> tuple[float, list[str]]:
        """Return the lowest cost of usable ones that is not above `lowest`, and who has it.

        `count` quarter hours start during the stay.
        """
        equal, power_w, peaks = list[str](), demand.power_w, self._peaks
        # Each decision runs this loop over much of the fleet, so it does little.
        for utilization, member, name in rows:
            if utilization * BOUND > lowest:
                continue
            highest = utilization
            if count > 0:
                watts = member.peaks_w
                peak_w = watts[count - 1] if count <= len(watts) else peaks.until(member, count)
                share = (peak_w + member.outstanding_w + power_w) / member.report.capacity_w
                highest = max(highest, share)
            cost = highest + NOW_SHARE * utilization
            if cost <= lowest and usable(name):
                equal = [*equal, name] if cost == lowest else [name]
                lowest = cost
        return lowest, equal

    def stay_s(self, demand: Demand) -> float:
        """Return for how many seconds a car stays."""
        return self._time.wall_s(demand.stay_ms)

    def explain(self, name: str, demand: Demand) -> str:
        """Return the expected peak of a substation with a car in words, such as `peak 91 % at 18:30`."""
        member, count = self._members[name], self._steps(demand)
        highest_w, when = member.estimate_w(demand.now_s), "now"
        if count > 0:
            later_w = self._peaks.highest_w(member, count)
            if later_w + member.outstanding_w > highest_w:
                highest_w = later_w + member.outstanding_w
                when = f"at {clock_label(self._peaks.slot(member, later_w))}"
        share = (highest_w + demand.power_w) / member.report.capacity_w
        return f"peak {share * 100:.0f} % {when}"

    def _steps(self, demand: Demand) -> int:
        """Return how many quarter hours start during a stay; those of the past are dropped."""
        if demand is not self._counted[0]:
            time = self._time
            slot = self._slot_at(demand.now_s)
            if slot + 1 != self._peaks.first_slot:
                self._peaks = Peaks(self._members, self.outlook, slot + 1)
            self._counted = demand, last_slot(time, demand.now_s + time.wall_s(demand.stay_ms)) - slot
        return self._counted[1]

    def _slot_at(self, now_s: float) -> int:
        """Return the quarter hour in which a moment is; most decisions are in that of the one before."""
        since_s, until_s = self._within_s
        if not since_s < now_s < until_s:
            time = self._time
            self._slot = slot = time.slot_at(now_s)
            self._within_s = time.start_s(slot) + ROUNDING_S, time.start_s(slot + 1) - ROUNDING_S
        return self._slot

    @property
    def _time(self) -> GridTime:
        assert self.outlook.time, "asked before the grid's time is known"
        return self.outlook.time

    def _without_good_forecast(self, slot: int) -> int:
        """Return how many members have none for the next quarter hour, or one that is distrusted."""
        forecasts, distrusted = self.outlook.forecasts, self.outlook.distrusted
        good = sum(
            name in self._members and name not in distrusted and forecast.covers(slot + 1)
            for name, forecast in forecasts.items()
        )
        return len(self._members) - good


def _promising(candidates: Candidates, demand: Demand, least: float, bar: float, count: int) -> list[Row]:
    """Return the rows with room whose cost may be not above `bar`; `least` is the lowest utilization."""
    most = min(FULL, bar / BOUND * SLACK)
    # A peak that is higher costs more than `bar`, because the load of now is at least `least`.
    highest, last = (bar - NOW_SHARE * least) * SLACK, min(count, len(NO_PEAKS)) - 1
    if candidates.pool and count > 0 and bar < math.inf:
        near = [member for member in candidates.pool.members if member.least_peaks[last] <= highest]
        shares = utilizations(near, demand.power_w, demand.now_s)
        return [
            (share, member, member.report.substation_id)
            for share, member in zip(shares, near, strict=True)
            if share <= most
        ]
    if most >= candidates.bar:
        candidates = candidates.whole
    rows = zip(candidates.shares, candidates.members, candidates.names, strict=True)
    if count <= 0 or bar == math.inf:
        return [row for row in rows if row[0] <= most]
    return [row for row in rows if row[1].least_peaks[last] <= highest and row[0] <= most]
