"""Takes snapshots of a run while it sends, and judges its thresholds as they stand."""

import collections
from collections.abc import Callable

from loadtest.events import JudgingEvent, LiveChange, LiveThreshold
from loadtest.judge.balance import percentile
from loadtest.judge.conditions import ChangeWatch
from loadtest.judge.live import LiveJudge
from loadtest.paper.meanings import explain
from loadtest.record.requests import RequestOutcome
from loadtest.record.sampler import PolicyWatch, Sampler
from loadtest.send.engine import Engine
from loadtest.show.snapshot import PERCENTILES, RunSnapshot

NEWEST_ANSWERS = 1_000  # the percentiles are of so many
RATE_OVER_S = 2.0


class RunObserver:
    """Knows the engine and the sampler of a run; the rate is that of the last RATE_OVER_S seconds."""

    def __init__(
        self, planned: int, seconds: float, engine: Engine, sampler: Sampler, elapsed_s: Callable[[], float]
    ) -> None:
        self._planned = planned
        self._seconds = seconds
        self._engine = engine
        self._sampler = sampler
        self._elapsed_s = elapsed_s
        self._sent_at = collections.deque([(0.0, 0)])  # (elapsed seconds, requests sent by then)

    def snapshot(self) -> RunSnapshot:
        """Return how far the run is now."""
        elapsed_s, engine = self._elapsed_s(), self._engine
        newest_ms = [request.response_ms for request in engine.requests[-NEWEST_ANSWERS:]]
        return RunSnapshot(
            elapsed_s=elapsed_s,
            seconds=self._seconds,
            planned=self._planned,
            sent=engine.sent,
            admitted=engine.outcomes[RequestOutcome.ADMITTED],
            refused=engine.outcomes[RequestOutcome.REFUSED],
            failed=engine.outcomes[RequestOutcome.FAILED],
            rate_per_s=self._rate_per_s(elapsed_s),
            percentiles_ms=tuple(percentile(newest_ms, p) if newest_ms else None for p in PERCENTILES),
            readings=self._sampler.samples[-1].readings,
            waiting=engine.waiting,
        )

    def _rate_per_s(self, elapsed_s: float) -> float:
        sent_at = self._sent_at
        sent_at.append((elapsed_s, self._engine.sent))
        while len(sent_at) > 2 and sent_at[1][0] <= elapsed_s - RATE_OVER_S:
            sent_at.popleft()
        (from_s, before), (until_s, now) = sent_at[0], sent_at[-1]
        return (now - before) / (until_s - from_s) if until_s > from_s else 0.0


class JudgingObserver:
    """Passes what is new to the judge, and says how the thresholds stand and what was changed on the grid."""

    def __init__(
        self,
        judge: LiveJudge,
        changed: ChangeWatch,
        engine: Engine,
        sampler: Sampler,
        policies: PolicyWatch,
        start_unix_s: float,
    ) -> None:
        self._judge = judge
        self._changed = changed
        self._engine = engine
        self._sampler = sampler
        self._policies = policies
        self._start_unix_s = start_unix_s
        self._requests = self._samples = 0  # how many were passed

    def event(self) -> JudgingEvent:
        """Return how it stands now."""
        samples = self._sampler.samples[self._samples :]
        requests = self._engine.requests[self._requests :]
        self._samples += len(samples)
        self._requests += len(requests)
        self._changed.take(samples)
        self._judge.take(requests, samples, self._engine.sent, self._engine.first_refused)
        changes = self._changed.changes(self._policies.changes)
        return JudgingEvent(
            tuple(
                LiveThreshold(each.threshold.name, each.meaning.title, each.value, each.limit, state)
                for threshold, state in self._judge.thresholds()
                for each in [explain(threshold)]
            ),
            tuple(
                LiveChange(
                    round(each.at_unix_s - self._start_unix_s, 2), each.what, each.in_words(), each.planned
                )
                for each in changes
            ),
        )
