"""The power that is kept for callers who were told when to come back."""

import pytest

from balancer.placing.returns.promises import LATE_S
from substation.contract import RELEASES_WITHIN_S
from tests.unit.balancer.fleets import KW, POLL_S, Fleet, charge, full, releases, report

HOUR_S = 3600.0

LATER_S = 30.0  # a point of the schedule


def left_kw(fleet: Fleet, now_s: float, who: str = "newcomer") -> int:
    """The most that a request may take at substation a."""
    return max(
        (
            kw
            for kw in range(1, 101)
            if fleet.promised_returns.leaves_room("a", charge(kw, vehicle=who), now_s)
        ),
        default=0,
    )


def test_no_newcomer_gets_power_that_one_who_was_told_before_needs_at_its_moment() -> None:
    """Unless plans that end until then free enough for both."""
    fleet = Fleet(full("a", {LATER_S: 20}))
    at_s = fleet.wait_s(20, who="first")
    assert at_s == LATER_S + POLL_S
    fleet.poll(report("a", seq=2, load_kw=85), 10.0)
    assert left_kw(fleet, 10.0) == 0
    assert left_kw(fleet, at_s + LATE_S) == 0
    fleet.poll(report("a", seq=3, load_kw=85, releases_w=releases({5.0: 15 * KW}, 85 * KW)), 10.0)
    assert left_kw(fleet, 10.0) == 10
    assert left_kw(fleet, 10.0, who="first") == 100  # its own promise does not hinder it


def test_power_that_is_free_earlier_than_planned_does_not_lie_idle_until_those_come_who_were_told() -> None:
    fleet = Fleet(full("a", {4 * HOUR_S: 50}))
    fleet.promised_returns.admitted(charge(vehicle="learned"), HOUR_S * 9)
    for who in ("first", "second"):
        fleet.wait_s(25, who=who)
    fleet.poll(report("a", seq=2, load_kw=65), HOUR_S)  # a session was stopped
    assert left_kw(fleet, HOUR_S) == 10  # there is room for the first now, and not for the second
    fleet.poll(report("a", seq=3, load_kw=20), HOUR_S)
    assert left_kw(fleet, HOUR_S) == 100


def test_a_promise_of_more_than_a_quarter_of_a_substation_keeps_nothing() -> None:
    """A large request is refused at a low load: keeping power for it would close a fleet that is nearly empty."""
    for kw, left in ((25, 0), (26, 100)):
        fleet = Fleet(full("a", {LATER_S: 30}))
        fleet.wait_s(kw, who="large")
        fleet.poll(report("a", seq=2, load_kw=80), 10.0)
        assert left_kw(fleet, 10.0) == left


def test_power_is_not_kept_from_one_that_is_gone_before_the_other_comes() -> None:
    fleet = Fleet(full("a", {LATER_S: 20}))
    at_s = fleet.wait_s(20, who="first")
    fleet.poll(report("a", seq=2, load_kw=85, releases_w=releases({15.0: 15 * KW}, 85 * KW)), 10.0)
    for hour_s, left in (
        (at_s - 11.0, 100),
        (at_s - 9.0, 10),
    ):  # the newcomer's hour ends before it, or after
        fleet.promised_returns.admitted(charge(vehicle="learned"), hour_s)
        assert left_kw(fleet, 10.0) == left


def test_what_one_that_was_told_has_given_back_is_free_for_others_beside_the_next() -> None:
    fleet = Fleet(full("a", {5.0: 20, 60.0: 20}))
    fleet.promised_returns.admitted(charge(vehicle="learned"), 10.0)
    for who in ("first", "second"):
        fleet.wait_s(20, who=who)
    fleet.poll(report("a", seq=2, load_kw=70), 3.0)
    fleet.promised_returns.admitted(charge(vehicle="learned"), 60.0)
    assert left_kw(fleet, 3.0) == 10  # and not 10 less: the second one comes when the first is gone


def test_power_is_kept_for_those_who_were_told_before_and_not_for_those_after() -> None:
    fleet = Fleet(full("a", {5.0: 40, 60.0: 40}))
    for who in ("first", "second"):
        fleet.wait_s(20, who=who)
    fleet.poll(report("a", seq=2, load_kw=50), 6.0)
    assert [left_kw(fleet, 6.0, who) for who in ("first", "second", "newcomer")] == [100, 30, 10]
    fleet.promised_returns.seated(charge(vehicle="first"))  # what it takes is outstanding now
    assert left_kw(fleet, 6.0) == 30


def test_the_less_those_who_are_told_come_back_the_less_is_kept_for_them() -> None:
    fleet, now_s, left = Fleet(report("a")), 0.0, []
    for n in range(200):
        fleet.poll(
            report("a", seq=2 * n + 2, load_kw=100, releases_w=(20 * KW,) * len(RELEASES_WITHIN_S)), now_s
        )
        at_s = now_s + fleet.wait_s(20, who=f"car-{n}", now_s=now_s)
        fleet.poll(report("a", seq=2 * n + 3, load_kw=80), at_s)
        left += [left_kw(fleet, at_s)] if n % 50 in {0, 49} else []
        now_s = at_s + LATE_S + 1
        fleet.promised_returns.pass_time(now_s)
    assert left == sorted(left)
    assert (left[0], left[-1]) == (0, 19)


@pytest.mark.parametrize(("base_kw", "kept_kw"), [(0, 20), (60, 0)])
def test_a_promise_is_large_by_what_the_base_load_leaves_to_cars(base_kw: int, kept_kw: int) -> None:
    """20 of 100 kW is less than a quarter; beside a base load of 60 kW it is half of what cars can have."""
    freed_w = {10.0: 20 * KW, 60.0: 40 * KW}
    fleet = Fleet(report("a", 100 - base_kw, releases_w=releases(freed_w, 40 * KW), base_load_w=base_kw * KW))
    wait_s = fleet.wait_s(20, who="told")
    assert fleet.promised_returns.kept_w("a", wait_s) == kept_kw * KW


def test_what_is_kept_for_those_who_are_due_is_said_and_ends_with_them() -> None:
    fleet = Fleet(full("a", {10.0: 20}))
    assert fleet.promised_returns.kept_w("a", 0.0) == 0
    wait_s = fleet.wait_s(10, who="told")
    assert fleet.promised_returns.kept_w("a", 0.0) == 0, "it is not due yet"
    assert fleet.promised_returns.kept_w("a", wait_s) == 10 * KW
    fleet.promised_returns.pass_time(wait_s + 60)
    assert fleet.promised_returns.kept_w("a", wait_s + 60) == 0
    assert fleet.promised_returns.kept_w("unknown", 0.0) == 0
