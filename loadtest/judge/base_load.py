"""Base load, pauses and overload during a run: how much there was, and for how long.

Pure. Rules:

- powers are read at the samples, and each holds until the next one;
- minutes are of grid time, summed over the substations; seconds are of wall time;
- overload in watt-seconds, and the number of pauses, come from the substations' own counters.
"""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence

from loadtest.judge import balance
from loadtest.judge.substations import SubstationCounts
from loadtest.record.readings import FleetSample, Reading
from loadtest.units import W_PER_KW

S_PER_MINUTE = 60
CAUSES = ("admission", "derating", "base_load")


@dataclasses.dataclass(frozen=True, slots=True)
class BaseLoadResult:
    """What the fleet carried besides cars, and what followed from it; None stands for not measured.

    Attributes:
        average_kw: The base load of all substations, averaged over time.
        peak_kw: Its highest sample.
        pauses: How many times a session was paused.
        pause_minutes: How long sessions were paused, in all.
        overload_ws: Overload by its cause, of all substations.
        overload_minutes: How long base load and cars were above a limit.
        longest_overload_s: The longest time for which one substation was above its limit without interruption.
    """

    average_kw: float | None
    peak_kw: float | None
    pauses: int | None
    pause_minutes: float | None
    overload_ws: Mapping[str, float] | None
    overload_minutes: float | None
    longest_overload_s: float | None


def base_load_result(
    samples: Sequence[FleetSample],
    until_unix_s: float,
    counted: Sequence[SubstationCounts | None],
    time_scale: float | None,
) -> BaseLoadResult:
    """Return the figures of the samples up to a moment, and of the counters of all substations.

    `time_scale` is how many grid seconds pass in one second, None if that is not known.
    """
    known = [each for each in counted if each]
    complete = bool(counted) and len(known) == len(counted)
    by_substation = list(_by_substation(samples, until_unix_s))
    paused_s = sum(reading.paused_now * seconds for each in by_substation for reading, seconds in each)
    stretches_s = [length_s for each in by_substation for length_s in _overloads_s(each)]
    fleet_w = [
        (balance.fleet_base_load_w(sample), seconds)
        for sample, seconds in balance.weighted(samples, until_unix_s)
    ]
    average_w = balance.average(fleet_w)
    minutes = time_scale / S_PER_MINUTE if time_scale and by_substation else None
    return BaseLoadResult(
        average_kw=None if average_w is None else average_w / W_PER_KW,
        peak_kw=max((watts / W_PER_KW for watts, _ in fleet_w), default=None),
        pauses=sum(each.pauses for each in known) if complete else None,
        pause_minutes=None if minutes is None else paused_s * minutes,
        overload_ws={cause: sum(each.overload_ws(cause) for each in known) for cause in CAUSES}
        if complete
        else None,
        overload_minutes=None if minutes is None else sum(stretches_s) * minutes,
        longest_overload_s=max(stretches_s, default=0.0) if by_substation else None,
    )


def _by_substation(
    samples: Sequence[FleetSample], until_unix_s: float
) -> Iterator[list[tuple[Reading, float]]]:
    """Yield the readings of each substation in order, each with the seconds until its next one."""
    for substation_id in dict.fromkeys(name for sample in samples for name in sample.readings):
        own = [sample for sample in samples if substation_id in sample.readings]
        yield [(sample.readings[substation_id], secs) for sample, secs in balance.weighted(own, until_unix_s)]


def _overloads_s(readings: Sequence[tuple[Reading, float]]) -> Iterator[float]:
    """Yield how long each overload of a substation lasted: from the first reading that shows it to the next that does not."""
    length_s = 0.0
    for reading, seconds in readings:
        if reading.utilization > 1:
            length_s += seconds
        elif length_s:
            yield length_s
            length_s = 0.0
    if length_s:
        yield length_s
