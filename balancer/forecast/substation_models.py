"""The models of one substation: base load, the load of cars, their arrivals, and the energy that they ask for.

Pure. A series that was never reported has no model, and no forecast.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum

from balancer.forecast.calendar_days import SLOTS
from balancer.forecast.model import SeriesModel, Step
from balancer.forecast.recorder import QuarterHour
from balancer.forecast.skill import ForecastSkill


class Series(StrEnum):
    """What is forecast; the values are fields of QuarterHour, in its units."""

    BASE_LOAD = "base_load_w"
    CARS_LOAD = "cars_load_w"
    ARRIVALS = "arrivals"
    ENERGY = "energy_j"


Forecasts = Mapping[Series, tuple[Step, ...]]


class SubstationModels:
    """Learns the quarter hours of one substation."""

    def __init__(self) -> None:
        self._holidays: set[int] = set()
        self._models: dict[Series, SeriesModel] = {}
        self._newest: int | None = None

    def learn(self, rows: Iterable[QuarterHour]) -> None:
        """Take finished quarter hours in; what is not after the last one, and what is missing, is left out."""
        for row in rows:
            if row.holiday:
                self._holidays.add(row.slot // SLOTS)
            self._newest = row.slot if self._newest is None else max(self._newest, row.slot)
            for series in Series:
                value = getattr(row, series)
                if value is not None:
                    self._observe(series, row.slot, value)

    def forecasts(self) -> Forecasts:
        """Return the forecasts of the 24 h after the last quarter hour, also of a series that lacks it."""
        return {series: tuple(model.forecast(after=self._newest)) for series, model in self._models.items()}

    def good(self, series: Series) -> bool:
        """Whether the forecast of a series was of late at least as good as to say that nothing changes."""
        model = self._models.get(series)
        return bool(model and model.skill.good)

    def skills(self, series: Series) -> Mapping[int, ForecastSkill]:
        """Return how good the forecasts of a series were of late, by their lead; nothing for one that is not known."""
        model = self._models.get(series)
        return model.skills if model else {}

    def _observe(self, series: Series, slot: int, value: float) -> None:
        model = self._models.setdefault(series, SeriesModel(self._holidays))
        if model.slot is None or slot > model.slot:
            model.observe(slot, value)
