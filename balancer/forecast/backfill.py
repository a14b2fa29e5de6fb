"""Fills the history of each substation from Prometheus, once, and tries again until that has succeeded."""

import asyncio
import logging
import random
import time
from collections.abc import Callable, Sequence

from balancer.forecast.forecaster import Forecaster
from balancer.forecast.metrics import ForecastMetrics
from balancer.forecast.prometheus import Prometheus, PrometheusUnreachable
from balancer.forecast.prometheus_answers import AnswerUnusable
from balancer.forecast.recorder import Reading

log = logging.getLogger(__name__)

FIRST_WAIT_S = 1.0
MOST_WAIT_S = 300.0


class Backfill:
    """Which substations are filled already."""

    def __init__(self, source: Prometheus, forecaster: Forecaster, metrics: ForecastMetrics) -> None:
        self._source = source
        self._forecaster = forecaster
        self._metrics = metrics
        self._filled: set[str] = set()

    async def follow(self, readings: Callable[[], Sequence[Reading]], every_s: float) -> None:
        """Fill what is among the readings, until cancelled; after a failure wait twice as long as before."""
        wait_s = FIRST_WAIT_S
        while True:
            if await self._fill(readings()):
                wait_s = FIRST_WAIT_S
                await asyncio.sleep(every_s)
            else:
                await asyncio.sleep(random.uniform(wait_s / 2, wait_s))  # noqa: S311 - spreads the load
                wait_s = min(2 * wait_s, MOST_WAIT_S)

    async def _fill(self, present: Sequence[Reading]) -> bool:
        """Fill those that are not filled yet; returns whether all are."""
        lacking = [reading for reading in present if reading.substation_id not in self._filled]
        self._metrics.unfilled.set(len(lacking))
        failed = 0
        for reading in lacking:
            try:
                rows = await self._source.past(reading.substation_id, reading.calendar_ms, time.time())
            except PrometheusUnreachable as error:
                log.warning("Prometheus can't be reached", extra={"error": str(error)})
                return False
            except AnswerUnusable as error:
                self._say("Prometheus answers wrongly", reading, error=str(error))
                failed += 1
                continue
            await self._forecaster.fill(reading.substation_id, rows)
            self._filled.add(reading.substation_id)
            self._metrics.unfilled.dec()
            self._say("the past was read from Prometheus", reading, quarter_hours=len(rows))
        return not failed

    def _say(self, what: str, reading: Reading, **more: object) -> None:
        level = logging.WARNING if "error" in more else logging.INFO
        log.log(level, what, extra={"substation": reading.substation_id, **more})
