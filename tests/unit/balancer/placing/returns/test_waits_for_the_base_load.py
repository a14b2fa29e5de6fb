"""A refused request is told when known plans and the base load to come leave room, whichever is first."""

import random

import pytest

from balancer.fleet.roster import Roster
from balancer.fleet.view import View
from balancer.placing.policies import PolicySwitch
from balancer.placing.predictive.choice import ForecastChoice
from balancer.placing.predictive.peaks import Outlook
from balancer.placing.returns.promised_returns import UNKNOWN_SPREAD_S, UNKNOWN_WAIT_S, PromisedReturns
from tests.unit.balancer.fleets import KW, POLL_S, charge, releases, report, url
from tests.unit.balancer.placing.predictive.test_choice import AT_18, forecast

SLOT_S = 15.0  # of wall time, at the time scale of AT_18
EVENING = (90, 90, 90, 40)  # kW at 18:00, 18:15 and so on; the last value stays


def returns(
    means: tuple[float, ...] = EVENING,
    upper: tuple[float, ...] = (),
    now_kw: int = 90,
    load_kw: int = 0,
    releases_w: tuple[int, ...] = releases({}, 0),
    kept_w: int = 0,
) -> PromisedReturns:
    """Those of one substation of 100 kW at 18:00, with `now_kw` of base load, and no other load unless that is given."""
    roster = Roster(POLL_S)
    choice = ForecastChoice(roster.members)
    bounds, placed_by = {"a": forecast(*(upper or means))}, {"a": forecast(*means)}
    choice.show(Outlook(AT_18, placed_by, frozenset(), placed_by, bounds))
    view = View(roster, lambda _: True, PolicySwitch(random.Random(1), choice))
    seen = report("a", load_kw, base_load_w=now_kw * KW, releases_w=releases_w, kept_w=kept_w)
    roster.addresses.watch(url("a"))
    roster.polled(url("a"), seen, 0.0)
    roster.adopt(seen, 0.0)
    return PromisedReturns(view)


def wait_s(promised: PromisedReturns, kw: float, hours: int = 1) -> float:
    return promised.promise(charge(kw, hours=hours), 0.0)


def test_it_is_told_the_moment_at_which_the_base_load_will_have_fallen() -> None:
    assert wait_s(returns(), 25) == 3 * SLOT_S + POLL_S


def test_power_is_kept_for_it_from_then_on_so_the_next_caller_is_told_a_later_moment() -> None:
    promised = returns((90, 90, 90, 70, 70, 40))
    assert wait_s(promised, 25) == 3 * SLOT_S + POLL_S
    later = promised.promise(charge(25, hours=1, vehicle="other"), 0.0)
    assert later == 5 * SLOT_S + POLL_S
    assert len(promised.promises) == 2


def test_a_base_load_that_falls_before_a_plan_frees_power_is_told_and_one_that_falls_after_it_is_not() -> (
    None
):
    freed = releases({75.0: 30 * KW}, 30 * KW)
    assert (
        wait_s(returns((60, 60, 60, 40), now_kw=60, load_kw=30, releases_w=freed), 25) == 3 * SLOT_S + POLL_S
    )
    assert wait_s(returns((60,) * 8 + (40,), now_kw=60, load_kw=30, releases_w=freed), 25) == 75 + POLL_S


def test_power_that_a_plan_frees_while_the_base_load_rises_into_it_is_not_told() -> None:
    freed = releases({10.0: 30 * KW}, 30 * KW)
    assert wait_s(returns((60,), now_kw=60, load_kw=30, releases_w=freed), 25) == 10 + POLL_S
    assert (
        wait_s(returns((80, 80, 80, 80, 60), now_kw=60, load_kw=30, releases_w=freed), 25)
        == 4 * SLOT_S + POLL_S
    )


@pytest.mark.parametrize(
    ("mean_kw", "p90_kw", "left_kw"), [(60, 60, 4), (62, 62, 2), (60, 62, 3), (58, 58, 6)]
)
def test_who_comes_now_leaves_the_room_that_the_base_load_will_take_from_a_promise(
    mean_kw: int, p90_kw: int, left_kw: int
) -> None:
    """The promise of 10 kW needs 2 of the 6 that a plan frees. The base load counts by the middle of its mean and p90."""
    freed = releases({30.0: 6 * KW}, 32 * KW)
    promised = returns((60, 60, mean_kw), (60, 60, p90_kw), 60, load_kw=32, releases_w=freed)
    assert wait_s(promised, 10) == 30 + POLL_S
    assert promised.leaves_room("a", charge(left_kw, vehicle="other"), 0.0)
    assert not promised.leaves_room("a", charge(left_kw + 1, vehicle="other"), 0.0)


def test_a_quarter_hour_that_ends_may_leave_more_room_without_a_new_report() -> None:
    promised = returns((60, 60, 62), now_kw=60, load_kw=32, releases_w=releases({30.0: 6 * KW}, 32 * KW))
    wait_s(promised, 10)
    assert promised.version("a", 15.0) == promised.version("a", 29.0) != promised.version("a", 30.0)


def test_a_dip_that_is_shorter_than_the_stay_is_not_told() -> None:
    promised = returns((90, 40, 40, 90, 90, 40))
    assert wait_s(promised, 50, hours=1) == 5 * SLOT_S + POLL_S


def test_the_upper_bound_is_what_counts_so_that_nine_of_ten_promises_come_true() -> None:
    assert wait_s(returns((90, 40), (90, 90, 90, 40)), 25) == 3 * SLOT_S + POLL_S


def test_where_room_is_kept_by_the_upper_bound_it_counts_and_must_hold_as_long_as_room_is_kept() -> None:
    promised = returns((90, 20), (90, 60, *[45] * 10, 60, *[45] * 40), kept_w=5 * KW)
    assert wait_s(promised, 50) == 13 * SLOT_S + POLL_S


@pytest.mark.parametrize(("means", "kw"), [((90, 90), 50), (EVENING, 70)])
def test_where_the_base_load_leaves_no_room_within_its_forecast_the_wait_is_about_a_minute(
    means: tuple[float, ...], kw: float
) -> None:
    told = wait_s(returns(means), kw)
    assert UNKNOWN_WAIT_S <= told < UNKNOWN_WAIT_S + UNKNOWN_SPREAD_S
