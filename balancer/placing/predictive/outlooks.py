"""Keeps the outlook up to date: the grid's time from the reports, and the forecasts of all members on one calendar.

Pure: time comes with the reports. Each substation has a grid clock of its own, and they may differ, as when one was
added later. The calendar is that of the first substation by id. The forecasts of the others are moved to it by whole
quarter hours.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence

from balancer.fleet.member import Member
from balancer.forecast.calendar_days import SLOT_MS
from balancer.forecast.model import Step
from balancer.placing.predictive.choice import ForecastChoice
from balancer.placing.predictive.grid_time import MS, GridTime
from balancer.placing.predictive.peaks import SHARPNESS, BaseForecast, Outlook

P90_AT = 1.2816  # standard deviations above the mean, of a normal distribution
UNCERTAIN_SHARE = 0.4  # of the variance of a forecast that counts
LEAST_S = 5.0  # between two reports, to tell how fast grid time runs: a calendar is told in whole seconds


@dataclasses.dataclass(frozen=True, slots=True)
class Sighting:
    """A calendar time that a substation told in one of its epochs, and when that was."""

    epoch: int
    calendar_ms: int
    at_s: float


class OutlookKeeper:
    """Shows a choice the forecasts of its members."""

    def __init__(
        self,
        members: Mapping[str, Member],
        forecast: Callable[[str], Sequence[Step]],
        good: Callable[[str], bool],
        choice: ForecastChoice,
    ) -> None:
        """`forecast` returns the newest forecast of a substation, `good` whether such forecasts were good of late."""
        self._members = members
        self._forecast = forecast
        self._good = good
        self._choice = choice
        self._first: dict[str, Sighting] = {}
        self._shown: object = None

    def refresh(self) -> None:
        """Look at the newest reports and forecasts; a quarter hour that is not finished changes nothing."""
        times = {name: time for name in sorted(self._members) if (time := self._time(name))}
        forecasts = {name: steps for name in times if (steps := self._forecast(name))}
        distrusted = frozenset(name for name in forecasts if not self._good(name))
        shown = (tuple(times), {name: steps[0].slot for name, steps in forecasts.items()}, distrusted)
        if not times or shown == self._shown:
            return
        self._shown = shown
        reference = next(iter(times.values()))
        cautious, means, upper, lower = (dict[str, BaseForecast]() for _ in range(4))
        for name, steps in forecasts.items():
            first_slot = steps[0].slot - _ahead(times[name], reference)
            limit_w = max(1, self._members[name].report.capacity_w)
            cautious[name] = BaseForecast(first_slot, tuple(cautious_w(step, limit_w) for step in steps))
            means[name] = BaseForecast(first_slot, tuple(step.mean for step in steps))
            upper[name] = BaseForecast(first_slot, tuple(step.p90 for step in steps))
            lower[name] = BaseForecast(first_slot, tuple(step.p10 for step in steps))
        self._choice.show(Outlook(reference, cautious, distrusted, means, upper, lower))

    def _time(self, name: str) -> GridTime | None:
        """Return a member's grid time, when two of its reports that are far enough apart have told it."""
        member = self._members[name]
        report, at_s = member.report, member.received_s
        seen = Sighting(report.epoch, report.calendar_s * MS, at_s)
        first = self._first.get(name)
        if not report.calendar_s:
            return None
        if not first or first.epoch != seen.epoch or seen.calendar_ms < first.calendar_ms:
            self._first[name] = seen
            return None
        if at_s - first.at_s < LEAST_S or seen.calendar_ms == first.calendar_ms:
            return None
        scale = (seen.calendar_ms - first.calendar_ms) / MS / (at_s - first.at_s)
        return GridTime(seen.calendar_ms, at_s, scale)


def cautious_w(step: Step, limit_w: int) -> float:
    """Return the base load by which placement compares peaks: between the mean and p90, and the higher, the wider the band.

    As exp(SHARPNESS * u) is on average where u is normally distributed, with a share of the variance that the band shows.
    docs/adr/0066 has what else was tried.
    """
    above_w = step.p90 - step.mean
    return step.mean + min(above_w, SHARPNESS / 2 * UNCERTAIN_SHARE * (above_w / P90_AT) ** 2 / limit_w)


def _ahead(own: GridTime, reference: GridTime) -> int:
    """Return by how many quarter hours the calendar of a substation is ahead of that of another."""
    elsewhere_ms = reference.calendar_ms + (own.at_s - reference.at_s) * reference.scale * MS
    return round((own.calendar_ms - elsewhere_ms) / SLOT_MS)
