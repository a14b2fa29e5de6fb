"""The figures of a backtest, on series for which they are known; tests/process/test_backtest.py has real grids."""

import math
from collections.abc import Iterator

import pytest

from balancer.forecast.backtest import (
    HORIZONS,
    WARM_UP,
    Accuracy,
    Tally,
    TooShort,
    backtest,
    forecasts,
    mean_accuracy,
)
from balancer.forecast.calendar_days import SLOTS, WEEK
from balancer.forecast.disturbances import judged as judged_wholly
from balancer.forecast.model import Step
from tests.unit.balancer.forecast.series import noisy, usual

Values = dict[int, float]


def judged(values: Values, made: Iterator[list[Step]] | list[list[Step]]) -> Accuracy:
    tally = Tally()
    for steps in made:
        tally.add(steps, values)
    return tally.accuracy()


def steps_of(values: Values, first: int, by: float = 0.0, slots_later: int = 0) -> list[Step]:
    """A forecast that is the truth, but for a difference."""
    made = []
    for slot in range(first, first + SLOTS):
        mean = values[slot - slots_later] + by
        made.append(Step(slot, mean, mean - 1, mean + 1))
    return made


def rising(weeks: int) -> Values:
    """The usual load, and 10 more in each week: the weekly naive forecast is 10 too low everywhere."""
    return {slot: usual(slot) + 10 * (slot // WEEK) for slot in range(weeks * WEEK)}


def test_a_forecast_that_is_off_by_half_of_the_naive_one_has_a_mase_of_one_half() -> None:
    values = rising(4)
    found = judged(values, [steps_of(values, 2 * WEEK + 4 * n, by=5) for n in range(24)])
    assert found.mase == pytest.approx(dict.fromkeys(HORIZONS, 0.5))
    assert found.mase_at_lead == pytest.approx(dict.fromkeys(HORIZONS, 0.5))
    assert found.coverage_80 == 0
    # Value - p10 = -4, value - mean = -5, value - p90 = -6, each relative to 10.
    assert found.pinball["4h"] == pytest.approx({"0.1": 0.36, "0.5": 0.25, "0.9": 0.06})


def test_a_forecast_that_comes_true_has_no_error() -> None:
    values = rising(4)
    found = judged(values, [steps_of(values, 2 * WEEK + 4 * n) for n in range(24)])
    assert found.mase == dict.fromkeys(HORIZONS, 0.0)
    assert found.coverage_80 == 1
    assert found.peak_error == found.peak_time_error_h == dict.fromkeys(HORIZONS, 0.0)


def test_a_peak_that_comes_late_is_seen_in_its_time_alone() -> None:
    values = rising(4)
    monday = 2 * WEEK + SLOTS
    found = judged(values, [steps_of(values, monday, slots_later=2)] * 24)
    assert found.peak_time_error_h["24h"] == 0.5
    assert found.peak_error["24h"] == 0


def test_missing_values_are_not_judged() -> None:
    values = rising(4)
    made = [steps_of(values, 2 * WEEK + 4 * n, by=5) for n in range(24)]
    for slot in range(2 * WEEK + 50, 2 * WEEK + 60):
        del values[slot]
    assert judged(values, made).mase["24h"] == pytest.approx(0.5)


@pytest.mark.parametrize(
    "values", [{}, {0: 1.0}, noisy(range(WARM_UP + SLOTS)), dict.fromkeys(range(6 * WEEK), 1.0)]
)
def test_a_series_that_can_t_be_judged_is_refused(values: Values) -> None:
    with pytest.raises(TooShort, match="28 days"):
        backtest(values)


def test_no_forecast_knows_what_comes_later() -> None:
    values = noisy(range(6 * WEEK))
    changed = {slot: value if slot < 5 * WEEK else 1e9 for slot, value in values.items()}
    made = {steps[0].slot: steps for steps in forecasts(values, frozenset())}
    for steps in forecasts(changed, frozenset()):
        if steps[0].slot <= 5 * WEEK:
            assert steps == made[steps[0].slot]


def test_the_mean_of_series_is_the_mean_of_their_figures() -> None:
    values = rising(4)
    off = [judged(values, [steps_of(values, 2 * WEEK + 4 * n, by=by) for n in range(24)]) for by in (2, 8)]
    assert mean_accuracy(off).mase == pytest.approx(dict.fromkeys(HORIZONS, 0.5))
    assert mean_accuracy(off).origins == 48


def test_a_step_is_judged_by_the_naive_error_without_it() -> None:
    values = rising(4)
    tally, stepped = Tally(), {slot: 0.6 * value for slot, value in values.items()}
    for n in range(24):
        tally.add(steps_of(stepped, 2 * WEEK + 4 * n, by=5), stepped, usual=values)
    assert tally.accuracy().mase == pytest.approx(dict.fromkeys(HORIZONS, 0.5))


def test_without_values_to_judge_a_cold_start_by_its_figure_is_unknown() -> None:
    values = noisy(range(31 * SLOTS))
    for start in (7, 18):
        for slot in range((start + 6) * SLOTS, (start + 8) * SLOTS):
            values.pop(slot, None)
    found = judged_wholly(values)
    assert all(math.isnan(value) for value in found.cold_start.values())
    assert 0 < found.after_step["4h"] < 10
