"""The forecasts of all substations, kept up to date by the quarter hour.

A model learns from its history in a thread, and a forecast is computed there once for each finished quarter hour. The event
loop only looks it up.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence

from balancer.forecast.history import History, HistoryUnavailable
from balancer.forecast.model import Step
from balancer.forecast.recorder import QuarterHour, Reading, Recorder
from balancer.forecast.skill import ForecastSkill
from balancer.forecast.substation_models import Forecasts, Series, SubstationModels

log = logging.getLogger(__name__)

# A substation whose reports are late for some seconds keeps its forecasts: to learn them anew takes a second of CPU time, and
# waits for the next finished quarter hour.
FORGET_AFTER_S = 600.0
LEARNED_DAYS = 56  # of the history, at a start: twice what the bands need


class Forecaster:
    """Holds one model for each substation and series."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._models: dict[str, SubstationModels] = {}
        self._forecasts: dict[str, Forecasts] = {}
        self._learning = asyncio.Lock()  # one thread at a time: models are not safe for two

    def forecast(self, substation_id: str, series: Series = Series.BASE_LOAD) -> tuple[Step, ...]:
        """Return the forecast of the 24 h after the last finished quarter hour, by the quarter hour, in the series' unit.

        Each step tells its quarter hour, so one that has passed shows. Empty while nothing is known.
        """
        return self._forecasts.get(substation_id, {}).get(series, ())

    def good(self, substation_id: str, series: Series = Series.BASE_LOAD) -> bool:
        """Whether that forecast was of late at least as good as to say that nothing changes."""
        models = self._models.get(substation_id)
        return bool(models and models.good(series))

    def skills(self, substation_id: str, series: Series = Series.BASE_LOAD) -> Mapping[int, ForecastSkill]:
        """Return how good such forecasts were of late, by their lead in quarter hours; empty while nothing is known."""
        models = self._models.get(substation_id)
        return models.skills(series) if models else {}

    async def restart(self) -> None:
        """Learn from the history of each substation in it."""
        try:
            for substation_id in await self._history.substations():
                await self._learn(substation_id, ())
        except HistoryUnavailable as error:
            log.warning("the past is not learned", extra={"error": str(error)})

    async def finished(self, rows: Sequence[QuarterHour]) -> None:
        """Write finished quarter hours to the history, learn them, and renew the forecasts."""
        try:
            await self._history.add(rows)
        except HistoryUnavailable as error:
            log.warning("quarter hours are missing in the history", extra={"error": str(error)})
        for row in rows:
            await self._learn(row.substation_id, (row,))

    async def fill(self, substation_id: str, rows: Sequence[QuarterHour]) -> None:
        """Write quarter hours of the past that the history lacks, and learn the substation anew from all it has."""
        try:
            await self._history.add(rows)
        except HistoryUnavailable as error:
            log.warning("quarter hours are missing in the history", extra={"error": str(error)})
        else:
            await self._learn(substation_id, (), anew=True)

    def forget(self, substation_id: str) -> None:
        """Drop the models of a substation that is gone; its history stays."""
        self._models.pop(substation_id, None)
        self._forecasts.pop(substation_id, None)

    async def _learn(self, substation_id: str, rows: Sequence[QuarterHour], *, anew: bool = False) -> None:
        async with self._learning:
            models = None if anew else self._models.get(substation_id)
            if not models:
                rows = [*await self._past(substation_id), *rows]
                models = SubstationModels()
            self._forecasts[substation_id] = await asyncio.to_thread(_learned, models, rows)
            self._models[substation_id] = models

    async def _past(self, substation_id: str) -> list[QuarterHour]:
        try:
            return await self._history.newest(substation_id, LEARNED_DAYS)
        except HistoryUnavailable as error:
            log.warning("the past is not learned", extra={"substation": substation_id, "error": str(error)})
            return []


def _learned(models: SubstationModels, rows: Iterable[QuarterHour]) -> Forecasts:
    models.learn(rows)
    return models.forecasts()


async def follow(
    forecaster: Forecaster,
    recorder: Recorder,
    readings: Callable[[], Sequence[Reading]],
    every_s: float,
    forget_after_s: float = FORGET_AFTER_S,
) -> None:
    """Take the readings of this moment again and again, and hand over what they finish.

    What has not been among them for `forget_after_s` is forgotten.
    """
    seen_s: dict[str, float] = {}
    while True:
        present, now_s = readings(), time.monotonic()
        if finished := [row for reading in present if (row := recorder.read(reading))]:
            await forecaster.finished(finished)
        seen_s |= {reading.substation_id: now_s for reading in present}
        for substation_id in [name for name, at_s in seen_s.items() if now_s - at_s > forget_after_s]:
            del seen_s[substation_id]
            recorder.forget(substation_id)
            forecaster.forget(substation_id)
        await asyncio.sleep(every_s)
