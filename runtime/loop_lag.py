"""Measures the lag of the event loop: how long after its time a timer runs."""

import asyncio
import time

from prometheus_client import CollectorRegistry, Histogram

EVERY_S = 0.1  # ten looks a second cost about 0.1 % of a core
# Below 10 ms a loop does its work; from 100 ms on, every request feels it.
BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.015, 0.025, 0.05, 0.1, 0.25, 1.0)


class LoopLag:
    """Measures the loop that it runs on."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._lag = Histogram(
            "smartgrid_loop_lag_seconds",
            "How late a timer of the event loop ran, ten times a second",
            buckets=BUCKETS_S,
            registry=registry,
        )

    async def follow(self) -> None:
        """Measure until cancelled. A loop that stood still is one late look, not many."""
        while True:
            due_s = time.monotonic() + EVERY_S  # the loop's own clock may stand still while a callback runs
            await asyncio.sleep(EVERY_S)
            self._lag.observe(max(0.0, time.monotonic() - due_s))
