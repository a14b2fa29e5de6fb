"""Means over windows: of what is known, in the order of time, and a gap stays a gap."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from admin_ui.grid.means import FLEET, Figures, Mean, Means

START = 1_800_000_000  # a multiple of 60


def figures(load_kw: float) -> Figures:
    return Figures(load_kw, 0.0, 1400.0, 3.0, 1400.0)


def test_a_window_is_told_when_a_second_of_a_later_one_comes() -> None:
    means = Means(10)
    assert means.put(START, {"s-1": figures(100.0)}) == []
    assert means.put(START + 9, {"s-1": figures(200.0), FLEET: figures(900.0)}) == []
    assert means.put(START + 30, {"s-1": figures(1.0)}) == [
        Mean("s-1", START, figures(150.0), 2),
        Mean(FLEET, START, figures(900.0), 1),
    ]


def test_a_window_of_which_nothing_is_known_has_no_mean() -> None:
    means = Means(10)
    means.put(START, {"s-1": figures(1.0)})
    assert means.put(START + 10, {}) == []
    assert [mean.at_s for mean in means.put(START + 20, {"s-1": figures(1.0)})] == [START]


@given(st.lists(st.one_of(st.none(), st.integers(0, 2000)), min_size=1, max_size=200))
def test_means_of_means_are_those_of_all_the_seconds(loads: list[int | None]) -> None:
    fine, coarse, direct = Means(10), Means(60), Means(60)
    by_means, at_once = [], []
    for second, load_kw in enumerate([*loads, *[None] * 60, 0, *[None] * 60, 0]):
        known = {} if load_kw is None else {"s-1": figures(load_kw)}
        by_means += coarse.put_means(fine.put(START + second, known))
        at_once += direct.put(START + second, known)
    assert [(mean.at_s, mean.seconds) for mean in by_means] == [
        (mean.at_s, mean.seconds) for mean in at_once[: len(by_means)]
    ]
    for one, other in zip(by_means, at_once, strict=False):
        assert one.figures == pytest.approx(other.figures)
    assert len(at_once) - len(by_means) <= 1
