"""The charging plan: pure arithmetic that a client and an oracle replay to the last watt."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from substation.plan import Plan

PLANS = st.builds(
    Plan,
    energy_j=st.integers(1, 10**12),
    power_w=st.integers(1, 10**6),
    stay_ms=st.one_of(st.just(0), st.integers(1, 10**9)),
)
MOMENTS = st.integers(-(10**6), 10**15)


def test_a_plan_without_a_stay_lasts_until_the_energy_is_delivered() -> None:
    assert Plan(energy_j=22_000, power_w=11_000).duration_ms == 2000


def test_a_duration_is_rounded_up_to_the_millisecond_that_delivers_the_last_joule() -> None:
    plan = Plan(energy_j=10, power_w=3)
    assert plan.duration_ms == 3334
    assert plan.delivered_j(3333) == 9
    assert plan.delivered_j(3334) == 10


def test_a_car_that_leaves_early_ends_its_plan_and_gets_less() -> None:
    plan = Plan(energy_j=22_000, power_w=11_000, stay_ms=500)
    assert plan.duration_ms == 500
    assert plan.delivered_j(10_000) == 5500


def test_a_car_that_stays_on_after_it_is_full_holds_no_power() -> None:
    plan = Plan(energy_j=22_000, power_w=11_000, stay_ms=9000)
    assert plan.duration_ms == 2000
    assert plan.reserved_w(1999) == 11_000
    assert plan.reserved_w(2000) == 0


@pytest.mark.parametrize(
    ("energy_j", "power_w", "stay_ms"),
    [(0, 1, 0), (-1, 1, 0), (1, 0, 0), (1, -1, 0), (1, 1, -1), (2**62, 1, 0)],
)
def test_nonsense_is_no_plan(energy_j: int, power_w: int, stay_ms: int) -> None:
    with pytest.raises(ValueError, match="not a plan"):
        Plan(energy_j, power_w, stay_ms)


@given(plan=PLANS, moments=st.lists(MOMENTS, min_size=2, max_size=2).map(sorted))
def test_the_reservation_never_rises_and_is_zero_at_the_end(plan: Plan, moments: list[int]) -> None:
    earlier, later = moments
    assert plan.reserved_w(earlier) >= plan.reserved_w(later) >= 0
    assert plan.reserved_w(plan.duration_ms) == 0
    assert sum(freed for _, freed in plan.releases()) == plan.power_w


@given(plan=PLANS, moments=st.lists(MOMENTS, min_size=2, max_size=2).map(sorted))
def test_delivery_only_rises_and_never_exceeds_the_energy(plan: Plan, moments: list[int]) -> None:
    earlier, later = moments
    assert 0 <= plan.delivered_j(earlier) <= plan.delivered_j(later) <= plan.energy_j


@given(plan=PLANS, after=st.integers(0, 10**12))
def test_nothing_is_delivered_after_the_plan_has_ended(plan: Plan, after: int) -> None:
    assert plan.delivered_j(plan.duration_ms + after) == plan.delivered_j(plan.duration_ms)


@given(energy_j=st.integers(1, 10**12), power_w=st.integers(1, 10**6))
def test_without_a_stay_all_the_energy_is_delivered_at_the_end(energy_j: int, power_w: int) -> None:
    plan = Plan(energy_j, power_w)
    assert plan.delivered_j(plan.duration_ms) == energy_j
