"""What a balancer runs of the forecast: history, models, the recording of readings, and its pages."""

import dataclasses
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from balancer.forecast.forecaster import Forecaster, follow
from balancer.forecast.handlers import ForecastHandler, HistoryHandler
from balancer.forecast.history import FILE, History
from balancer.forecast.recorder import Reading, Recorder
from runtime.background import background


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


@asynccontextmanager
async def forecasting(
    data_dir: Path, readings: Callable[[], Sequence[Reading]], every_s: float
) -> AsyncIterator[ForecastService]:
    """Record and forecast while the context lasts; `readings` is asked every `every_s` seconds.

    Raises StoreUnusable when the history below `data_dir` can't be used.
    """
    history = History(data_dir / FILE)
    try:
        service = ForecastService(history, Forecaster(history), Recorder())
        recording = follow(service.forecaster, service.recorder, readings, every_s)
        async with background(service.forecaster.restart(), recording):
            yield service
    finally:
        await history.close()
