"""Each shape puts its moments where it says, within the window, and as a function of its seed."""

import collections
import random
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.plan.shapes import DAY, DAY_H, SHAPES, SPIKE_SHARE

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


def test_an_instant_is_the_beginning_of_the_window() -> None:
    assert SHAPES["instant"](3, 60.0, random.Random(1)) == [0.0, 0.0, 0.0]
