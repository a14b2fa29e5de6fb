"""Means by the quarter hour, from readings that come every second or so.

Pure. A quarter hour is finished when a reading of a later one comes. One without readings stays missing; so does the base
load of one where no reading had it. A quarter hour in which the balancer was started counts from the start.
"""

import dataclasses

from balancer.forecast.calendar_days import SLOT_MS
from substation.contract import Report


@dataclasses.dataclass(frozen=True, slots=True)
class Reading:
    """The load of a substation at one moment.

    `calendar_ms` is grid time since 00:00 of a Monday. `base_load_w` is None where the substation does not report it, and while
    its meter is silent: what it assumes then may be a forecast, from which nothing can be learned.
    """

    substation_id: str
    calendar_ms: int
    cars_load_w: int
    base_load_w: int | None = None


def reading_of(report: Report) -> Reading | None:
    """Return the reading that a report holds; None where the substation does not tell its calendar time."""
    if not report.calendar_s:
        return None
    base_load_w = None if report.base_load_stale else report.base_load_w
    return Reading(report.substation_id, report.calendar_s * 1000, report.load_w, base_load_w)


@dataclasses.dataclass(frozen=True, slots=True)
class QuarterHour:
    """A substation's quarter hour `slot` (see `calendar_days`): means in watts; None is missing.

    `arrivals` is how many cars this balancer placed there, `energy_j` the energy that they asked for; `holiday`
    whether its day counts as a Sunday.
    """

    substation_id: str
    slot: int
    base_load_w: float | None = None
    cars_load_w: float | None = None
    arrivals: int | None = None
    energy_j: int | None = None
    holiday: bool = False


@dataclasses.dataclass(slots=True)
class _Open:
    slot: int
    cars_w: int = 0
    readings: int = 0
    base_w: int = 0
    base_readings: int = 0
    arrivals: int = 0
    energy_j: int = 0

    def finished(self, substation_id: str) -> QuarterHour:
        return QuarterHour(
            substation_id,
            self.slot,
            self.base_w / self.base_readings if self.base_readings else None,
            self.cars_w / self.readings,
            self.arrivals,
            self.energy_j,
        )


class Recorder:
    """The quarter hours that are not finished, of all substations."""

    def __init__(self) -> None:
        self._open: dict[str, _Open] = {}

    def read(self, reading: Reading) -> QuarterHour | None:
        """Take a reading; returns the quarter hour that it finishes. After a jump back, the open one is dropped."""
        slot = reading.calendar_ms // SLOT_MS
        present = self._open.get(reading.substation_id)
        finished = None
        if not present or slot != present.slot:
            if present and slot > present.slot:
                finished = present.finished(reading.substation_id)
            present = self._open[reading.substation_id] = _Open(slot)
        present.cars_w += reading.cars_load_w
        present.readings += 1
        if reading.base_load_w is not None:
            present.base_w += reading.base_load_w
            present.base_readings += 1
        return finished

    def arrived(self, substation_id: str, energy_j: int) -> None:
        """Count a car in the quarter hour of the newest reading; before any reading it is not counted."""
        if present := self._open.get(substation_id):
            present.arrivals += 1
            present.energy_j += energy_j

    def forget(self, substation_id: str) -> None:
        """Drop the open quarter hour of a substation that is gone."""
        self._open.pop(substation_id, None)
