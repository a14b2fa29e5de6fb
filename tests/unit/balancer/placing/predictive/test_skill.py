"""A forecast is trusted while it is at least as good as to say that nothing changes."""

from balancer.placing.predictive.peaks import BaseForecast
from balancer.placing.predictive.skill import AHEAD, ForecastSkill


def ramp(slot: int) -> float:
    """A load that rises all the time: persistence errs by 8 quarter hours of it."""
    return 100.0 * slot


def learned(skill: ForecastSkill, first: int, count: int, error_w: float) -> None:
    """Let the skill see forecasts of a ramp that are wrong by so many watts."""
    for slot in range(first, first + count):
        ahead = tuple(ramp(later) + error_w for later in range(slot + 1, slot + 97))
        skill.learn(slot, ramp(slot), BaseForecast(slot + 1, ahead))


def test_a_forecast_is_not_trusted_before_one_was_judged() -> None:
    skill = ForecastSkill()
    learned(skill, 0, AHEAD, 0.0)
    assert not skill.good
    learned(skill, AHEAD, 1, 0.0)
    assert skill.good
    assert (skill.forecast_error_w, skill.persistence_error_w) == (0.0, 800.0)


def test_one_that_errs_more_than_persistence_is_not_trusted_until_it_is_better_again() -> None:
    skill = ForecastSkill()
    learned(skill, 0, 100, 10.0)
    assert skill.good
    learned(skill, 100, 100, 2000.0)
    assert not skill.good
    learned(skill, 200, 200, 0.0)
    assert skill.good


def test_a_gap_is_not_judged_and_forecasts_from_before_it_are_dropped() -> None:
    skill = ForecastSkill()
    learned(skill, 0, 3, 0.0)
    skill.learn(50, 0.0, None)
    assert not skill.good
    skill.learn(11, ramp(11), None)
    assert not skill.good


def test_no_forecast_teaches_nothing() -> None:
    skill = ForecastSkill()
    for slot in range(40):
        skill.learn(slot, ramp(slot), None)
    assert not skill.good
