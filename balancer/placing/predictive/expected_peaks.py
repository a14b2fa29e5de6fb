"""The highest share of its limit that each substation is expected to carry soon.

Pure: time comes as seconds of a monotonic clock. The base load counts with the mean of its forecast: what an alarm says is
what is probable, while placement is cautious.
"""

import bisect
import math
from collections.abc import Iterator, Mapping, Sequence

from balancer.fleet.member import FINITE_WITHIN_S, Member
from balancer.placing.predictive.choice import ForecastChoice

SOON = 8  # quarter hours: 2 h, as the console looks ahead


def expected_peaks(
    members: Mapping[str, Member], choice: ForecastChoice, now_s: float
) -> Iterator[tuple[str, float]]:
    """Yield each member with its expected peak, by base load and known plans; NaN without a forecast of this time."""
    time, means = choice.outlook.time, choice.outlook.means
    for name, member in members.items():
        forecast = means.get(name)
        if not time or not forecast or not forecast.covers(slot := time.slot_at(now_s)):
            yield name, math.nan
            continue
        report = member.report
        starts_s = [time.start_s(each) - member.received_s for each in range(slot + 1, slot + 1 + SOON)]
        base_w = forecast.watts[slot + 1 - forecast.first_slot :][:SOON] or forecast.watts[-1:]
        freed_w = [_freed_w(report.releases_w, start_s) for start_s in starts_s]
        peak_w = max(base_w - freed_w for base_w, freed_w in zip(base_w, freed_w, strict=False))
        now_w = member.estimate_w(now_s) - report.kept_w
        soon_w = peak_w + report.load_w + report.owed_w + member.outstanding_w
        yield name, max(soon_w, now_w) / report.capacity_w


def _freed_w(releases_w: Sequence[int], elapsed_s: float) -> int:
    """Return the watts that are certainly freed by then: up to the last point of the schedule that is over.

    Not linear between the points, as `released_w` is: a scrape asks this eight times for each substation.
    """
    over = bisect.bisect_right(FINITE_WITHIN_S, elapsed_s) - 1
    return releases_w[over - 1] if over > 0 else 0
