"""A forecast is good while it is at least as good as to say that nothing changes."""

import math
import random

from prometheus_client import CollectorRegistry

from balancer.forecast.calendar_days import SLOTS
from balancer.forecast.error_collector import ForecastErrorCollector
from balancer.forecast.model import SeriesModel
from balancer.forecast.skill import AHEAD, ForecastSkill
from tests.unit.balancer.forecast.series import usual


def judged(skill: ForecastSkill, times: int, error: float, change: float = 100.0) -> ForecastSkill:
    for _ in range(times):
        skill.judge(1000.0, 1000.0 + error, 1000.0 - change, inside=True)
    return skill


def test_a_forecast_is_not_good_before_one_was_judged() -> None:
    assert not ForecastSkill().good
    assert judged(ForecastSkill(), 1, 99.0).good
    assert not judged(ForecastSkill(), 1, 101.0).good


def test_one_that_errs_more_than_persistence_is_not_good_until_it_is_better_again() -> None:
    skill = judged(ForecastSkill(), 100, 10.0)
    assert skill.good
    assert not judged(skill, 100, -300.0).good
    assert judged(skill, 200, 0.0).good


def test_half_a_day_counts_for_most_of_the_error() -> None:
    skill = judged(judged(ForecastSkill(), 500, 0.0), 48, 100.0)
    assert 60 < skill.forecast_error < 66  # 1 - 1/e


def test_a_model_judges_its_own_forecast_of_2_hours_later() -> None:
    model = SeriesModel()
    for slot in range(AHEAD):
        model.observe(slot, usual(slot))
    assert not model.skill.good
    for slot in range(AHEAD, 8 * SLOTS):
        model.observe(slot, usual(slot))
    assert model.skill.good
    assert model.skill.forecast_error < 0.4 * model.skill.persistence_error
    for slot in range(8 * SLOTS, 9 * SLOTS):
        model.observe(slot, usual(slot + SLOTS // 2))  # a day of a wrong shape
    assert model.skill.forecast_error > model.skill.persistence_error


def test_a_model_counts_how_many_values_lie_in_the_band_that_it_gave() -> None:
    rng, model = random.Random(1), SeriesModel()
    for slot in range(40 * SLOTS):
        model.observe(slot, usual(slot) * (1 + 0.1 * rng.gauss(0, 1)))
    assert {lead: 0.7 < skill.coverage < 0.9 for lead, skill in model.skills.items()} == {
        8: True,
        16: True,
    }
    for slot in range(40 * SLOTS, 40 * SLOTS + 20):
        model.observe(slot, 2 * usual(slot))
    assert all(skill.coverage < 0.76 for skill in model.skills.values()), "a step lies outside of the band"


def test_the_errors_of_each_substation_are_gauges_and_unknown_until_one_was_judged() -> None:
    model = SeriesModel()
    registry = CollectorRegistry()
    registry.register(
        ForecastErrorCollector(lambda: ["s-1", "s-2"], lambda name: model.skills if name == "s-1" else {})
    )

    def gauge(name: str, substation: str, horizon: str) -> float:
        labels = {"substation": substation, "horizon": horizon}
        value = registry.get_sample_value(f"smartgrid_balancer_{name}", labels)
        assert value is not None
        return value

    for slot in range(16):
        model.observe(slot, 100.0 * slot)
    assert math.isnan(gauge("forecast_error_watts", "s-1", "4h"))
    for slot in range(16, 17):  # the first that was forecast 4 h before
        model.observe(slot, 100.0 * slot)
    assert gauge("forecast_error_watts", "s-1", "4h") == 1600
    assert gauge("persistence_error_watts", "s-1", "4h") == 1600
    assert gauge("forecast_coverage_ratio", "s-1", "4h") == 0
    for name in ("forecast_error_watts", "persistence_error_watts", "forecast_coverage_ratio"):
        assert math.isnan(gauge(name, "s-2", "4h"))
