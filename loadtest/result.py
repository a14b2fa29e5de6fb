"""The result of a run: what was measured, and the figures of the fleet that follow from it."""

import collections
import dataclasses
from collections.abc import Mapping, Sequence

from loadtest import balance
from loadtest.figures import Counted, Sampled, StationResult, recorded
from loadtest.ideal import Ideal
from loadtest.records import Outcome, Reading, Request, Sample

PERCENTILES = {"p50": 50.0, "p95": 95.0, "p99": 99.0, "max": 100.0}


@dataclasses.dataclass(frozen=True, slots=True)
class Measured:
    """All that a run saw: the arrival window in unix seconds, every answer, every sample.

    `before` and `after` are exact readings around the run; a substation that did not answer is absent.
    """

    planned: int
    sent: int
    interrupted: bool
    from_unix_s: float
    until_unix_s: float
    requests: Sequence[Request]
    substation_ids: Sequence[str]
    samples: Sequence[Sample]
    missed_readings: int
    before: Mapping[str, Reading]
    after: Mapping[str, Reading]

    def window(self) -> list[Sample]:
        """Return the samples within the arrival window."""
        return [s for s in self.samples if self.from_unix_s <= s.at_unix_s <= self.until_unix_s]

    def whole(self) -> list[Sample]:
        """Return the samples within the arrival window in which every substation answered."""
        return [sample for sample in self.window() if len(sample.readings) == len(self.substation_ids)]


@dataclasses.dataclass(frozen=True, slots=True)
class Result:
    """The figures of a run; latencies are in milliseconds, by percentile of what was answered.

    `late_ms` is of all that was sent: large figures mean that the sender was the bottleneck.
    `refused_told_when` counts refusals by 503 with Retry-After. `imbalance_vs_oracle` is `balance_ratio` over
    the oracle's. `distinct_sessions` counts the session ids in the 201s. None stands for what was not
    measured.
    """

    planned: int
    sent: int
    admitted: int
    refused: int
    failed: int
    interrupted: bool
    distinct_sessions: int
    reasons: Mapping[str, int]
    balance_ratio: float | None
    fleet_peak_utilization: float | None
    commits_per_100_admissions: float | None
    late_ms: Mapping[str, float]
    service_ms: Mapping[str, float]
    response_ms: Mapping[str, float]
    whole_samples: int
    missed_readings: int
    stations: Sequence[StationResult]
    refused_told_when: int = 0
    oracle: Ideal | None = None
    imbalance_vs_oracle: float | None = None


def conclude(measured: Measured, oracle: Ideal | None = None) -> Result:
    """Compute the figures of a run; `oracle` has those of the same plan placed with perfect knowledge."""
    outcomes = collections.Counter(request.outcome for request in measured.requests)
    answered = [request for request in measured.requests if request.status is not None]
    stations = [_station(measured, each) for each in measured.substation_ids]
    whole = measured.whole()
    return Result(
        planned=measured.planned,
        sent=measured.sent,
        admitted=outcomes[Outcome.ADMITTED],
        refused=outcomes[Outcome.REFUSED],
        failed=outcomes[Outcome.FAILED],
        interrupted=measured.interrupted,
        distinct_sessions=len({r.session.session_id for r in measured.requests if r.session}),
        reasons=dict(collections.Counter(r.reason for r in measured.requests if r.reason)),
        balance_ratio=(ratio := balance.balance_ratio(whole, measured.until_unix_s)),
        fleet_peak_utilization=max((balance.fleet_utilization(sample) for sample in whole), default=None),
        commits_per_100_admissions=_commits_per_100([station.counted for station in stations]),
        late_ms=_latency([request.late_ms for request in measured.requests]),
        service_ms=_latency([request.service_ms for request in answered]),
        response_ms=_latency([request.response_ms for request in answered]),
        whole_samples=len(whole),
        missed_readings=measured.missed_readings,
        stations=stations,
        refused_told_when=sum(r.told_when for r in measured.requests if r.outcome is Outcome.REFUSED),
        oracle=oracle,
        imbalance_vs_oracle=oracle.of(ratio) if oracle else None,
    )


def _station(measured: Measured, substation_id: str) -> StationResult:
    answered, recomputed_peak_kw = recorded(measured.requests, substation_id)
    counted = Counted.between(measured.before.get(substation_id), measured.after.get(substation_id))
    sampled = Sampled.of(measured.window(), substation_id, measured.until_unix_s)
    return StationResult(substation_id, answered, recomputed_peak_kw, counted, sampled)


def _commits_per_100(counted: Sequence[Counted | None]) -> float | None:
    known = [each for each in counted if each]
    admitted = sum(each.admitted for each in known)
    if len(known) != len(counted) or not admitted:
        return None
    return 100 * sum(each.commits for each in known) / admitted


def _latency(values_ms: Sequence[float]) -> dict[str, float]:
    if not values_ms:
        return {}
    return {name: round(balance.percentile(values_ms, percent), 3) for name, percent in PERCENTILES.items()}
