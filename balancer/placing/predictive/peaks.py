"""The highest load that a substation will probably have until a moment, by its base load's forecast and its known plans.

Pure: time comes as seconds of a monotonic clock. Known plans only free power, and a quarter hour has one forecast. So
within a quarter hour the load is highest at its start, and only the starts are looked at. This moment counts by its live
reading.
"""

import dataclasses

from balancer.fleet.member import Member, released_w
from balancer.placing.predictive.grid_time import GridTime
from substation.contract import Report


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


class Peaks:
    """The peaks of one substation from the quarter hour `first_slot` on, by one report and one forecast.

    `watts` has the peak of the first quarter hour, of the first two, and so on, as far as one was asked for; `slots` has the
    quarter hours in which these are reached. What is on its way does not count.
    """

    __slots__ = (
        "_forecast",
        "_received_s",
        "_time",
        "capacity_w",
        "first_slot",
        "member",
        "report",
        "slots",
        "watts",
    )

    def __init__(
        self,
        member: Member,
        forecast: BaseForecast | None,
        time: GridTime,
        first_slot: int,
    ) -> None:
        """Without a forecast, the base load counts as it is now."""
        self.member = member
        self.report: Report = member.report
        self.capacity_w = member.report.capacity_w
        self.first_slot = first_slot
        self.watts: list[float] = []
        self.slots: list[int] = []
        self._received_s = member.received_s
        self._forecast = forecast
        self._time = time

    def until(self, count: int) -> float:
        """Return the peak of the first `count` quarter hours, at least one."""
        watts, slots = self.watts, self.slots
        for slot in range(self.first_slot + len(watts), self.first_slot + count):
            load_w = self.load_w(slot)
            higher = not watts or load_w > watts[-1]
            watts.append(load_w if higher else watts[-1])
            slots.append(slot if higher else slots[-1])
        return watts[count - 1]

    def load_w(self, slot: int) -> float:
        """Return the load at the start of a quarter hour: base load, known plans, and what paused sessions are owed."""
        report = self.report
        base_w = self._forecast.at(slot) if self._forecast else report.base_load_w
        freed_w = released_w(report.releases_w, self._time.start_s(slot) - self._received_s)
        return base_w + report.load_w + report.owed_w - freed_w


def last_slot(time: GridTime, until_s: float) -> int:
    """Return the last quarter hour that starts before a moment."""
    slot = time.slot_at(until_s)
    return slot if time.start_s(slot) < until_s else slot - 1
