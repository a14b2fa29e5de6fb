"""The forecast follows weekends, holidays and steps, and is not led astray by spikes, gaps and changed clocks."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from balancer.forecast.calendar_days import SLOTS, WEEK
from balancer.forecast.model import SeriesModel
from tests.support.examples import examples
from tests.unit.balancer.forecast.series import learned, noisy, relative_error, usual

FRIDAY_EVENING = 5 * WEEK + 4 * SLOTS + 72
SATURDAY_EVENING = FRIDAY_EVENING + SLOTS


@pytest.mark.parametrize("until", [FRIDAY_EVENING, SATURDAY_EVENING, 5 * WEEK + SLOTS, 6 * WEEK])
def test_a_weekend_is_forecast_from_weekends(until: int) -> None:
    assert relative_error(learned(range(until))) < 0.05


def test_a_holiday_is_forecast_as_a_sunday() -> None:
    thursday = 5 * WEEK // SLOTS + 3
    evening_before = range(thursday * SLOTS)

    def load(slot: int) -> float:
        return usual(slot % SLOTS + 6 * SLOTS) if slot // SLOTS == thursday else usual(slot)

    told = relative_error(learned(evening_before, load, frozenset({thursday})), load)
    assert told < 0.05
    assert relative_error(learned(evening_before, load), load) > 1


def test_a_holiday_does_not_change_what_working_days_are_like() -> None:
    wednesday = 5 * WEEK // SLOTS + 2

    def load(slot: int) -> float:
        return usual(slot % SLOTS + 6 * SLOTS) if slot // SLOTS == wednesday else usual(slot)

    after = range((wednesday + 1) * SLOTS + SLOTS // 2)
    known, unknown = (
        relative_error(learned(after, load, days), load) for days in (frozenset({wednesday}), frozenset())
    )
    assert known < 0.01
    assert unknown > 0.05


def test_a_step_is_learned_within_three_weeks() -> None:
    step = 6 * WEEK

    def load(slot: int) -> float:
        return usual(slot) * (0.6 if slot >= step else 1)

    errors = [relative_error(learned(range(step + days * SLOTS), load), load) for days in (0, 1, 21)]
    assert errors[0] > 0.6
    assert errors[1] < errors[0] * 0.85
    assert errors[2] < 0.1


def test_one_spike_moves_the_forecast_by_little() -> None:
    values = noisy(range(6 * WEEK + 48))
    model, spiked = SeriesModel(), SeriesModel()
    for slot, value in values.items():
        model.observe(slot, value)
        spiked.observe(slot, value * (50 if slot == 6 * WEEK + 20 else 1))
    moved = [abs(a.mean - b.mean) / a.mean for a, b in zip(model.forecast(), spiked.forecast(), strict=True)]
    assert 0 < max(moved) < 0.35
    assert sum(moved) / len(moved) < 0.05


def test_gaps_teach_nothing_and_are_survived() -> None:
    gaps = {*range(3 * WEEK, 3 * WEEK + 3 * SLOTS), *range(5 * WEEK - 10, 5 * WEEK - 4)}
    model = learned(slot for slot in range(5 * WEEK) if slot not in gaps)
    assert relative_error(model) < 0.05


@pytest.mark.parametrize("hours", [1, -1])
def test_after_the_clocks_change_the_forecast_keeps_to_the_clock(hours: int) -> None:
    """In spring four quarter hours are missing; in autumn four come twice, and the reader has averaged them."""
    sunday = 5 * WEEK + 6 * SLOTS
    missing = range(sunday + 8, sunday + 12) if hours == 1 else range(0)
    model = learned(slot for slot in range(6 * WEEK) if slot not in missing)
    assert relative_error(model) < 0.05


def test_within_the_first_hours_the_last_values_are_the_forecast() -> None:
    model = SeriesModel()
    assert model.forecast() == []
    for slot in range(8):
        model.observe(slot, 50.0)
    steps = model.forecast()
    assert [step.slot for step in steps] == list(range(8, 8 + SLOTS))
    assert {step.mean for step in steps} == {50.0}
    assert all(step.p10 < 50 < step.p90 for step in steps)


def test_on_the_first_weekend_working_days_stand_in() -> None:
    model = learned(range(5 * SLOTS))
    assert [step.mean for step in model.forecast()] == pytest.approx(
        [usual(slot) for slot in range(4 * SLOTS, 5 * SLOTS)], rel=0.1
    )


def test_a_forecast_may_start_later_than_the_last_value() -> None:
    model = learned(range(5 * WEEK))
    later = model.forecast(8, after=5 * WEEK + 3)
    assert [step.slot for step in later] == list(range(5 * WEEK + 4, 5 * WEEK + 12))
    assert later[:4] == model.forecast(8)[4:]
    assert len(model.forecast(4, after=7 * WEEK)) == 4


def test_a_value_of_the_past_is_refused() -> None:
    model = learned(range(10))
    with pytest.raises(ValueError, match="quarter hour 9 is not after 9"):
        model.observe(9, 1.0)


def test_four_of_five_values_lie_within_the_band() -> None:
    values = noisy(range(12 * WEEK), sigma=0.15)
    model, inside, judged = SeriesModel(), 0, 0
    for slot, value in values.items():
        if slot > 6 * WEEK:
            ahead = model.forecast(16)[-1]
            later = values.get(ahead.slot)
            if later is not None:
                judged += 1
                inside += ahead.p10 <= later <= ahead.p90
        model.observe(slot, value)
    assert 0.74 < inside / judged < 0.84


@settings(max_examples=examples(40))
@given(
    st.lists(st.tuples(st.integers(1, 300), st.floats(-1e6, 1e6, allow_nan=False)), min_size=1, max_size=120),
    st.frozensets(st.integers(-30, 400), max_size=20),
    st.integers(-2000, 2000),
)
def test_any_series_has_a_finite_forecast_within_its_band(
    steps: list[tuple[int, float]], holidays: frozenset[int], first: int
) -> None:
    model, slot = SeriesModel(holidays), first
    values = []
    for skipped, value in steps:
        slot += skipped
        model.observe(slot, value)
        values.append(value)
    forecast = model.forecast()
    assert [step.slot for step in forecast] == list(range(slot + 1, slot + 1 + SLOTS))
    for step in forecast:
        assert step.p10 <= step.mean <= step.p90
        assert min(0.0, *values) <= step.p10
        assert abs(step.mean) <= 20 * max(1.0, *(abs(value) for value in values))


@settings(max_examples=examples(20))
@given(st.floats(0.001, 1000), st.integers(1, 4))
def test_the_unit_of_a_series_does_not_matter(unit: float, seed: int) -> None:
    values = noisy(range(2 * WEEK), seed)
    model, scaled = SeriesModel(), SeriesModel()
    for slot, value in values.items():
        model.observe(slot, value)
        scaled.observe(slot, value * unit)
    for a, b in zip(model.forecast(), scaled.forecast(), strict=True):
        assert (b.mean, b.p10, b.p90) == pytest.approx((a.mean * unit, a.p10 * unit, a.p90 * unit), rel=1e-5)
