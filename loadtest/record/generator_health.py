"""The health of the load generator itself, so that a slow generator is not mistaken for a slow grid."""

import asyncio
import dataclasses
import time
from collections.abc import Callable, Sequence

from loadtest.record.latency import Latencies
from loadtest.units import MS_PER_S

TICK_S = 0.01
LAG_LIMIT_MS = 50.0  # several times the grid's own p99: figures of it would be the generator's
LATE_LIMIT_MS = 50.0
CPU_LIMIT = 0.9  # of one core, which is all that one event loop can use
OK = "ok"
SATURATED = "saturated"


@dataclasses.dataclass(frozen=True, slots=True)
class GeneratorHealth:
    """How well the generator kept up: lags and lateness in ms, CPU time as a share of one core.

    `late_p99_ms` is how much later than intended it woke up to send, None if it never did.
    """

    loop_lag_p99_ms: float
    loop_lag_max_ms: float
    cpu_share: float
    late_p99_ms: float | None
    verdict: str
    why: str

    @property
    def saturated(self) -> bool:
        """Whether the latencies of the run include those of the generator."""
        return self.verdict == SATURATED


class GeneratorMonitor:
    """Measures the event loop and its process.

    It ticks at fixed moments, and counts each moment that it misses: a loop that stands still for a second counts as a
    hundred late ticks, not as one.
    """

    def __init__(
        self, now: Callable[[], float] = time.monotonic, cpu: Callable[[], float] = time.process_time
    ) -> None:
        self._now = now
        self._cpu = cpu
        self._lags = Latencies()
        self._began_s = now()
        self._cpu_began_s = cpu()

    async def run(self) -> None:
        """Measure until cancelled."""
        due_s = self._now() + TICK_S
        while True:
            await asyncio.sleep(max(due_s - self._now(), 0))
            now_s = self._now()
            while due_s <= now_s:
                self._lags.record((now_s - due_s) * MS_PER_S)
                due_s += TICK_S

    def health(self, woke_late_ms: Sequence[float]) -> GeneratorHealth:
        """Return the health since the beginning; `woke_late_ms` is how late each sending was begun."""
        elapsed_s = max(self._now() - self._began_s, TICK_S)
        cpu_share = (self._cpu() - self._cpu_began_s) / elapsed_s
        lag_p99_ms, lag_max_ms = self._lags.at(99) or 0.0, self._lags.at(100) or 0.0
        late_p99_ms = Latencies(woke_late_ms).at(99)
        why = faults(lag_p99_ms, cpu_share, late_p99_ms)
        return GeneratorHealth(
            lag_p99_ms, lag_max_ms, round(cpu_share, 3), late_p99_ms, SATURATED if why else OK, "; ".join(why)
        )


def faults(lag_p99_ms: float, cpu_share: float, late_p99_ms: float | None) -> list[str]:
    """Return a sentence for each limit that the generator exceeded."""
    found = []
    if lag_p99_ms > LAG_LIMIT_MS:
        found.append(f"p99 of its event loop's lag is {lag_p99_ms:,.0f} ms, above {LAG_LIMIT_MS:g}")
    if cpu_share > CPU_LIMIT:
        found.append(f"it used {cpu_share:.0%} of a core, above {CPU_LIMIT:.0%}")
    if late_p99_ms is not None and late_p99_ms > LATE_LIMIT_MS:
        found.append(f"p99 of its waking up to send is {late_p99_ms:,.0f} ms late, above {LATE_LIMIT_MS:g}")
    return found
