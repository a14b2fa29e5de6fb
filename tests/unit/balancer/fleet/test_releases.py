"""What reports say of the power that is released: between their points, and what is surely free."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from balancer.fleet.health import Health
from balancer.fleet.member import FINITE_WITHIN_S, Member, released_w
from substation.contract import RELEASES_WITHIN_S
from tests.unit.balancer.fleets import KW, Fleet, releases, report

FREED = {1.0: 10_000, 2.0: 30_000, 10.0: 40_000}


@pytest.mark.parametrize(
    ("elapsed_s", "expected_w"),
    [
        (-1.0, 0),
        (0.0, 0),
        (0.5, 0),
        (0.75, 5_000),
        (1.0, 10_000),
        (1.75, 20_000),
        (2.0, 30_000),
        (8.0, 30_000),
        (9.0, 35_000),
        (10.0, 40_000),
        (14_400.0, 40_000),
        (1e9, 40_000),
    ],
)
def test_releases_are_linear_between_the_points_and_flat_beyond_them(
    elapsed_s: float, expected_w: float
) -> None:
    assert released_w(releases(FREED, 90 * KW), elapsed_s) == expected_w


@pytest.mark.parametrize(
    ("elapsed_s", "freed_w"),
    [
        (-1.0, 0),
        (0.0, 0),
        (0.99, 0),
        (1.0, 10_000),
        (1.99, 10_000),
        (2.0, 30_000),
        (9.9, 30_000),
        (10.0, 40_000),
        (1e9, 40_000),
    ],
)
def test_what_is_surely_freed_is_what_points_that_are_over_say(elapsed_s: float, freed_w: int) -> None:
    fleet = Fleet(report(load_kw=90, releases_w=releases(FREED, 90 * KW)))
    with fleet.view.holding("a", 5 * KW):
        assert fleet.roster.members["a"].most_w(elapsed_s) == 95 * KW - freed_w
        assert fleet.view.free_w((), elapsed_s, surely=True) == {"a": 5 * KW + freed_w}


@st.composite
def schedules(draw: st.DrawFn) -> tuple[int, ...]:
    steps = draw(
        st.lists(st.integers(0, 30_000), min_size=len(RELEASES_WITHIN_S), max_size=len(RELEASES_WITHIN_S))
    )
    return tuple(itertools.accumulate(steps))


@given(schedule=schedules(), elapsed_s=st.floats(0, 20_000))
def test_releases_never_fall_and_stay_within_the_neighbouring_points(
    schedule: tuple[int, ...], elapsed_s: float
) -> None:
    points = dict(zip(FINITE_WITHIN_S, (0, *schedule), strict=False))
    low = max(w for s, w in points.items() if s <= elapsed_s)
    high = min((w for s, w in points.items() if s >= elapsed_s), default=low)
    assert low <= released_w(schedule, elapsed_s) <= high
    assert released_w(schedule, elapsed_s) <= released_w(schedule, elapsed_s + 0.1)


@given(
    schedule=schedules(),
    elapsed_s=st.floats(0, 20_000) | st.sampled_from(FINITE_WITHIN_S),
    outstanding_w=st.integers(0, 50_000),
    demand_w=st.integers(1, 120_000),
)
def test_a_demand_fits_at_the_first_point_by_which_enough_is_surely_freed(
    schedule: tuple[int, ...], elapsed_s: float, outstanding_w: int, demand_w: int
) -> None:
    now_s = 1000.0 + elapsed_s
    seen = report(capacity_w=100 * KW, load_w=schedule[-1], releases_w=schedule)
    member = Member("http://a:1", seen, 1000.0, Health(), outstanding_w=outstanding_w)
    openings = member.openings(now_s)
    assert openings == [(moment_s, member.free_w(moment_s)) for moment_s, _ in openings]
    assert member.free_w(now_s) == 100 * KW - member.most_w(now_s)
    fitting = [  # with what is outstanding, else as if it came to nothing
        moment_s - now_s
        for refused_w in (0, outstanding_w)
        for moment_s, free_w in openings
        if free_w + refused_w >= demand_w
    ]
    assert member.fits_in_s(demand_w, now_s) == (pytest.approx(fitting[0], abs=1e-6) if fitting else None)


@given(schedule=schedules(), elapsed_s=st.floats(0, 20_000))
def test_what_is_freed_from_now_on_is_what_the_estimate_then_lacks(
    schedule: tuple[int, ...], elapsed_s: float
) -> None:
    seen = report(capacity_w=100 * KW, load_w=schedule[-1], releases_w=schedule)
    member = Member("http://a:1", seen, 1000.0, Health())
    now_s = 1000.0 + elapsed_s
    for within_s, freed_w in member.releases(now_s):
        later_w = member.estimate_w(now_s) - freed_w
        assert later_w == pytest.approx(member.estimate_w(now_s + within_s), abs=1e-3)
