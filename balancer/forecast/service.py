"""What a balancer runs of the forecast: history, models, the recording of readings, and its pages."""

import asyncio
import dataclasses
import datetime as dt
import logging
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry

from balancer.forecast.error_collector import ForecastErrorCollector
from balancer.forecast.forecaster import Forecaster, follow
from balancer.forecast.handlers import ForecastHandler, HistoryHandler
from balancer.forecast.history import FILE, History, HistoryUnavailable
from balancer.forecast.metrics import ForecastMetrics
from balancer.forecast.recorder import Reading, Recorder
from balancer.settings import Settings
from runtime.background import background
from runtime.keep_aside import put_aside
from runtime.store import StoreUnreadable, StoreUnusable

log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class ForecastService:
    """The parts that the rest of the balancer uses."""

    history: History
    forecaster: Forecaster
    recorder: Recorder

    def routes(self) -> list[tuple[str, Any, dict[str, Any]]]:
        """Return the routes of `/history` and `/forecast`."""
        return [
            ("/history", HistoryHandler, {"history": self.history}),
            ("/forecast", ForecastHandler, {"forecaster": self.forecaster}),
        ]

    async def forget_given_up(
        self, given_up: Callable[[], Collection[tuple[str, str]]], every_s: float
    ) -> None:
        """Drop, until cancelled, the history and the models of substations of which a journal is given up."""
        known: frozenset[tuple[str, str]] = frozenset()
        while True:
            journals = frozenset(given_up())
            if journals - known and await self._forget(journals):
                known = journals
            await asyncio.sleep(every_s)

    async def _forget(self, journals: Collection[tuple[str, str]]) -> bool:
        """Drop what belongs to journals, as far as it was not dropped yet; returns whether that could be written."""
        try:
            found = await self.history.give_up(journals)
        except HistoryUnavailable as error:
            log.warning("the history of a journal that was given up stays", extra={"error": str(error)})
            return False
        for substation_id in found:
            self.recorder.forget(substation_id)
            self.forecaster.forget(substation_id)
            log.info("the history was dropped: a journal was given up", extra={"substation": substation_id})
        return True


@asynccontextmanager
async def forecasting(
    settings: Settings,
    registry: CollectorRegistry,
    readings: Callable[[], Sequence[Reading]],
    given_up: Callable[[], Collection[tuple[str, str]]],
) -> AsyncIterator[ForecastService]:
    """Record and forecast while the context lasts.

    `readings` is asked at each poll. `given_up` returns the journals, as (substation, journal), that operators gave up.
    Raises StoreUnusable when the history can't be used; one that is damaged is put aside.
    """
    metrics = ForecastMetrics(registry)
    history = open_history(settings.data / FILE, metrics)
    try:
        service = ForecastService(history, Forecaster(history), Recorder())
        registry.register(
            ForecastErrorCollector(
                lambda: [reading.substation_id for reading in readings()], service.forecaster.skills
            )
        )
        chores = [
            service.forecaster.restart(),
            follow(service.forecaster, service.recorder, readings, settings.poll_s),
            service.forget_given_up(given_up, settings.poll_s),
        ]
        async with AsyncExitStack() as stack:
            if settings.history:
                # These import aiohttp, a third of the time that a balancer takes to start.
                from balancer.forecast.backfill import Backfill  # noqa: PLC0415 - only where HISTORY is set
                from balancer.forecast.prometheus import prometheus  # noqa: PLC0415

                source = await stack.enter_async_context(prometheus(settings.history))
                chores.append(Backfill(source, service.forecaster, metrics).follow(readings, settings.poll_s))
            await stack.enter_async_context(background(*chores))
            yield service
    finally:
        await history.close()


def open_history(path: Path, metrics: ForecastMetrics) -> History:
    """Open the history; put a damaged one aside, and begin another. Raises StoreUnusable."""
    try:
        return History(path)
    except StoreUnreadable as error:
        at = f"{dt.datetime.now(dt.UTC):%Y%m%dT%H%M%S.%fZ}"
        try:
            aside = put_aside(path, at)
        except OSError as fault:
            raise StoreUnusable(f"{error}; it can't be put aside: {fault}") from error
        log.error("the history is damaged and was put aside", extra={"error": str(error), "path": str(aside)})
        metrics.put_aside.set(1)
        return History(path)
