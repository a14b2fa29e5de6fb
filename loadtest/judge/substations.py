"""The figures of one substation: from its counters, from the samples, and from the answers to its clients.

Pure.
"""

import dataclasses
from collections.abc import Sequence

from loadtest.judge import balance
from loadtest.record.readings import FleetSample, Reading
from loadtest.record.requests import Request
from loadtest.units import J_PER_KWH, W_PER_KW


@dataclasses.dataclass(frozen=True, slots=True)
class SubstationCounts:
    """By how much the counters of a substation rose during the run; overload in watt-seconds.

    The pairs have the value of a counter before the run and after it.
    """

    admitted: int
    refused: int
    commits: int
    energy_kwh: float
    overload_admission_ws: float
    overload_derating_ws: float
    admitted_counter: tuple[int, int]
    refused_counter: tuple[int, int]

    @classmethod
    def between(cls, before: Reading | None, after: Reading | None) -> "SubstationCounts | None":
        """Return the differences; None when a reading is lacking, or a restart set counters to 0."""
        if not before or not after or before.epoch != after.epoch:
            return None
        return cls(
            after.admitted - before.admitted,
            after.refused - before.refused,
            after.commits - before.commits,
            (after.energy_j - before.energy_j) / J_PER_KWH,
            after.admission_overload_ws - before.admission_overload_ws,
            after.derating_overload_ws - before.derating_overload_ws,
            (before.admitted, after.admitted),
            (before.refused, after.refused),
        )


@dataclasses.dataclass(frozen=True, slots=True)
class SampledLoad:
    """Load and utilization (load and base load over capacity) of a substation, averaged over time, and at the peak."""

    capacity_kw: float
    load_average_kw: float
    load_peak_kw: float
    utilization_average: float
    utilization_peak: float

    @classmethod
    def of(
        cls, samples: Sequence[FleetSample], substation_id: str, until_unix_s: float
    ) -> "SampledLoad | None":
        """Return the figures of the samples up to a moment; None when they do not cover any time."""
        own = [sample for sample in samples if substation_id in sample.readings]
        weighted = [(s.readings[substation_id], secs) for s, secs in balance.weighted(own, until_unix_s)]
        load_w = balance.average((reading.load_w, seconds) for reading, seconds in weighted)
        utilization = balance.average((reading.utilization, seconds) for reading, seconds in weighted)
        if load_w is None or utilization is None:
            return None
        return cls(
            max(reading.capacity_w for reading, _ in weighted) / W_PER_KW,
            load_w / W_PER_KW,
            max(reading.load_w for reading, _ in weighted) / W_PER_KW,
            utilization,
            max(reading.utilization for reading, _ in weighted),
        )


@dataclasses.dataclass(frozen=True, slots=True)
class SubstationResult:
    """One substation; None stands for what could not be measured.

    `answered` and `recomputed_peak_kw` come from the clients' 201s alone: how many named it, and the
    highest sum of their sessions. `counted` comes from its counters, `sampled` from its metrics.
    """

    substation_id: str
    answered: int
    recomputed_peak_kw: float
    counted: SubstationCounts | None
    sampled: SampledLoad | None

    @property
    def recomputed_excess_kw(self) -> float | None:
        """By how much the clients' sessions exceeded the capacity; None without a capacity."""
        return max(self.recomputed_peak_kw - self.sampled.capacity_kw, 0.0) if self.sampled else None


def recorded(requests: Sequence[Request], substation_id: str) -> tuple[int, float]:
    """Return how many 201s named a substation, and the highest sum of their sessions in kW."""
    sessions = [r.session for r in requests if r.session and r.session.substation_id == substation_id]
    return len(sessions), balance.highest_sum_w(sessions) / W_PER_KW
