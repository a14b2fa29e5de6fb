"""The highest load that a substation will probably have until a moment, by its base load's forecast and its known plans.

Pure: time comes as seconds of a monotonic clock. Known plans only free power, and a quarter hour has one forecast. So
within a quarter hour the load is highest at its start, and only the starts are looked at. This moment counts by its live
reading.

No quarter hour comes as it was forecast, so the highest of many that are nearly as high will be higher than each of them. The peak
by which substations are compared is therefore a soft maximum (docs/adr/0066), with u the loads as shares of the limit:

    peak = limit / SHARPNESS * ln(sum of exp(SHARPNESS * u))
"""

import bisect
import dataclasses
import math
from collections.abc import Mapping

from balancer.fleet.member import NO_PEAKS, Member, released_w
from balancer.placing.predictive.grid_time import GridTime

SHARPNESS = 60  # of the soft maximum: twice as many quarter hours at the same load count as 1.2 points of the limit more


@dataclasses.dataclass(frozen=True, slots=True)
class BaseForecast:
    """The base load to come, in watts: of the quarter hour `first_slot`, and of those after it."""

    first_slot: int
    watts: tuple[float, ...]

    def at(self, slot: int) -> float:
        """Return the watts in a quarter hour; before the first one it counts, and after the last one that."""
        return self.watts[min(max(slot - self.first_slot, 0), len(self.watts) - 1)]

    def covers(self, slot: int) -> bool:
        """Whether a quarter hour is among those that were forecast."""
        return 0 <= slot - self.first_slot < len(self.watts)


@dataclasses.dataclass(slots=True)
class Outlook:
    """The forecasts of a fleet, as they are now. `time` is None until the grid's time is known.

    `forecasts` are those by which peaks are compared, between the mean of each quarter hour and its upper bound, p90: the
    wider the band, the nearer to p90.
    `distrusted` are the substations whose forecast was worse of late than to say that nothing changes.
    """

    time: GridTime | None = None
    forecasts: Mapping[str, BaseForecast] = dataclasses.field(default_factory=dict)
    distrusted: frozenset[str] = frozenset()
    means: Mapping[str, BaseForecast] = dataclasses.field(default_factory=dict)
    upper: Mapping[str, BaseForecast] = dataclasses.field(default_factory=dict)
    lower: Mapping[str, BaseForecast] = dataclasses.field(default_factory=dict)


class Peaks:
    """The peaks of a fleet's members from the quarter hour `first_slot` on, by their newest reports and forecasts.

    A member keeps them until its next report. Its `peaks_w` are the peak of the next quarter hour, of the next two, and so on,
    as far as they were asked for, by the soft maximum; its `highest_w` are the highest quarter hour of each such span. Its
    `least_peaks` are a lower bound of the peaks for each such span of a day, as a share of its limit. What is on its way does not count.
    """

    def __init__(self, members: Mapping[str, Member], outlook: Outlook, first_slot: int) -> None:
        """A member without a forecast counts with its base load of now."""
        self.first_slot = first_slot
        self._outlook = outlook
        for member in members.values():
            # They were those of another quarter hour, or of another outlook.
            member.peaks_w, member.highest_w, member.least_peaks = (), (), NO_PEAKS

    def until(self, member: Member, count: int) -> float:
        """Return the peak of the first `count` quarter hours, at least one, by the soft maximum."""
        if count > len(member.peaks_w):
            limit_w = member.report.capacity_w
            watts, highest_w = list(member.peaks_w), list(member.highest_w)
            for slot in range(self.first_slot + len(watts), self.first_slot + count):
                load_w = self._load_w(member, slot)
                watts.append(_either_w(watts[-1], load_w, limit_w) if watts else load_w)
                highest_w.append(max(highest_w[-1], load_w) if highest_w else load_w)
            shares = [each_w / limit_w for each_w in watts[: len(NO_PEAKS)]]
            more = [shares[-1]] * (len(NO_PEAKS) - len(shares))
            member.peaks_w, member.highest_w, member.least_peaks = watts, highest_w, shares + more
        return member.peaks_w[count - 1]

    def highest_w(self, member: Member, count: int) -> float:
        """Return the highest load of the first `count` quarter hours, at least one."""
        if count > len(member.highest_w):
            self.until(member, count)
        return member.highest_w[count - 1]

    def slot(self, member: Member, highest_w: float) -> int:
        """Return the first quarter hour in which the load is as high as `highest_w`, which was found before."""
        return self.first_slot + bisect.bisect_left(member.highest_w, highest_w)

    def _load_w(self, member: Member, slot: int) -> float:
        assert self._outlook.time, "asked before the grid's time is known"
        forecast = self._outlook.forecasts.get(member.report.substation_id)
        return load_w(member, forecast, self._outlook.time, slot)


def load_w(member: Member, forecast: BaseForecast | None, time: GridTime, slot: int) -> float:
    """Return the load at the start of a quarter hour: base load, known plans, and what paused sessions are owed.

    Without a forecast, the base load counts as it is now.
    """
    report = member.report
    base_w = forecast.at(slot) if forecast else report.base_load_w
    freed_w = released_w(report.releases_w, time.start_s(slot) - member.received_s)
    return base_w + report.load_w + report.owed_w - freed_w


def _either_w(first_w: float, second_w: float, limit_w: int) -> float:
    """Return the soft maximum of two loads; neither less than the higher one, nor more than ln(2) / SHARPNESS of the limit above it."""
    higher_w, apart = max(first_w, second_w), abs(first_w - second_w) * SHARPNESS / limit_w
    return higher_w + limit_w / SHARPNESS * math.log1p(math.exp(-apart))


def last_slot(time: GridTime, until_s: float) -> int:
    """Return the last quarter hour that starts before a moment."""
    slot = time.slot_at(until_s)
    return slot if time.start_s(slot) < until_s else slot - 1
