"""Candidates by rising utilization, and the lowest of them, as a plain sort finds them."""

import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from balancer.fleet.candidates import FULL, SORTED, Candidates

SHARES = st.lists(st.sampled_from((0.1, 0.2, 0.3, 0.5, 0.7, 0.8, 0.9, 1.0, 1.1, 1.5)), max_size=30)


def named(shares: list[float]) -> Candidates:
    return Candidates([f"s-{number:04}" for number in range(len(shares))], shares)


@given(SHARES)
def test_they_rise_and_equal_ones_come_together(shares: list[float]) -> None:
    found = list(named(shares).rising())
    plain = sorted((share, f"s-{number:04}") for number, share in enumerate(shares) if share <= FULL)
    groups = itertools.groupby(plain, key=lambda pair: pair[0])
    assert [sorted(equal) for equal in found] == [[name for _, name in group] for _, group in groups]
    assert named(shares).only_one() is (len(plain) < 2)


@pytest.mark.parametrize("count", [3, SORTED, SORTED + 100])
def test_the_lowest_are_those_of_a_sort_and_have_room(count: int) -> None:
    rng = random.Random(1)
    shares = [rng.choice((0.2, 0.4, 0.6)) + rng.random() / 2 for _ in range(count)]
    candidates = named(shares)
    plain = [name for share, name in sorted(zip(shares, candidates.names, strict=True)) if share <= FULL]
    assert candidates.lowest(12) == plain[:12]
    assert candidates.lowest(2) == plain[:2]
    assert named([1.2] * count).lowest(12) == []


def test_a_single_one_is_found_by_its_id_and_another_is_not() -> None:
    candidates = named([0.5, 0.7])
    assert list(candidates.only("s-0001")) == [(0.7, "s-0001")]
    assert list(candidates.only("elsewhere")) == []
