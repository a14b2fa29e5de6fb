"""The rank test of repeats: exact, symmetric, and silent about what a few runs can't tell."""

import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.compare.noise import CHANCE, FEWEST, Finding, judge, least_chance, rank_test

figures = st.floats(-1e9, 1e9, allow_nan=False)
few_levels = st.integers(0, 3).map(float)  # many ties
groups = st.lists(st.one_of(figures, few_levels), min_size=1, max_size=6)


def by_dealing(first: list[float], second: list[float]) -> float:
    """The same test by its definition: deal the values out in every way and look."""
    values = [*first, *second]
    ranks = [sum(v < value for v in values) + (sum(v == value for v in values) + 1) / 2 for value in values]
    mean = len(first) * (len(values) + 1) / 2
    seen = abs(sum(ranks[: len(first)]) - mean)
    ways = [abs(sum(way) - mean) >= seen for way in itertools.combinations(ranks, len(first))]
    return sum(ways) / len(ways)


@given(groups, groups)
def test_it_is_what_dealing_the_values_out_in_every_way_gives(
    first: list[float], second: list[float]
) -> None:
    assert rank_test(first, second) == pytest.approx(by_dealing(first, second))


@given(groups, groups)
def test_which_group_is_named_first_does_not_matter(first: list[float], second: list[float]) -> None:
    assert judge(first, second).finding is judge(second, first).finding
    assert rank_test(first, second) == rank_test(second, first)


@given(st.lists(figures, min_size=1, max_size=8), st.randoms(use_true_random=False))
def test_identical_groups_never_differ(values: list[float], rng: random.Random) -> None:
    shuffled = rng.sample(values, len(values))
    assert judge(values, shuffled).finding is not Finding.DIFFERS
    assert rank_test(values, shuffled) == 1


@given(st.lists(st.integers(-1000, 1000).map(float), min_size=4, max_size=6), st.integers(4, 6))
def test_only_the_order_of_the_values_counts(values: list[float], count: int) -> None:
    first, second = values, [value + 1 for value in values[:count]]
    stretched = [2 * value + 7 for value in first], [2 * value + 7 for value in second]
    assert rank_test(first, second) == rank_test(*stretched)


@given(st.integers(4, 8), st.integers(4, 8), st.floats(1, 1e6))
def test_groups_without_overlap_differ_from_four_runs_each_on(a: int, b: int, gap: float) -> None:
    low, high = [float(n) for n in range(a)], [a + gap + n for n in range(b)]
    assert judge(low, high).finding is Finding.DIFFERS
    assert rank_test(low, high) == pytest.approx(least_chance(a, b))


@pytest.mark.parametrize(
    ("first", "second", "why"),
    [
        ([], [1.0, 2.0, 3.0, 4.0], "not measured"),
        ([1.0], [2.0, 3.0, 4.0, 5.0], "one run only"),
        ([1.0, 1.1], [2.0, 2.1], "2 runs, 4 needed"),
        ([1.0, 1.1], [float(n) for n in range(2, 40)], "2 runs, 4 needed"),
        ([1.0, 1.1, 1.2], [2.0, 2.1, 2.2], "3 runs, 4 needed"),
    ],
)
def test_too_few_runs_are_told_with_how_many_are_enough(
    first: list[float], second: list[float], why: str
) -> None:
    verdict = judge(first, second)
    assert verdict.finding is Finding.CANT_TELL
    assert verdict.why == why
    assert verdict.chance is None
    assert FEWEST == 3


def test_a_known_sample_with_ties_has_the_probability_of_another_implementation() -> None:
    """The example of NAG's g08ahc, whose exact tail is 0.0020; its two tails are about twice that."""
    first = [13, 6, 12, 7, 12, 7, 10, 7, 10, 7, 16, 7, 10, 8, 9, 8]
    other = [17, 6, 10, 8, 15, 8, 15, 10, 15, 10, 14, 10, 14, 11, 14, 11, 13, 12, 13, 12, 13, 12, 12]
    assert rank_test(first, other) == pytest.approx(2 * 0.0020, abs=2e-4)


def test_alike_groups_are_called_different_no_more_often_than_said() -> None:
    rng = random.Random(1)
    draws = [judge([rng.random() for _ in range(5)], [rng.random() for _ in range(5)]) for _ in range(2000)]
    wrong = sum(draw.finding is Finding.DIFFERS for draw in draws) / len(draws)
    assert 0.01 < wrong <= CHANCE
