"""The arithmetic of a verdict, against examples that were worked out by hand."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.judge.balance import average, balance_ratio, highest_sum_w, percentile, weighted
from loadtest.record.readings import FleetSample, Reading
from loadtest.record.requests import Session


def reading(load_w: float, capacity_w: float = 1000) -> Reading:
    return Reading(load_w, capacity_w, 0, 1, 0, 0, 0, 0, 0, 0)


def sample(at_s: float, *loads_w: float) -> FleetSample:
    return FleetSample(at_s, {f"substation-{index}": reading(load_w) for index, load_w in enumerate(loads_w)})


def session(start_ms: int, end_ms: int, power_w: int) -> Session:
    return Session(f"{start_ms}-{end_ms}", "substation-1", power_w, start_ms, end_ms, ((end_ms, power_w),))


@pytest.mark.parametrize(
    ("percent", "expected"), [(0, 1), (1, 1), (50, 50), (95, 95), (99, 99), (99.1, 100), (100, 100)]
)
def test_a_percentile_is_the_nearest_rank(percent: float, expected: float) -> None:
    assert percentile(list(range(100, 0, -1)), percent) == expected


def test_a_percentile_of_one_value_is_that_value_and_of_none_an_error() -> None:
    assert percentile([7], 99) == 7
    with pytest.raises(ValueError, match="nothing"):
        percentile([], 50)


def test_a_sample_stands_until_the_next_one_or_the_end_of_the_window() -> None:
    samples = [sample(0, 1), sample(1, 2), sample(4, 3), sample(20, 9)]
    assert [(each.at_unix_s, seconds) for each, seconds in weighted(samples, 6)] == [(0, 1), (1, 3), (4, 2)]


def test_an_average_weighs_values_by_time() -> None:
    assert average([(10, 1), (40, 3)]) == 32.5
    assert average([]) is None
    assert average([(10, 0)]) is None


def test_the_ratio_is_one_when_all_are_alike_and_n_when_one_carries_everything() -> None:
    assert balance_ratio([sample(0, 50, 50, 50)], 1) == 1
    assert balance_ratio([sample(0, 90, 0, 0)], 1) == pytest.approx(3)


def test_the_ratio_compares_utilization_not_load() -> None:
    uneven = FleetSample(0, {"small": reading(100, 1000), "large": reading(200, 2000)})
    assert balance_ratio([uneven], 1) == 1


def test_the_ratio_averages_over_time_and_leaves_out_what_is_up_to_half_the_peak() -> None:
    samples = [sample(0, 100, 0), sample(1, 150, 50), sample(2, 120, 80), sample(5, 100, 0)]
    # 0 and 5: 100 of a peak of 200 is not above half; 1.5 for a second, 1.2 for three
    assert balance_ratio(samples, 9) == pytest.approx((1.5 + 3 * 1.2) / 4)


def test_an_idle_fleet_has_no_ratio() -> None:
    assert balance_ratio([], 1) is None
    assert balance_ratio([sample(0, 0, 0)], 1) is None


def test_the_sweep_finds_a_known_overload() -> None:
    sessions = [session(0, 100, 11_000), session(10, 50, 22_000), session(40, 90, 7_400)]
    assert highest_sum_w(sessions) == 40_400  # all three from 40 to 50
    assert highest_sum_w(sessions[1:]) == 29_400
    assert highest_sum_w([]) == 0


@pytest.mark.parametrize(("start_ms", "expected_w"), [(97, 2), (98, 1), (99, 1), (100, 1), (101, 1)])
def test_an_end_frees_for_a_start_up_to_two_ms_before_it(start_ms: int, expected_w: int) -> None:
    assert highest_sum_w([session(0, 100, 1), session(start_ms, 200, 1)]) == expected_w


@given(
    st.lists(
        st.tuples(st.integers(0, 200), st.integers(5, 100), st.integers(1, 9)).map(
            lambda each: session(each[0], each[0] + each[1], each[2])
        ),
        max_size=25,
    )
)
def test_the_sweep_agrees_with_adding_up_every_millisecond(sessions: list[Session]) -> None:
    def load_w(at_ms: int) -> int:
        return sum(s.power_w for s in sessions if s.started_unix_ms <= at_ms < s.expected_end_unix_ms - 2)

    assert highest_sum_w(sessions) == max(load_w(at_ms) for at_ms in range(301))


def test_balance_is_that_of_the_substations_that_take_cars_at_the_moment() -> None:
    drained = dataclasses.replace(reading(0), draining=True)
    names = ("substation-0", "substation-1", "substation-2")
    before = sample(0, 60, 60, 60)
    after = FleetSample(1, dict(zip(names, (reading(90), reading(60), drained), strict=True)))
    assert balance_ratio([before, after], 2) == pytest.approx((1 + 90 / 75) / 2)
    assert balance_ratio([FleetSample(0, {"substation-0": drained})], 1) is None
