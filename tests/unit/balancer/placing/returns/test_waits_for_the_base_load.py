"""Where no plan frees enough, a refused request is told when the base load is expected to leave room."""

import random

import pytest

from balancer.fleet.roster import Roster
from balancer.fleet.view import View
from balancer.placing.policies import PolicySwitch
from balancer.placing.predictive.choice import ForecastChoice
from balancer.placing.predictive.peaks import Outlook
from balancer.placing.returns.promised_returns import UNKNOWN_SPREAD_S, UNKNOWN_WAIT_S, PromisedReturns
from tests.unit.balancer.fleets import KW, POLL_S, charge, report, url
from tests.unit.balancer.placing.predictive.test_choice import AT_18, forecast

SLOT_S = 15.0  # of wall time, at the time scale of AT_18
EVENING = (90, 90, 90, 40)  # kW at 18:00, 18:15 and so on; the last value stays


def returns(
    means: tuple[float, ...] = EVENING, upper: tuple[float, ...] = (), **changed: object
) -> PromisedReturns:
    """Those of one substation that carries nothing but 90 of its 100 kW of base load, at 18:00."""
    roster = Roster(POLL_S)
    choice = ForecastChoice(roster.members)
    bounds = {"a": forecast(*(upper or means))}
    choice.show(Outlook(AT_18, bounds, frozenset(), {"a": forecast(*means)}, bounds))
    view = View(roster, lambda _: True, PolicySwitch(random.Random(1), choice))
    seen = report("a", 0, base_load_w=90 * KW, **changed)
    roster.addresses.watch(url("a"))
    roster.polled(url("a"), seen, 0.0)
    roster.adopt(seen, 0.0)
    return PromisedReturns(view)


def wait_s(promised: PromisedReturns, kw: float, hours: int = 1) -> float:
    return promised.promise(charge(kw, hours=hours), 0.0)


def test_it_is_told_the_moment_and_no_power_is_kept_for_it() -> None:
    promised = returns()
    assert wait_s(promised, 50) == 3 * SLOT_S + POLL_S
    assert len(promised.promises) == 0
    assert wait_s(promised, 50) == 3 * SLOT_S + POLL_S + 1, "callers are spread"


def test_a_dip_that_is_shorter_than_the_stay_is_not_told() -> None:
    promised = returns((90, 40, 40, 90, 90, 40))
    assert wait_s(promised, 50, hours=1) == 5 * SLOT_S + POLL_S


def test_where_room_is_kept_by_the_upper_bound_it_counts_and_must_hold_as_long_as_room_is_kept() -> None:
    promised = returns((90, 20), (90, 60, *[45] * 10, 60, *[45] * 40), kept_w=5 * KW)
    assert wait_s(promised, 50) == 13 * SLOT_S + POLL_S


@pytest.mark.parametrize(("means", "kw"), [((90, 90), 50), (EVENING, 70)])
def test_where_the_base_load_leaves_no_room_within_its_forecast_the_wait_is_about_a_minute(
    means: tuple[float, ...], kw: float
) -> None:
    told = wait_s(returns(means), kw)
    assert UNKNOWN_WAIT_S <= told < UNKNOWN_WAIT_S + UNKNOWN_SPREAD_S
