"""Judges the thresholds of a run while it goes on, at a cost that does not grow with the requests so far.

Rules:

- a figure that only the end tells, such as one that needs all answers, is pending until then;
- averages of balance are pending until half of the cars were sent, because they count only while the fleet is busy, and
  a few cars can't be even;
- a count that must be at least so high is pending while it is lower, because it still rises;
- the verdict of a run is that of `loadtest.judge.verdict`, never this one.
"""

import dataclasses
import itertools
from collections.abc import Mapping, Sequence

from loadtest.events import ThresholdState
from loadtest.judge import balance
from loadtest.judge.threshold import Threshold
from loadtest.judge.thresholds import FIGURES, Limit
from loadtest.judge.verdict import ADMISSIONS_AGREE, ALL_ENDED
from loadtest.record.latency import PERCENTILES, Latencies
from loadtest.record.readings import FleetSample, Reading
from loadtest.record.requests import Request, RequestOutcome

BALANCED_FROM = 0.5  # of the cars
LEAST = frozenset({"<", "<="})  # relations in which a run fails: the figure must be at least so high
COUNTS = frozenset({"admitted", "retries", "refused", "first_refused", "failed"})
BALANCE = ("max_mean", "jain", "range")
NOT_YET = "–"  # noqa: RUF001 - a dash, as the console shows what is unknown


@dataclasses.dataclass(slots=True)
class _Counts:
    """Counts over the requests that have their last answer."""

    admitted: int = 0
    refused: int = 0
    failed: int = 0
    retries: int = 0
    refused_without_retry_after: int = 0


@dataclasses.dataclass(frozen=True, slots=True)
class _Moment:
    """The cars' load of the fleet at a sample, and its figures of balance, in the order of BALANCE."""

    at_unix_s: float
    load_w: float
    balance: tuple[float, float, float]


class LiveJudge:
    """The thresholds of one run of `planned` cars; `before` has the readings from before it."""

    def __init__(
        self, limits: Sequence[Limit], planned: int, before: FleetSample, start_unix_s: float
    ) -> None:
        self._limits = limits
        self._planned = planned
        self._before = before.readings
        self._start_unix_s = start_unix_s
        self._sent = self._first_refused = 0
        self._counts = _Counts()
        self._response, self._service = Latencies(), Latencies()
        self._moments: list[_Moment] = []
        self._peak: float | None = None
        self._newest: dict[str, Reading] = {}

    def take(
        self, requests: Sequence[Request], samples: Sequence[FleetSample], sent: int, first_refused: int = 0
    ) -> None:
        """Take the requests that have their last answer, and the samples, since the last time.

        `sent` and `first_refused` count all requests so far, also those that wait to be sent again.
        """
        self._sent, self._first_refused = sent, first_refused
        for request in requests:
            self._count(request)
        for sample in samples:
            self._newest |= sample.readings
            if sample.at_unix_s >= self._start_unix_s and len(sample.readings) == len(self._before):
                self._take_whole(sample)

    def _take_whole(self, sample: FleetSample) -> None:
        """Take a sample of the whole fleet."""
        self._peak = max(self._peak or 0.0, balance.fleet_utilization(sample))
        if usable := balance.usable_utilizations(sample):
            figures = (balance.max_over_mean(usable), balance.jain_index(usable), balance.distance(usable))
            self._moments.append(_Moment(sample.at_unix_s, balance.fleet_load_w(sample), figures))

    def thresholds(self) -> list[tuple[Threshold, ThresholdState]]:
        """Return each threshold with its value so far and its state."""
        values = self._values()
        found = [self._judged(each, values.get(each.name)) for each in self._limits]
        ended = self._counts.admitted + self._counts.refused + self._counts.failed
        for name, value, limit in (
            (ALL_ENDED, f"{self._sent} sent, {ended} ended", f"{self._planned} and {self._planned}"),
            (ADMISSIONS_AGREE, NOT_YET, "equal"),
        ):
            found.append((Threshold(name, value, limit, passed=False), ThresholdState.PENDING))
        return found

    def _judged(self, limit: Limit, value: float | None) -> tuple[Threshold, ThresholdState]:
        state = ThresholdState.PENDING
        if value is not None and not limit.fails(value):
            state = ThresholdState.PASSING
        elif value is not None and not (limit.name in COUNTS and limit.op in LEAST):
            state = ThresholdState.FAILING
        text = NOT_YET if value is None else format(value, FIGURES[limit.name].form)
        return Threshold(limit.name, text, limit.must(), state is ThresholdState.PASSING), state

    def _count(self, request: Request) -> None:
        counts = self._counts
        counts.admitted += request.outcome is RequestOutcome.ADMITTED
        counts.refused += request.outcome is RequestOutcome.REFUSED
        counts.failed += request.outcome is RequestOutcome.FAILED
        counts.retries += max(len(request.attempts) - 1, 0)
        self._response.record(request.response_ms)
        for attempt in request.attempts:
            self._service.record(attempt.service_ms)
            refused = attempt.outcome is RequestOutcome.REFUSED
            counts.refused_without_retry_after += refused and not attempt.has_retry_after

    def _values(self) -> Mapping[str, float | None]:
        """Return the figures that are known by now, by the names of `FIGURES`."""
        counts = dataclasses.asdict(self._counts) | {"first_refused": self._first_refused}
        shares = {
            f"{name}_share": counts[name] / self._sent if self._sent else None
            for name in ("refused", "failed")
        }
        return counts | shares | self._latencies() | self._of_the_grid()

    def _latencies(self) -> dict[str, float | None]:
        kinds = {"": self._response.percentiles(), "service_": self._service.percentiles()}
        return {f"{kind}{name}_ms": found.get(name) for kind, found in kinds.items() for name in PERCENTILES}

    def _of_the_grid(self) -> dict[str, float | None]:
        found: dict[str, float | None] = {
            "overload_ws": self._rise_of("admission_overload_ws"),
            "base_load_overload_ws": self._rise_of("base_load_overload_ws"),
            "pauses": self._rise_of("paused"),
            "fleet_peak": self._peak,
        }
        if self._sent >= BALANCED_FROM * self._planned:
            found |= self._balance()
        return found

    def _balance(self) -> dict[str, float | None]:
        """Return the averages over the time in which the fleet carried more than half of its peak so far."""
        busy_w = balance.BUSY_SHARE * max((each.load_w for each in self._moments), default=0.0)
        busy = [
            (moment.balance, after.at_unix_s - moment.at_unix_s)
            for moment, after in itertools.pairwise(self._moments)
            if moment.load_w > busy_w
        ]
        return {
            name: balance.average((figures[n], seconds) for figures, seconds in busy)
            for n, name in enumerate(BALANCE)
        }

    def _rise_of(self, counter: str) -> float | None:
        """Return by how much a counter of all substations rose; None when one was not read, or was started again."""
        pairs = [(before, self._newest.get(each)) for each, before in self._before.items()]
        if any(newest is None or newest.epoch != before.epoch for before, newest in pairs):
            return None
        return sum(float(getattr(newest, counter) - getattr(before, counter)) for before, newest in pairs)
