"""What is shown of a run at one moment."""

import collections
import dataclasses
from collections.abc import Callable, Mapping

from loadtest.judge import balance
from loadtest.record.records import Reading, RequestOutcome
from loadtest.send.engine import Engine
from loadtest.send.grid import Sampler

SHOWN_OF = 1_000  # the newest answers that the shown percentiles are of
SHOWN = (50.0, 95.0, 99.0)
RATE_OVER_S = 2.0


@dataclasses.dataclass(frozen=True, slots=True)
class View:
    """One moment; `percentiles_ms` are the response times that SHOWN names, None before the first answer."""

    elapsed_s: float
    seconds: float
    planned: int
    sent: int
    admitted: int
    refused: int
    failed: int
    rate_per_s: float
    percentiles_ms: tuple[float | None, ...]
    readings: Mapping[str, Reading]

    def counts(self) -> str:
        """Return what became of the requests so far, in words."""
        p95_ms = self.percentiles_ms[SHOWN.index(95)]
        p95 = "-" if p95_ms is None else f"{p95_ms:.1f} ms"
        return (
            f"sent {self.sent}/{self.planned} at {self.rate_per_s:.1f}/s, admitted {self.admitted}, "
            f"refused {self.refused}, failed {self.failed}, p95 {p95}"
        )


class Watch:
    """Looks at a run while it goes on; the rate is that of the last RATE_OVER_S seconds."""

    def __init__(
        self, planned: int, seconds: float, engine: Engine, sampler: Sampler, elapsed_s: Callable[[], float]
    ) -> None:
        self._planned = planned
        self._seconds = seconds
        self._engine = engine
        self._sampler = sampler
        self._elapsed_s = elapsed_s
        self._seen = collections.deque([(0.0, 0)])  # (elapsed seconds, sent by then)

    def view(self) -> View:
        """Return what there is to see now."""
        elapsed_s, engine = self._elapsed_s(), self._engine
        newest_ms = [request.response_ms for request in engine.requests[-SHOWN_OF:]]
        return View(
            elapsed_s=elapsed_s,
            seconds=self._seconds,
            planned=self._planned,
            sent=engine.sent,
            admitted=engine.outcomes[RequestOutcome.ADMITTED],
            refused=engine.outcomes[RequestOutcome.REFUSED],
            failed=engine.outcomes[RequestOutcome.FAILED],
            rate_per_s=self._rate_per_s(elapsed_s),
            percentiles_ms=tuple(balance.percentile(newest_ms, p) if newest_ms else None for p in SHOWN),
            readings=self._sampler.samples[-1].readings,
        )

    def _rate_per_s(self, elapsed_s: float) -> float:
        seen = self._seen
        seen.append((elapsed_s, self._engine.sent))
        while len(seen) > 2 and seen[1][0] <= elapsed_s - RATE_OVER_S:  # noqa: PLR2004 - two ends
            seen.popleft()
        (from_s, before), (until_s, now) = seen[0], seen[-1]
        return (now - before) / (until_s - from_s) if until_s > from_s else 0.0
