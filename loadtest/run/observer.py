"""Takes snapshots of a run while it sends."""

import collections
from collections.abc import Callable

from loadtest.judge.balance import percentile
from loadtest.record.requests import RequestOutcome
from loadtest.record.sampler import Sampler
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
        )

    def _rate_per_s(self, elapsed_s: float) -> float:
        sent_at = self._sent_at
        sent_at.append((elapsed_s, self._engine.sent))
        while len(sent_at) > 2 and sent_at[1][0] <= elapsed_s - RATE_OVER_S:
            sent_at.popleft()
        (from_s, before), (until_s, now) = sent_at[0], sent_at[-1]
        return (now - before) / (until_s - from_s) if until_s > from_s else 0.0
