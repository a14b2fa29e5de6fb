"""A forecast is good while it is at least as good as to say that nothing changes."""

from balancer.forecast.calendar_days import SLOTS
from balancer.forecast.model import SeriesModel
from balancer.forecast.skill import AHEAD, ForecastSkill
from tests.unit.balancer.forecast.series import usual


def judged(skill: ForecastSkill, times: int, error: float, change: float = 100.0) -> ForecastSkill:
    for _ in range(times):
        skill.judge(1000.0, 1000.0 + error, 1000.0 - change)
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
