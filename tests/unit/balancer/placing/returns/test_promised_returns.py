"""Promised returns: fair to all, kept for callers who come back, and cheap when they don't."""

import bisect
import dataclasses
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from balancer.placing.returns.promised_returns import (
    BLIND_WAIT_S,
    MOST,
    UNKNOWN_SPREAD_S,
    UNKNOWN_WAIT_S,
)
from balancer.placing.returns.promises import LATE_S
from balancer.placing.returns.return_times import AT_ONCE
from balancer.placing.returns.timetable import Promise, Timetable
from tests.unit.balancer.fleets import KW, POLL_S, Fleet, charge, full, releases, report
from tests.unit.balancer.placing.returns.returning import ARRIVALS, KINDS, Setup, figures, simulate

HOUR_S = 3600.0


@pytest.mark.parametrize(
    ("demand_kw", "eligible", "now_s", "expected_s"),
    [(5, (), 0.0, 5.0), (20, (), 0.0, 10.0), (20, (), 4.0, 6.0), (20, ("b",), 0.0, 60.0)],
)
def test_a_refused_request_is_told_the_earliest_sufficient_release(
    demand_kw: int, eligible: tuple[str, ...], now_s: float, expected_s: float
) -> None:
    fleet = Fleet(full("a", {10.0: 20, 30.0: 60}), full("b", {5.0: 5, 60.0: 90}))
    assert fleet.wait_s(demand_kw, *eligible, now_s=now_s) == expected_s + POLL_S


def test_where_no_plan_says_when_there_will_be_room_callers_are_spread_over_some_seconds() -> None:
    fleet = Fleet(full("a", {10.0: 20}))
    told = [fleet.wait_s(95, who=f"car-{n}") for n in range(3 * UNKNOWN_SPREAD_S)]
    assert set(told) == {UNKNOWN_WAIT_S + n for n in range(UNKNOWN_SPREAD_S)}
    assert len(fleet.promised_returns.promises) == 0


def test_a_view_without_a_substation_tells_callers_to_come_back_soon() -> None:
    assert [Fleet().wait_s() for _ in range(2)] == [BLIND_WAIT_S] * 2


def test_the_next_one_is_told_when_there_is_room_for_those_before_it_too() -> None:
    fleet = Fleet(full("a", {5.0: 20, 10.0: 30, 30.0: 100}))
    told = [fleet.wait_s(10, who=f"car-{n}") - POLL_S for n in range(5)]
    assert told == [5.0, 5.0, 10.0, 30.0, 30.0]


def test_a_refused_request_is_told_the_substation_where_it_fits_first() -> None:
    fleet = Fleet(full("a", {5.0: 10, 60.0: 100}), full("b", {10.0: 10, 60.0: 100}))
    told = [fleet.wait_s(10, who=f"car-{n}") - POLL_S for n in range(3)]
    assert told == [5.0, 10.0, 60.0]
    assert [fleet.promised_returns.promised(charge(vehicle=f"car-{n}")) for n in range(2)] == ["a", "b"]


def test_those_who_are_promised_take_their_power_for_as_long_as_their_plans_say() -> None:
    """One hour each, and room for one: the third comes after two hours, and what is over in time goes between."""
    fleet = Fleet(full("a", {60.0: 50}))
    fleet.promised_returns.admitted(charge(50, vehicle="learned"), HOUR_S)
    told = [fleet.wait_s(50, who=f"car-{n}") for n in range(3)]
    turn_s = HOUR_S + 60.0
    assert told[0] == 60.0 + POLL_S
    assert turn_s < told[1] <= turn_s + 4 * POLL_S
    assert turn_s + HOUR_S < told[2] <= turn_s + HOUR_S + 8 * POLL_S


def test_the_time_scale_is_learned_from_what_was_admitted() -> None:
    fleet = Fleet(full("a", {60.0: 50}))
    fleet.promised_returns.admitted(charge(50, vehicle="learned"), HOUR_S / 120)
    told = [fleet.wait_s(50, who=f"car-{n}") for n in range(2)]
    assert 90.0 < told[1] < 100.0


def test_before_anything_was_admitted_a_stay_is_taken_to_be_typical_of_the_substation() -> None:
    fleet = Fleet(full("a", {30.0: 50, 60.0: 60}))
    told = [fleet.wait_s(50, who=f"car-{n}") for n in range(2)]
    assert told[0] == 30.0 + POLL_S
    assert 90.0 <= told[1] < 100.0  # twice the 30 s in which half of the load goes


def test_one_long_session_does_not_lengthen_the_wait_of_those_who_can_be_served_beside_it() -> None:
    """105 of 110 kW go within 22 s, and 5 kW stay for hours: a turn is 20 s for all of ten turns."""
    freed_w = {22.0: 99 * KW, 4 * HOUR_S: 104 * KW}
    seen = report("a", load_kw=104, capacity_w=110 * KW, releases_w=releases(freed_w, 104 * KW))
    fleet = Fleet(seen)
    fleet.promised_returns.admitted(charge(11, vehicle="learned"), 20.0)
    told = [fleet.wait_s(11, who=f"car-{n}") for n in range(90)]
    assert told[:9] == [23.0] * 9
    assert max(told) < 1.25 * (22 + 9 * 20)


@pytest.mark.parametrize("by_key", [True, False], ids=["key", "vehicle without a key"])
def test_one_who_asks_a_hundred_times_has_one_promise_and_moves_nobody_else(*, by_key: bool) -> None:
    fleet = Fleet(full("a", {5.0: 10, 10.0: 20, 60.0: 100}))
    impatient = [charge(key="k" if by_key else "", vehicle=f"car-{n * by_key}") for n in range(100)]
    assert {fleet.promised_returns.promise(each, 0.0) for each in impatient} == {5.0 + POLL_S}
    assert len(fleet.promised_returns.promises) == 1
    assert fleet.wait_s(who="other") == 10.0 + POLL_S
    assert fleet.promised_returns.promise(impatient[0], 0.0) == 5.0 + POLL_S


def test_two_callers_who_name_a_vehicle_alike_have_a_promise_each() -> None:
    fleet = Fleet(full("a", {5.0: 10, 10.0: 20, 60.0: 100}))
    mine, theirs = (
        dataclasses.replace(charge(vehicle="van-1"), caller=caller) for caller in ("acme", "other")
    )
    assert fleet.promised_returns.promise(mine, 0.0) == 5.0 + POLL_S
    assert fleet.promised_returns.promise(theirs, 0.0) == 10.0 + POLL_S
    fleet.promised_returns.drop(theirs)
    assert fleet.promised_returns.promised(mine) == "a"


def test_one_that_came_when_it_was_told_and_found_no_room_keeps_its_place() -> None:
    fleet = Fleet(full("a", {60.0: 10}))
    fleet.promised_returns.admitted(charge(vehicle="learned"), HOUR_S)
    at_s = fleet.wait_s(who="first")
    assert fleet.wait_s(who="second") > HOUR_S
    fleet.poll(dataclasses.replace(full("a", {30.0: 10}), seq=2), at_s)  # the release is late
    assert fleet.wait_s(who="first", now_s=at_s) == 30.0 + POLL_S


def test_the_promise_of_one_that_is_admitted_is_dropped() -> None:
    fleet = Fleet(full("a", {5.0: 10, 60.0: 100}))
    for _ in range(2):
        assert fleet.wait_s(who="first") == 5.0 + POLL_S
        fleet.promised_returns.admitted(charge(vehicle="first"), 0.0)
        assert len(fleet.promised_returns.promises) == 0


def test_the_promise_of_one_that_does_not_come_lapses() -> None:
    fleet = Fleet(full("a", {5.0: 10, 60.0: 100}))
    at_s = fleet.wait_s(who="first")
    fleet.promised_returns.pass_time(at_s + LATE_S)
    assert len(fleet.promised_returns.promises) == 1
    fleet.promised_returns.pass_time(at_s + LATE_S + 0.01)
    assert len(fleet.promised_returns.promises) == 0
    assert fleet.wait_s(who="second", now_s=at_s) == POLL_S


@pytest.mark.parametrize("why", ["ejected", "not linked", "draining"])
def test_a_substation_that_can_t_admit_promises_nothing(why: str) -> None:
    fleet = Fleet(
        full("a", {300.0: 100}), full("b", {360.0: 100}), report("dead", draining=why == "draining")
    )
    if why == "ejected":
        fleet.miss("dead", 3)
    elif why == "not linked":
        fleet.linked.discard("dead")
    assert fleet.wait_s() == 300.0 + POLL_S


def test_those_who_could_be_told_the_same_moment_are_spread() -> None:
    fleet = Fleet(full("a", {300.0: 100}))
    told = [fleet.wait_s(1, who=f"car-{n}") for n in range(100)]
    assert max(told.count(second) for second in told) <= AT_ONCE
    assert max(told) <= 1.1 * (300.0 + POLL_S)


def test_promises_are_bounded_whoever_asks() -> None:
    fleet = Fleet(full("a", {5.0: 50, 10.0: 100}))
    for n in range(MOST + 10):
        fleet.wait_s(50, who=f"car-{n}")
    assert len(fleet.promised_returns.promises) == MOST


changes = st.tuples(st.integers(0, 40), st.integers(1, 10), st.integers(1, 60))  # start, stay, watts


@given(
    opened=st.lists(st.tuples(st.integers(1, 40), st.integers(0, 40)), max_size=5),
    promised=st.lists(changes, max_size=8),
    dropped=st.lists(changes, max_size=4),
    demand_w=st.integers(1, 100),
    stay_s=st.integers(1, 15),
)
def test_the_first_fit_is_the_first_moment_from_which_the_whole_stay_finds_room(
    opened: list[tuple[int, int]],
    promised: list[tuple[int, int, int]],
    dropped: list[tuple[int, int, int]],
    demand_w: int,
    stay_s: int,
) -> None:
    timetable = Timetable()
    made = [_promise(n, *each) for n, each in enumerate([*dropped, *promised])]
    for promise in made:
        timetable.add(promise)
    for promise in made[: len(dropped)]:
        timetable.drop(promise)
    moments = sorted(dict(opened).items())
    free = list(itertools.accumulate([watts for _, watts in moments], initial=30))
    openings = [(float(s), w) for s, w in zip((0, *(s for s, _ in moments)), free, strict=True)]

    def left_w(second: int) -> float:
        taken = sum(watts for start, stay, watts in promised if start <= second < start + stay)
        return openings[bisect.bisect_right(openings, (second, 1000)) - 1][1] - taken

    fitting = [s for s in range(60) if all(left_w(s + n) >= demand_w for n in range(stay_s))]
    found = timetable.first_fit_s(openings, demand_w, float(stay_s), len(made))
    assert found == (fitting[0] if fitting else None)


def _promise(number: int, start: int, stay: int, watts: int) -> Promise:
    changes = ((float(start), float(-watts)), (float(start + stay), float(watts)))
    return Promise(f"car-{number}", number, "a", float(start), watts, start, changes)


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("arrivals", ARRIVALS)
@pytest.mark.parametrize("kind", KINDS)
def test_nine_of_ten_who_come_back_when_told_get_in_and_none_waits_much_longer_than_first_come_first_served(
    kind: str, arrivals: str, seed: int
) -> None:
    got = figures(simulate(Setup(kind, arrivals), seed))
    assert got.refused > 10
    assert got.got_in >= 0.9
    assert got.longest <= 1.5
