"""By how much the base loads of a fleet are expected to change: what a refused request is told goes by it.

Pure: time comes as seconds of a monotonic clock. Who is promised a moment is promised one at which there is room by the upper bound of the
forecast, p90, so that the promise comes true. Those who come before it leave room for it by the middle of the mean and p90, or by p90 where a
substation keeps room for the base load to come, because it admits by that (substation/outlook.py). docs/adr/0070 has the measurements.
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

    @property
    def slot(self) -> int:
        """The quarter hour of this moment."""
        return self._slot

    def rises(self, member: Member) -> Sequence[tuple[float, float]]:
        """Return by how many watts the base load of a substation will be higher than now at most, from which moments on.

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
        """Return by how many watts it will probably be higher at a moment; 0 without a forecast."""
        forecast, slot = self._forecast(member), self._time.slot_at(at_s)
        if not forecast or slot <= self._slot:
            return 0.0
        upper_w, mean = forecast.at(slot), self._outlook.means.get(member.report.substation_id)
        base_w = upper_w if member.report.kept_w or not mean else (mean.at(slot) + upper_w) / 2
        return base_w - _now_w(member)

    def wall_s(self, grid_ms: int) -> float:
        """Return the seconds that a span of grid time takes."""
        return self._time.wall_s(grid_ms)

    def least_stay_s(self, member: Member) -> float:
        """Return for how long there must be room at a substation, whatever the stay is."""
        return self._time.start_s(KEPT_SLOTS) - self._time.start_s(0) if member.report.kept_w else 0.0

    def _forecast(self, member: Member) -> BaseForecast | None:
        forecast = self._outlook.upper.get(member.report.substation_id)
        return forecast if forecast and forecast.covers(self._slot + 1) else None


def _now_w(member: Member) -> int:
    return member.report.base_load_w + member.report.kept_w
