"""The energy between two readings of a substation's counter, by the hour.

Pure. Rules:

- a counter begins at 0 with the journal of its substation, and only rises;
- the first reading of a journal is where counting begins: what was delivered before it belongs to no known hour;
- a counter that has fallen, as after a restored backup, begins anew like that;
- what lies between two readings was delivered evenly, as between two readings of any meter; the sum is exact.
"""

from collections.abc import Iterator
from typing import NamedTuple

HOUR_S, DAY_S = 3600, 86_400
J_PER_KWH = 3_600_000


class Reading(NamedTuple):
    """The counter of a substation, in joules, at a unix second."""

    substation_id: str
    journal_id: str
    energy_j: float
    at_s: int


def delivered(before: Reading | None, now: Reading) -> Iterator[tuple[int, float]]:
    """Yield the hours, by the unix second in which they begin, and the kWh that were delivered in each."""
    if not before or before.journal_id != now.journal_id or now.energy_j < before.energy_j:
        return
    seconds = now.at_s - before.at_s
    if seconds <= 0:
        return
    kwh = (now.energy_j - before.energy_j) / J_PER_KWH
    for hour_s in range(before.at_s // HOUR_S * HOUR_S, now.at_s, HOUR_S):
        part_s = min(now.at_s, hour_s + HOUR_S) - max(before.at_s, hour_s)
        yield hour_s, kwh * part_s / seconds
