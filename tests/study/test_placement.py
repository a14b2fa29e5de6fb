"""Placement by forecast over some days with real base loads, as tests/study/placement.py measures it at length."""

import functools

from tests.study.days import World
from tests.study.grid import Grid, Run
from tests.study.placement import WRONG, runs

DAYS = 3
SEED = 1


@functools.cache
def few_cars(seed: int = SEED) -> dict[str, Run]:
    return runs("few cars, long stays", 3, DAYS, seed)


def test_every_car_is_answered_and_no_admission_overloads() -> None:
    for run in few_cars().values():
        assert run.placed > 20
        assert run.refused == 0
        assert len(run.peaks) == DAYS
        assert all(0.3 < peak < 1 for peak in run.peaks)


def test_the_policies_place_differently_by_forecasts_that_are_trusted() -> None:
    found = runs("mixed", 3, DAYS, SEED)
    assert found["least_loaded"].by_forecast == 0
    assert found["predictive"].by_forecast > 0.9 * found["predictive"].placed
    assert len({run.peaks for run in found.values()}) == 5


def test_to_know_the_base_load_to_come_lowers_the_peaks() -> None:
    """Over 20 seeds of 14 days: 1.28 points on average, standard error .13."""
    found = [few_cars(seed) for seed in (1, 2, 3)]
    knowing, usual = (
        sum(sum(each[policy].peaks) for each in found) for policy in ("knowing", "least_loaded")
    )
    assert knowing < usual


def test_days_of_a_wrong_shape_end_the_trust_in_forecasts() -> None:
    found = runs(WRONG, 3, 5, SEED)
    usual = runs("mixed", 3, 5, SEED)
    share, usual_share = (
        each["predictive"].by_forecast / each["predictive"].placed for each in (found, usual)
    )
    assert share < usual_share - 0.05


def test_the_same_seed_gives_the_same_run_to_the_last_bit() -> None:
    def again(seed: int) -> Run:
        world = World(seed, 3, DAYS)
        return Grid(world, "predictive", seed).run(world.cars("few cars, long stays", seed))

    assert again(SEED) == few_cars()["predictive"]
    assert again(SEED + 1) != few_cars()["predictive"]
