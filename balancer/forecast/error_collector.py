"""The gauges of how good the forecasts of the base loads were, at the moment of a scrape."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from balancer.forecast.skill import JUDGED, ForecastSkill

HORIZONS = ("4h",)  # one: at 1,000 substations each takes 20 ms of a scrape
ERROR = (
    "smartgrid_balancer_forecast_error_watts",
    "Mean absolute error of the forecasts of a base load so far ahead, of about half a day; NaN until one was judged",
)
PERSISTENCE = (
    "smartgrid_balancer_persistence_error_watts",
    "The same error of saying that nothing changes",
)
COVERAGE = (
    "smartgrid_balancer_forecast_coverage_ratio",
    "Share of the base loads of about two days that lay in the band that should hold 0.8 of them; NaN until one was judged",
)

Skills = Mapping[int, ForecastSkill]  # by the lead in quarter hours


class ForecastErrorCollector(Collector):
    """Yields the recent errors of the forecasts, by substation and horizon."""

    def __init__(self, substations: Callable[[], Iterable[str]], skills: Callable[[str], Skills]) -> None:
        """`substations` returns whose series there are, `skills` how good the forecasts of one were."""
        self._substations = substations
        self._skills = skills

    def describe(self) -> Iterator[Metric]:
        """Name the families."""
        yield from (GaugeMetricFamily(*family) for family in (ERROR, PERSISTENCE, COVERAGE))

    def collect(self) -> Iterator[Metric]:
        """Read the errors of this moment."""
        labels = ["substation", "horizon"]
        error, persistence, coverage = (
            GaugeMetricFamily(*family, labels=labels) for family in (ERROR, PERSISTENCE, COVERAGE)
        )
        for name in self._substations():
            skills = self._skills(name)
            for horizon in HORIZONS:
                skill = skills.get(JUDGED[horizon])
                known = skill if skill and skill.judged else None
                error.add_metric([name, horizon], known.forecast_error if known else math.nan)
                persistence.add_metric([name, horizon], known.persistence_error if known else math.nan)
                coverage.add_metric([name, horizon], known.coverage if known else math.nan)
        yield error
        yield persistence
        yield coverage
