"""What other balancers place between two reports: learned from polls, and counted where it decides whether there is room."""

import math

from balancer.fleet.inflow import Inflow
from tests.unit.balancer.fleets import KW, Fleet, releases, report

RECENT_S = 3.0


def filled(inflow: Inflow, loads_kw: list[int], placed_kw: int = 0) -> None:
    """Poll one substation every second."""
    for second, load_kw in enumerate(loads_kw):
        inflow.polled(report("a", load_kw, seq=second + 1), float(second))
        inflow.placed("a", placed_kw * KW)


def test_what_others_place_is_learned_from_polls() -> None:
    inflow = Inflow(RECENT_S, several=True)
    filled(inflow, [10 + 2 * second for second in range(40)])
    assert 0.019 < inflow.share_s <= 0.02  # 2 of 100 kW a second


def test_what_this_balancer_places_is_not_the_others() -> None:
    inflow = Inflow(RECENT_S, several=True)
    filled(inflow, [10 + 2 * second for second in range(40)], placed_kw=2)
    assert inflow.share_s == 0


def test_what_plans_free_is_expected() -> None:
    inflow = Inflow(RECENT_S, several=True)
    for second in range(40):  # as much is freed as comes
        freed = releases({1.0: 2 * KW}, 50 * KW)
        inflow.polled(report("a", 50, seq=second + 1, releases_w=freed), float(second))
    assert 0.019 < inflow.share_s <= 0.02


def test_a_lone_balancer_learns_nothing() -> None:
    inflow = Inflow(RECENT_S, several=False)
    filled(inflow, [10 + 2 * second for second in range(40)])
    assert inflow.share_s == 0
    assert not inflow.matters([1.0])


def test_a_substation_that_is_not_polled_any_more_does_not_count() -> None:
    inflow = Inflow(RECENT_S, several=True)
    filled(inflow, [10 + 2 * second for second in range(40)])
    inflow.polled(report("b", 0), 39.0 + RECENT_S)
    assert inflow.share_s > 0
    inflow.polled(report("b", 0, seq=2), 39.0 + RECENT_S + 0.1)
    assert inflow.share_s == 0


def test_another_journal_begins_anew() -> None:
    inflow = Inflow(RECENT_S, several=True)
    filled(inflow, [10, 10, 10])
    inflow.polled(report("a", 90, journal_id="other"), 3.0)
    assert inflow.share_s == 0


def test_a_nearly_full_substation_is_not_asked_once_others_have_probably_filled_it() -> None:
    fleet = Fleet(report("a", 10), report("b", 10), several=True)
    for second in range(1, 41):
        for name in ("a", "b"):
            fleet.poll(report(name, 10 + 2 * second, seq=second + 1), float(second))
    fleet.poll(report("b", 99, seq=99), 40.0)
    shares = {
        after_s: fleet.view.candidates((), 9 * KW, 40.0 + after_s, surely=False).shares
        for after_s in (0.0, 0.4, 0.9)
    }
    assert shares[0.0][0] <= 1 < shares[0.0][1]
    assert shares[0.4][0] <= 1  # less than a tenth of a car has probably come
    assert math.isinf(shares[0.9][0])


def test_who_has_clearly_room_is_chosen_as_before() -> None:
    fleet = Fleet(report("a", 10), report("b", 10), several=True)
    for second in range(1, 21):
        for name in ("a", "b"):
            fleet.poll(report(name, 10 + 2 * second, seq=second + 1), float(second))
    assert fleet.view.candidates((), 9 * KW, 20.9, surely=False).shares == [0.59, 0.59]
