"""The highest share of its limit that each substation is expected to carry soon.

Pure: time comes as seconds of a monotonic clock. The base load counts with the mean of its forecast: what an alarm says is
what is probable, while placement is cautious.
"""

import math
from collections.abc import Iterator, Mapping

from balancer.fleet.member import Member
from balancer.placing.predictive.choice import ForecastChoice
from balancer.placing.predictive.peaks import Peaks

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
        peak_w = Peaks(member, forecast, time, slot + 1).until(SOON)
        now_w = member.estimate_w(now_s) - member.report.kept_w
        yield name, max(peak_w + member.outstanding_w, now_w) / member.report.capacity_w
