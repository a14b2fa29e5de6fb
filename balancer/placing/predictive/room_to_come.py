"""When the base load is expected to have fallen so far that a request fits, where the known plans free too little.

Pure: time comes as seconds of a monotonic clock. Counted is the base load by which the substation will admit: the mean of the
forecast, and its upper bound over the next hours where it keeps room for the base load to come.
"""

import itertools
from collections.abc import Iterable

from balancer.fleet.member import Demand, Member
from balancer.placing.predictive.grid_time import GridTime
from balancer.placing.predictive.peaks import BaseForecast, Outlook, last_slot, load_w

MOST_LOOKED_AT = 20  # substations: each takes 0.1 ms
KEPT_SLOTS = 16  # quarter hours for which a substation with ADMIT=forecast keeps room (substation/outlook.py)


def room_in_s(outlook: Outlook, substations: Iterable[tuple[str, Member]], demand: Demand) -> float | None:
    """Return in how many seconds one of the substations is expected to have room for a whole stay; None if none is."""
    time = outlook.time
    if not time:
        return None
    found = [
        start_s - demand.now_s
        for name, member in itertools.islice(substations, MOST_LOOKED_AT)
        if (forecast := (outlook.upper if member.report.kept_w else outlook.means).get(name))
        and (start_s := _fits_s(member, forecast, time, demand)) is not None
    ]
    return min(found, default=None)


def _fits_s(member: Member, forecast: BaseForecast, time: GridTime, demand: Demand) -> float | None:
    """Return the start of the first quarter hour from which a request fits, as far as the forecast goes."""
    first = time.slot_at(demand.now_s) + 1
    stay = last_slot(time, demand.now_s + time.wall_s(demand.stay_ms)) - first + 2
    needed = max(stay, KEPT_SLOTS if member.report.kept_w else 1)
    left_w = member.report.capacity_w - member.outstanding_w - demand.power_w
    since: int | None = None
    slot = first
    while forecast.covers(slot):
        if load_w(member, forecast, time, slot) > left_w:
            since = None
        elif since is None:
            since = slot
        if since is not None and slot - since + 1 >= needed:
            return time.start_s(since)
        slot += 1
    return None
