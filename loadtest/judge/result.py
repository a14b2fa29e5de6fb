"""The result of a run: the measurements, and the figures of the fleet that follow from them."""

import collections
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import TypedDict, TypeVar

from loadtest.judge import balance
from loadtest.judge.conditions import Change
from loadtest.judge.oracle_result import OracleResult
from loadtest.judge.substations import SampledLoad, SubstationCounts, SubstationResult, recorded
from loadtest.record.generator_health import GeneratorHealth
from loadtest.record.latency import Latencies
from loadtest.record.readings import FleetSample, Reading
from loadtest.record.requests import Request, RequestOutcome
from loadtest.record.stopped_sessions import StoppedSessions
from loadtest.units import W_PER_KW

NO_SLOT = "not sent: no slot was free in time"
LATE_AFTER_MS = 50.0  # a request is late when it was sent so much later than intended

N = TypeVar("N", int, float)


@dataclasses.dataclass(frozen=True, slots=True)
class Measurements:
    """All that was measured: the arrival window in unix seconds, every answer, every sample.

    `before` and `after` are exact readings around the run; a substation that did not answer is absent.
    `no_slot` counts the requests that were not sent because no slot was free in time. `ended_by_stop` counts
    how the sessions ended after a stop; None where they charge on. `changes` are the changes on the grid during
    the run; `unread_ends` counts sessions that may have ended early and could not be looked up.
    """

    planned: int
    sent: int
    interrupted: bool
    from_unix_s: float
    until_unix_s: float
    requests: Sequence[Request]
    substation_ids: Sequence[str]
    samples: Sequence[FleetSample]
    missed_readings: int
    before: Mapping[str, Reading]
    after: Mapping[str, Reading]
    no_slot: int = 0
    generator: GeneratorHealth | None = None
    ended_by_stop: StoppedSessions | None = None
    changes: Sequence[Change] = ()
    unread_ends: int = 0

    def window(self) -> list[FleetSample]:
        """Return the samples within the arrival window."""
        return [s for s in self.samples if self.from_unix_s <= s.at_unix_s <= self.until_unix_s]

    def whole(self) -> list[FleetSample]:
        """Return the samples within the arrival window in which every substation answered."""
        return [sample for sample in self.window() if len(sample.readings) == len(self.substation_ids)]


@dataclasses.dataclass(frozen=True, slots=True)
class Result:
    """The figures of a run; latencies are in milliseconds, by percentile. None stands for not measured.

    A request that is sent again counts once, by its last answer. `first_refused` are those whose first
    answer was a refusal. `service_ms` is of every attempt, from its sending. `response_ms` is of every
    request that was sent, from its intended sending to its last answer, or to when it was given up.
    `late_ms` is of them too; `late` are those beyond LATE_AFTER_MS, `dropped` those that were never sent.
    `refused_without_retry_after` are the refusals, of every attempt, that were not a 503 with Retry-After.
    `range` is highest minus lowest utilization, on average; `distinct_sessions` the ids in the 201s.
    `imbalance_vs_oracle` is `balance_ratio` over the oracle's. `changes` are the changes on the grid during
    the run; `unread_ends` counts the sessions whose end is not known.
    """

    planned: int
    sent: int
    admitted: int
    refused: int
    failed: int
    first_refused: int
    refused_without_retry_after: int
    retries: int
    late: int
    dropped: int
    interrupted: bool
    distinct_sessions: int
    reasons: Mapping[str, int]
    balance_ratio: float | None
    jain: float | None
    range: float | None
    range_highest: float | None
    fleet_peak_utilization: float | None
    base_load_peak_kw: float | None
    commits_per_100_admissions: float | None
    overload_ws: float | None
    recomputed_excess_kw: float | None
    energy_kwh: float | None
    counted_admitted: int | None
    late_ms: Mapping[str, float]
    service_ms: Mapping[str, float]
    response_ms: Mapping[str, float]
    service_histogram: Sequence[tuple[float, float]]
    response_histogram: Sequence[tuple[float, float]]
    generator: GeneratorHealth | None
    whole_samples: int
    missed_readings: int
    stations: Sequence[SubstationResult]
    oracle: OracleResult | None = None
    imbalance_vs_oracle: float | None = None
    ended_by_stop: StoppedSessions | None = None
    changes: Sequence[Change] = ()
    unread_ends: int = 0

    @property
    def disturbed(self) -> Sequence[Change]:
        """The changes on the grid that the run itself did not order."""
        return [each for each in self.changes if not each.planned]


class FleetFigures(TypedDict):
    """The figures of a Result that come from the substations, under its names."""

    balance_ratio: float | None
    base_load_peak_kw: float | None
    commits_per_100_admissions: float | None
    counted_admitted: int | None
    energy_kwh: float | None
    fleet_peak_utilization: float | None
    jain: float | None
    overload_ws: float | None
    range: float | None
    range_highest: float | None
    recomputed_excess_kw: float | None
    stations: Sequence[SubstationResult]
    whole_samples: int


def conclude(measured: Measurements, oracle: OracleResult | None = None) -> Result:
    """Compute the figures of a run; `oracle` has those of the same plan placed with perfect knowledge."""
    requests = measured.requests
    outcomes = collections.Counter(request.outcome for request in requests)
    of_the_grid = _of_the_grid(measured)
    attempts = [attempt for request in requests for attempt in request.attempts]
    service = Latencies(attempt.service_ms for attempt in attempts)
    response = Latencies(request.response_ms for request in requests)
    return Result(
        planned=measured.planned,
        sent=measured.sent,
        admitted=outcomes[RequestOutcome.ADMITTED],
        refused=outcomes[RequestOutcome.REFUSED],
        failed=outcomes[RequestOutcome.FAILED],
        first_refused=sum(each.first_outcome is RequestOutcome.REFUSED for each in requests),
        refused_without_retry_after=sum(
            each.outcome is RequestOutcome.REFUSED and not each.has_retry_after for each in attempts
        ),
        retries=sum(max(len(each.attempts) - 1, 0) for each in requests),
        late=sum(each.late_ms > LATE_AFTER_MS for each in requests),
        dropped=measured.planned - measured.sent,
        interrupted=measured.interrupted,
        distinct_sessions=len({each.session.session_id for each in requests if each.session}),
        reasons=_reasons(measured),
        late_ms=Latencies(each.late_ms for each in requests).percentiles(),
        service_ms=service.percentiles(),
        response_ms=response.percentiles(),
        service_histogram=service.distribution(),
        response_histogram=response.distribution(),
        generator=measured.generator,
        missed_readings=measured.missed_readings,
        oracle=oracle,
        ended_by_stop=measured.ended_by_stop,
        changes=measured.changes,
        unread_ends=measured.unread_ends,
        **of_the_grid,
        imbalance_vs_oracle=oracle.of(of_the_grid["balance_ratio"]) if oracle else None,
    )


def _reasons(measured: Measurements) -> dict[str, int]:
    reasons = dict(collections.Counter(each.reason for each in measured.requests if each.reason))
    return reasons | ({NO_SLOT: measured.no_slot} if measured.no_slot else {})


def _of_the_grid(measured: Measurements) -> FleetFigures:
    """Return the figures that come from the substations."""
    stations = [_station(measured, each) for each in measured.substation_ids]
    whole, until_unix_s = measured.whole(), measured.until_unix_s
    counted = [each.counted for each in stations]
    return {
        "stations": stations,
        "whole_samples": len(whole),
        "balance_ratio": balance.balance_ratio(whole, until_unix_s),
        "jain": balance.jain(whole, until_unix_s),
        "range": balance.spread(whole, until_unix_s),
        "range_highest": balance.highest_spread(whole, until_unix_s),
        "fleet_peak_utilization": max((balance.fleet_utilization(sample) for sample in whole), default=None),
        "base_load_peak_kw": max(
            (balance.fleet_base_load_w(each) / W_PER_KW for each in whole), default=None
        ),
        "commits_per_100_admissions": _commits_per_100(counted),
        "overload_ws": _total(counted, lambda each: each.overload_admission_ws),
        "energy_kwh": _total(counted, lambda each: each.energy_kwh),
        "counted_admitted": _total(counted, lambda each: each.admitted),
        "recomputed_excess_kw": _highest([each.recomputed_excess_kw for each in stations]),
    }


def _station(measured: Measurements, substation_id: str) -> SubstationResult:
    answered, recomputed_peak_kw = recorded(measured.requests, substation_id)
    counted = SubstationCounts.between(measured.before.get(substation_id), measured.after.get(substation_id))
    sampled = SampledLoad.of(measured.window(), substation_id, measured.until_unix_s)
    return SubstationResult(substation_id, answered, recomputed_peak_kw, counted, sampled)


def _commits_per_100(counted: Sequence[SubstationCounts | None]) -> float | None:
    commits = _total(counted, lambda each: each.commits)
    admitted = _total(counted, lambda each: each.admitted)
    return 100 * commits / admitted if commits is not None and admitted else None


def _total(counted: Sequence[SubstationCounts | None], of: Callable[[SubstationCounts], N]) -> N | int | None:
    """Return a counted figure of all substations; None when one of them could not be read."""
    known = [of(each) for each in counted if each]
    return sum(known) if len(known) == len(counted) else None


def _highest(figures: Sequence[float | None]) -> float | None:
    """Return the highest over all substations; None when one of them could not be read."""
    known = [figure for figure in figures if figure is not None]
    return max(known, default=0.0) if len(known) == len(figures) else None
