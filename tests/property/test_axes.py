"""Ticks and scales, for every extent; a thinned line, for every line."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.paper.axes import Linear, Logarithmic, decade_ticks, share_ticks, step, tail, tick_text, ticks
from loadtest.paper.series import INTERVALS, interval_s, intervals, thin

values = st.floats(-1e6, 1e6)
extents = st.tuples(values, st.floats(1e-3, 1e6)).map(lambda each: (each[0], each[0] + each[1]))
abouts = st.integers(2, 12)


@given(extents, abouts)
def test_ticks_are_few_even_and_within(extent: tuple[float, float], about: int) -> None:
    low, high = extent
    found = ticks(low, high, about)
    width = step(low, high, about)
    assert len(found) <= about + 1
    assert all(low - width * 1e-6 <= each <= high + width * 1e-6 for each in found)
    assert all(math.isclose(b - a, width, rel_tol=1e-6, abs_tol=1e-9) for a, b in itertools.pairwise(found))
    assert round(width / 10 ** math.floor(math.log10(width * 1.0001)), 6) in {1, 2, 5}
    assert not found or (found[0] - low < width * 1.001 and high - found[-1] < width * 1.001)


@given(extents)
def test_a_linear_scale_keeps_order_and_ends(extent: tuple[float, float]) -> None:
    scale = Linear(*extent, 40.0, 390.0)
    assert scale(extent[0]) == 40
    assert scale(extent[1]) == pytest.approx(390)
    assert scale(extent[0]) <= scale(sum(extent) / 2) <= scale(extent[1])


def test_a_scale_without_extent_has_one_place() -> None:
    assert Linear(3.0, 3.0, 40.0, 390.0)(3.0) == 40


@given(st.floats(1e-2, 1e3), st.floats(1.5, 1e6))
def test_each_tenfold_is_equally_far_on_a_logarithmic_scale(low: float, times: float) -> None:
    scale = Logarithmic(low, low * times, 0.0, 100.0)
    assert scale(low * math.sqrt(times)) == pytest.approx(50, abs=1e-6)
    assert scale(0.0) == scale(low) == 0
    assert all(low <= each <= low * times for each in decade_ticks(low, low * times))


@given(st.integers(1, 10**6))
def test_only_shares_that_so_many_values_tell_apart_have_a_tick(count: int) -> None:
    assert all(count * (1 - share) >= 1 - 1e-6 for share in share_ticks(count))
    assert tail(0.99) == pytest.approx(2)


@pytest.mark.parametrize(
    ("value", "text"), [(0.0, "0"), (-0.0, "0"), (1400.0, "1,400"), (0.05, "0.05"), (1e6, "1,000,000")]
)
def test_a_tick_has_no_digit_too_many(value: float, text: str) -> None:
    assert tick_text(value) == text


points = st.lists(st.tuples(st.floats(0, 1e4), st.none() | st.floats(0, 1e6)), max_size=3000).map(
    lambda each: sorted(each, key=lambda point: point[0])
)


@given(points, st.integers(10, 200))
def test_a_thinned_line_is_short_and_loses_no_peak(line: list[tuple[float, float | None]], most: int) -> None:
    kept = thin(line, most)
    heights = [y for _, y in line if y is not None]
    found = [y for _, y in kept if y is not None]
    assert len(kept) <= max(1.5 * most + 3, 1)
    assert max(heights, default=None) == max(found, default=None)
    assert min(heights, default=None) == min(found, default=None)
    assert [x for x, _ in kept] == sorted(x for x, _ in kept)


@given(st.lists(st.floats(0, 4000), max_size=50), st.floats(1, 4000))
def test_everything_that_happened_is_counted_once(moments: list[float], until_s: float) -> None:
    found = intervals([(at_s, "x") for at_s in moments], until_s)
    assert sum(each.counts.get("x", 0) for each in found) == len(moments)
    assert len(found) <= INTERVALS + 2
    assert found[-1].from_s + interval_s(until_s) >= until_s - 1e-6
