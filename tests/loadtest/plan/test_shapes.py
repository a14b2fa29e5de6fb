"""Each shape puts its moments where it says, within the window, and as a function of its seed."""

import collections
import random
import statistics

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loadtest.plan.clock import DAY_H
from loadtest.plan.shapes import DAY, SHAPES, SPIKE_SHARE, DayPart, day, rate

MANY = 40_000


def tenths(shape: str, parts: int = 10) -> list[float]:
    """Return the share of the moments in each of `parts` equal parts of the window."""
    moments_s = SHAPES[shape](MANY, 60.0, random.Random(1))
    found = collections.Counter(min(int(at_s / 60 * parts), parts - 1) for at_s in moments_s)
    return [found[part] / len(moments_s) for part in range(parts)]


@given(
    shape=st.sampled_from(sorted(SHAPES)),
    seed=st.integers(0, 2**53),
    count=st.integers(1, 200),
    span_s=st.floats(0.1, 3600),
)
def test_moments_lie_within_the_window_and_follow_from_the_seed(
    shape: str, seed: int, count: int, span_s: float
) -> None:
    moments_s = SHAPES[shape](count, span_s, random.Random(seed))
    assert all(0 <= at_s <= span_s for at_s in moments_s)
    assert len(moments_s) == count or (shape == "poisson" and moments_s)
    assert moments_s == SHAPES[shape](count, span_s, random.Random(seed))


def test_the_default_shape_and_a_poisson_process_have_the_same_rate_everywhere() -> None:
    assert tenths("uniform") == pytest.approx([0.1] * 10, abs=0.01)
    assert tenths("poisson") == pytest.approx([0.1] * 10, abs=0.01)


def test_the_number_of_cars_of_a_poisson_process_varies_as_poisson_says() -> None:
    counts = [len(SHAPES["poisson"](400, 60.0, random.Random(seed))) for seed in range(400)]
    assert statistics.mean(counts) == pytest.approx(400, rel=0.01)
    assert statistics.variance(counts) == pytest.approx(400, rel=0.2)  # equal to the mean


def test_most_cars_of_a_spike_come_in_the_tenth_in_the_middle() -> None:
    twentieths = tenths("spike", 20)
    assert sum(twentieths[9:11]) == pytest.approx(SPIKE_SHARE + (1 - SPIKE_SHARE) / 10, abs=0.01)
    assert twentieths[0] == pytest.approx((1 - SPIKE_SHARE) / 20, abs=0.005)


def test_the_rate_of_a_ramp_rises_in_a_straight_line() -> None:
    assert tenths("ramp") == pytest.approx([(2 * tenth + 1) / 100 for tenth in range(10)], abs=0.01)


def test_the_day_peaks_in_the_evening_and_next_in_the_morning_as_measured() -> None:
    quarters = tenths("evening", 96)
    hours = [sum(quarters[hour * 4 : hour * 4 + 4]) for hour in range(24)]
    assert max(range(24), key=hours.__getitem__) in {17, 18}
    morning = max(range(12), key=hours.__getitem__)
    assert morning == 8
    assert hours[morning] > max(hours[11], hours[6])
    assert sum(share for share, _, _ in DAY) == pytest.approx(1)
    assert sum(hours[int(DAY_H) - 24 : 5]) < 0.02  # hardly anybody comes at night


PARTS = st.builds(DayPart, st.floats(0, 24, exclude_max=True), st.floats(0.05, 60))


@given(part=PARTS, seed=st.integers(0, 2**53), count=st.integers(1, 200), span_s=st.floats(0.1, 3600))
def test_the_cars_of_a_part_of_a_day_lie_within_the_window_and_follow_from_the_seed(
    part: DayPart, seed: int, count: int, span_s: float
) -> None:
    moments_s = day(count, span_s, random.Random(seed), part)
    assert len(moments_s) == count
    assert all(0 <= at_s <= span_s for at_s in moments_s)
    assert moments_s == day(count, span_s, random.Random(seed), part)


@given(from_h=st.floats(0, 24, exclude_max=True), seed=st.integers(0, 2**53))
@settings(max_examples=5)
def test_wherever_a_day_begins_its_cars_peak_at_the_same_times_of_day(from_h: float, seed: int) -> None:
    """By the mean times of the evening's and of the morning's cars: which half hour is the fullest is chance."""
    moments_h = [(from_h + at_h) % DAY_H for at_h in day(8_000, DAY_H, random.Random(seed), DayPart(from_h))]
    for first_h, last_h, mean_h in ((14, 22, 17.81), (6, 12, 9.2)):
        found = [at_h for at_h in moments_h if first_h <= at_h < last_h]
        assert sum(found) / len(found) == pytest.approx(mean_h, abs=0.2)  # 0.03 is its standard deviation


@given(part=PARTS)
def test_the_rate_of_a_part_never_exceeds_the_highest_that_thinning_assumes(part: DayPart) -> None:
    steps = 97
    rates = [rate(part.from_h + step / steps * part.hours) for step in range(steps + 1)]
    assert max(rates) <= part.highest_rate


def test_the_rate_of_a_day_peaks_at_the_measured_quarters_of_an_hour() -> None:
    quarters = [quarter / 4 for quarter in range(96)]
    assert max(quarters, key=rate) == 18.25
    assert max((each for each in quarters if each < 12), key=rate) == 8.75


@given(part=PARTS, cut=st.floats(0.01, 0.99))
def test_the_parts_of_a_day_have_the_cars_of_the_whole(part: DayPart, cut: float) -> None:
    first = DayPart(part.from_h, part.hours * cut)
    second = DayPart(part.from_h + first.hours, part.hours - first.hours)
    assert first.share + second.share == pytest.approx(part.share, rel=0.01, abs=1e-3)
    assert DayPart(part.from_h).share == pytest.approx(1, abs=1e-3)


def test_an_instant_is_the_beginning_of_the_window() -> None:
    assert SHAPES["instant"](3, 60.0, random.Random(1)) == [0.0, 0.0, 0.0]
