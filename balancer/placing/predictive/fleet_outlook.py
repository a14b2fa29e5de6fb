"""What a fleet will probably carry: what the known plans leave of its cars, and its base load by the forecasts.

Pure: time comes as seconds of a monotonic clock. Rules:

- without new cars: known plans only free power;
- the schedules of all reports are added point by point, each from the moment of its report: a fleet polls within a second
  or so, and a schedule has no finer points;
- a base load without a forecast stays as it is now;
- bounds are added as if all base loads were high, or low, at the same time: that is the widest band, and houses do rise
  together (docs/adr/0045).
"""

import dataclasses
from collections.abc import Iterable, Sequence

from balancer.fleet.member import FINITE_WITHIN_S, Member, released_w
from balancer.placing.predictive.peaks import BaseForecast, Outlook

LONGEST_S = 4 * 3600  # of the schedule
MOST_STEPS = 96  # quarter hours: as far as forecasts reach


@dataclasses.dataclass(frozen=True, slots=True)
class CarsLeft:
    """The watts that are left of the cars within so many seconds."""

    within_s: float
    cars_w: float


@dataclasses.dataclass(frozen=True, slots=True)
class ExpectedBase:
    """The base load of a quarter hour whose middle is so many seconds ahead, in watts."""

    within_s: float
    mean_w: float
    p10_w: float
    p90_w: float

    def bounds(self) -> dict[str, float]:
        """Return the watts by the names that answers have for them in kW."""
        return {"mean_kw": self.mean_w, "p10_kw": self.p10_w, "p90_kw": self.p90_w}


def cars_left(members: Iterable[Member], now_s: float, seconds: float) -> list[CarsLeft]:
    """Return what the known plans leave of the cars, at each point of the schedule up to `seconds`."""
    known = list(members)
    if not known:
        return []
    elapsed_s = max(now_s - sum(each.received_s for each in known) / len(known), 0.0)
    freed_w = tuple(map(sum, zip(*(each.report.releases_w for each in known), strict=True)))
    before_w, load_w = released_w(freed_w, elapsed_s), sum(each.load_w(now_s) for each in known)
    return [
        CarsLeft(within_s, max(load_w - released_w(freed_w, elapsed_s + within_s) + before_w, 0.0))
        for within_s in FINITE_WITHIN_S[1:]
        if within_s <= seconds
    ]


def expected_base(
    members: Sequence[Member], outlook: Outlook, now_s: float, seconds: float
) -> list[ExpectedBase]:
    """Return the expected base load of the quarter hours whose middles lie within `seconds`; [] without any forecast."""
    time = outlook.time
    forecasts = [
        [outlook.means[name], outlook.lower[name], outlook.upper[name]]
        for each in members
        if (name := each.report.substation_id) in outlook.means
    ]
    if not time or not forecasts:
        return []
    flat_w = sum(
        each.report.base_load_w for each in members if each.report.substation_id not in outlook.means
    )
    middle_s = (time.start_s(1) - time.start_s(0)) / 2
    first = time.slot_at(now_s)
    slots = [
        slot
        for slot in range(first, first + MOST_STEPS)
        if 0 < time.start_s(slot) + middle_s - now_s <= seconds
        and all(each[0].covers(slot) for each in forecasts)
    ]
    sums = [_sums([each[n] for each in forecasts], slots) for n in range(3)]
    return [
        ExpectedBase(time.start_s(slot) + middle_s - now_s, *(each[at] + flat_w for each in sums))
        for at, slot in enumerate(slots)
    ]


def _sums(forecasts: Sequence[BaseForecast], slots: Sequence[int]) -> list[float]:
    if not slots:
        return []
    first, count = slots[0], len(slots)
    columns = (each.watts[first - each.first_slot :][:count] for each in forecasts)
    return list(map(sum, zip(*columns, strict=True)))
