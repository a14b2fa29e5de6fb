"""The charging plan: pure arithmetic that a client and an oracle replay to the last watt."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from substation.plan import CUT_OFF, FULL_AT, FULL_SHARE, MILLION, STEPS_AT, TAU, Plan

ENERGIES = st.integers(1, 10**12)
POWERS = st.integers(1, 10**6)
STAYS = st.one_of(st.just(0), st.integers(1, 10**9))
PLANS = st.builds(Plan, ENERGIES, POWERS, STAYS, st.booleans())
# As cars are: hours of charging at some kilowatts, so that a millisecond is nothing.
CARS = st.builds(Plan, st.integers(10**6, 10**9), st.integers(1000, 350_000))
MOMENTS = st.integers(-(10**6), 10**15)


def before_the_taper(plan: Plan, elapsed_ms: int) -> bool:
    """Whether less than 80 % of the energy has come, in whole numbers."""
    return 10 * plan.power_w * elapsed_ms <= 8 * plan.energy_j * 1000


def test_a_car_that_wants_22_kwh_at_11_kw_charges_as_batteries_do() -> None:
    plan = Plan(energy_j=22 * 3_600_000, power_w=11_000)
    hours = {
        "the knee": 1.6,
        "draw at 3/4": 1.6 + 2 * TAU * math.log(4 / 3),
        "at 1/2": 1.6 + 2 * TAU * math.log(2),
        "full": 1.6 + 2 * TAU * math.log(10),
    }
    knee, three_quarters, half, full = (math.ceil(each * 3_600_000) for each in hours.values())
    assert plan.draw_w(knee) == plan.reserved_w(knee) == 11_000
    assert plan.delivered_j(knee) == 0.8 * plan.energy_j
    assert plan.draw_w(three_quarters) == pytest.approx(8250, rel=1e-5)
    assert plan.draw_w(half) == pytest.approx(5500, rel=1e-5)
    assert plan.duration_ms == pytest.approx(full, rel=1e-5)
    assert [watts for _, watts in plan.releases()] == [2750, 2750, 2750, 2750]
    assert plan.releases()[0][0] == pytest.approx(three_quarters, rel=1e-5)
    assert plan.releases()[1][0] == pytest.approx(half, rel=1e-5)


def test_a_plan_without_a_taper_lasts_until_the_energy_is_delivered_at_full_power() -> None:
    assert Plan(energy_j=22_000, power_w=11_000, taper=False).duration_ms == 2000


def test_a_duration_is_rounded_up_to_the_millisecond_that_delivers_the_last_joule() -> None:
    plan = Plan(energy_j=10, power_w=3, taper=False)
    assert plan.duration_ms == 3334
    assert plan.delivered_j(3333) == 9
    assert plan.delivered_j(3334) == 10


def test_a_car_that_leaves_early_ends_its_plan_and_gets_less() -> None:
    plan = Plan(energy_j=22_000, power_w=11_000, stay_ms=500)
    assert plan.duration_ms == 500
    assert plan.delivered_j(10_000) == 5500


@pytest.mark.parametrize(("taper", "full_ms"), [(False, 2000), (True, 2624)])
def test_a_car_that_stays_on_after_it_is_full_holds_no_power(taper: bool, full_ms: int) -> None:
    plan = Plan(energy_j=22_000, power_w=11_000, stay_ms=9000, taper=taper)
    assert plan.duration_ms == full_ms
    assert plan.reserved_w(full_ms - 1) == (2750 if taper else 11_000)
    assert plan.reserved_w(full_ms) == 0
    assert plan.delivered_j(full_ms) == 22_000


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


@given(plan=PLANS)
def test_releases_come_one_after_the_other_and_each_frees_something(plan: Plan) -> None:
    releases = plan.releases()
    assert all(earlier < later for (earlier, _), (later, _) in itertools.pairwise(releases))
    assert 0 < releases[0][0] <= releases[-1][0] == plan.duration_ms
    assert min(freed for _, freed in releases) > 0
    assert len(releases) <= (4 if plan.taper else 1)


@given(plan=PLANS, elapsed_ms=MOMENTS, data=st.data())
def test_the_draw_never_exceeds_the_reservation(plan: Plan, elapsed_ms: int, data: st.DataObject) -> None:
    steps = [after + off for after, _ in plan.releases() for off in (-1, 0, 1)]
    for moment in (elapsed_ms, data.draw(st.integers(0, plan.duration_ms)), *steps):
        assert 0 <= plan.draw_w(moment) <= plan.reserved_w(moment)
        if not 0 <= moment < plan.duration_ms:
            assert plan.draw_w(moment) == 0


@given(plan=PLANS, data=st.data())
def test_power_is_constant_until_four_fifths_of_the_energy(plan: Plan, data: st.DataObject) -> None:
    elapsed_ms = data.draw(st.integers(0, plan.duration_ms - 1))
    if before_the_taper(plan, elapsed_ms):
        assert plan.draw_w(elapsed_ms) == plan.reserved_w(elapsed_ms) == plan.power_w
        assert plan.delivered_j(elapsed_ms) == plan.power_w * elapsed_ms // 1000
    elif plan.taper:
        assert plan.draw_w(elapsed_ms) < plan.power_w
        assert plan.delivered_j(elapsed_ms) >= math.floor(0.8 * plan.energy_j)


@given(plan=CARS)
def test_the_reservation_follows_the_draw_within_a_quarter_of_the_power(plan: Plan) -> None:
    """Less would be above the draw; more would keep from others what nobody uses."""
    for percent in range(100):
        elapsed_ms = plan.duration_ms * percent // 100
        spare_w = plan.reserved_w(elapsed_ms) - plan.draw_w(elapsed_ms)
        assert 0 <= spare_w <= plan.power_w / 4 + 1


@given(plan=CARS)
def test_what_is_delivered_is_what_is_drawn(plan: Plan) -> None:
    moments = [plan.duration_ms * n // 200 for n in range(201)]
    drawn_j = 0.0
    for earlier, later in itertools.pairwise(moments):  # by the trapezoid rule
        last_w = plan.draw_w(min(later, plan.duration_ms - 1))
        drawn_j += (plan.draw_w(earlier) + last_w) / 2 * (later - earlier) / 1000
        assert plan.delivered_j(later) == pytest.approx(drawn_j, rel=1e-3, abs=2)


@given(plan=PLANS, moments=st.lists(MOMENTS, min_size=2, max_size=2).map(sorted))
def test_delivery_only_rises_and_never_exceeds_the_energy(plan: Plan, moments: list[int]) -> None:
    earlier, later = moments
    assert 0 <= plan.delivered_j(earlier) <= plan.delivered_j(later) <= plan.energy_j


@given(plan=PLANS, data=st.data())
def test_delivery_rises_from_one_millisecond_to_the_next(plan: Plan, data: st.DataObject) -> None:
    elapsed_ms = data.draw(st.integers(0, plan.duration_ms))
    assert plan.delivered_j(elapsed_ms) <= plan.delivered_j(elapsed_ms + 1)


@given(plan=PLANS, after=st.integers(0, 10**12))
def test_nothing_is_delivered_after_the_plan_has_ended(plan: Plan, after: int) -> None:
    assert plan.delivered_j(plan.duration_ms + after) == plan.delivered_j(plan.duration_ms)


@given(energy_j=ENERGIES, power_w=POWERS, taper=st.booleans())
def test_without_a_stay_all_the_energy_is_delivered_at_the_end(
    energy_j: int,
    power_w: int,
    taper: bool,
) -> None:
    plan = Plan(energy_j, power_w, taper=taper)
    assert plan.delivered_j(plan.duration_ms) == energy_j


@given(energy_j=ENERGIES, power_w=POWERS, data=st.data())
def test_a_stay_cuts_the_plan_at_any_point_and_changes_nothing_before_it(
    energy_j: int, power_w: int, data: st.DataObject
) -> None:
    whole = Plan(energy_j, power_w)
    stay_ms = data.draw(st.integers(1, whole.duration_ms))
    cut = Plan(energy_j, power_w, stay_ms)
    assert cut.duration_ms == stay_ms
    assert cut.delivered_j(stay_ms) == whole.delivered_j(stay_ms)
    assert cut.reserved_w(stay_ms) == cut.draw_w(stay_ms) == 0
    elapsed_ms = data.draw(st.integers(0, stay_ms - 1))
    assert cut.reserved_w(elapsed_ms) == whole.reserved_w(elapsed_ms)
    assert cut.draw_w(elapsed_ms) == whole.draw_w(elapsed_ms)
    assert cut.delivered_j(elapsed_ms) == whole.delivered_j(elapsed_ms)


@given(energy_j=ENERGIES, power_w=st.integers(1, 2**63 - 1), stay_ms=STAYS, elapsed_ms=MOMENTS)
def test_a_plan_of_an_older_journal_is_what_it_was(
    energy_j: int, power_w: int, stay_ms: int, elapsed_ms: int
) -> None:
    """The arithmetic from before the taper, unchanged."""
    plan = Plan(energy_j, power_w, stay_ms, taper=False)
    full_ms = -(-energy_j * 1000 // power_w)
    duration_ms = min(full_ms, stay_ms) if stay_ms else full_ms
    assert plan.duration_ms == duration_ms
    assert plan.releases() == ((duration_ms, power_w),)
    assert plan.reserved_w(elapsed_ms) == (power_w if elapsed_ms < duration_ms else 0)
    assert plan.delivered_j(elapsed_ms) == min(
        energy_j, power_w * min(max(elapsed_ms, 0), duration_ms) // 1000
    )
    reserved_w = plan.reserved_w(elapsed_ms) if elapsed_ms >= 0 else 0
    assert plan.draw_w(elapsed_ms) == pytest.approx(reserved_w, rel=1e-15)


def test_the_constants_are_those_of_the_explanation() -> None:
    """A journal is replayed by these: to change one is to change the past."""
    assert (FULL_SHARE, CUT_OFF) == (0.8, 0.1)
    assert pytest.approx(2 / 9) == TAU
    assert STEPS_AT == ((863_930, 3), (954_033, 2), (1_108_066, 1))
    assert FULL_AT == 1_311_686
    assert MILLION == 10**6


@given(plan=PLANS, moment=MOMENTS)
def test_what_is_reserved_is_what_is_not_freed_yet(plan: Plan, moment: int) -> None:
    for elapsed_ms in (moment, *(after for after, _ in plan.releases())):
        freed_w = sum(freed for after, freed in plan.releases() if after <= elapsed_ms)
        assert plan.reserved_w(elapsed_ms) == plan.power_w - freed_w
