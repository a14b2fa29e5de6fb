"""A run at one moment, as it is shown.

Pure.
"""

import dataclasses
from collections.abc import Mapping

from loadtest.events import SendingFigures
from loadtest.record.readings import Reading

PERCENTILES = (50.0, 95.0, 99.0)


@dataclasses.dataclass(frozen=True, slots=True)
class RunSnapshot(SendingFigures):
    """How far a run is; `percentiles_ms` are the response times of PERCENTILES, None before the first answer."""

    percentiles_ms: tuple[float | None, ...]
    readings: Mapping[str, Reading]
    waiting: int = 0

    def counts(self) -> str:
        """Return the outcomes of the requests so far, in words."""
        p95_ms = self.percentiles_ms[PERCENTILES.index(95)]
        p95 = "-" if p95_ms is None else f"{p95_ms:.1f} ms"
        return (
            f"sent {self.sent}/{self.planned} at {self.rate_per_s:.1f}/s, admitted {self.admitted}, "
            f"refused {self.refused}, {self.waiting} waiting to retry, failed {self.failed}, p95 {p95}"
        )
