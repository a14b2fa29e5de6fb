"""By how much the base loads of a fleet are expected to change: what a refused request is told goes by it.

Pure: time comes as seconds of a monotonic clock. Counted is the base load by which placement compares peaks, and the upper bound where a
substation keeps room for the base load to come, because it admits by that (substation/outlook.py).
"""

from collections.abc import Sequence

from balancer.fleet.member import Member
from balancer.forecast.calendar_days import SLOT_MS
from balancer.placing.predictive.grid_time import GridTime
from balancer.placing.predictive.peaks import BaseForecast, Outlook

KEPT_SLOTS = 16  # quarter hours for which a substation with ADMIT=forecast keeps room


class BaseCourse:
    """The base loads to come by an outlook, whose time is known, as seen at a moment."""

    def __init__(self, outlook: Outlook, time: GridTime, now_s: float) -> None:
        self._outlook = outlook
        self._time = time
        self._slot = time.slot_at(now_s)

    def rises(self, member: Member) -> Sequence[tuple[float, float]]:
        """Return by how many watts the base load of a substation will be higher than now, from which moments on.

        Empty without a forecast. What is kept for the base load to come counts as base load now.
        """
        forecast = self._forecast(member)
        if not forecast:
            return ()
        first, now_w = self._slot + 1, _now_w(member)
        coming = forecast.watts[first - forecast.first_slot :]
        start_s, more_s = self._time.start_s(first), self._time.wall_s(SLOT_MS)
        return [(start_s + number * more_s, base_w - now_w) for number, base_w in enumerate(coming)]

    def rise_w(self, member: Member, at_s: float) -> float:
        """Return by how many watts it will be higher at a moment; 0 without a forecast."""
        forecast, slot = self._forecast(member), self._time.slot_at(at_s)
        return forecast.at(slot) - _now_w(member) if forecast and slot > self._slot else 0.0

    def wall_s(self, grid_ms: int) -> float:
        """Return the seconds that a span of grid time takes."""
        return self._time.wall_s(grid_ms)

    def least_stay_s(self, member: Member) -> float:
        """Return for how long there must be room at a substation, whatever the stay is."""
        return self._time.start_s(KEPT_SLOTS) - self._time.start_s(0) if member.report.kept_w else 0.0

    def _forecast(self, member: Member) -> BaseForecast | None:
        bases = self._outlook.upper if member.report.kept_w else self._outlook.forecasts
        forecast = bases.get(member.report.substation_id)
        return forecast if forecast and forecast.covers(self._slot + 1) else None


def _now_w(member: Member) -> int:
    return member.report.base_load_w + member.report.kept_w
