"""The ledger as time passes: derating, tapers, rollbacks, and all plans at every millisecond."""

import dataclasses
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from substation.contract import SubstationOutcome
from substation.curve import Usage
from substation.open_sessions import InvariantBroken
from substation.plan import Plan
from tests.support.sessions import place
from tests.unit.substation.ledger_desk import CAPACITY_W, Desk


def test_a_rollback_undoes_the_whole_batch_and_nothing_before_it() -> None:
    desk = Desk()
    desk.place(place("old", power_w=5_000))
    desk.place(place("kept", power_w=2_000))
    before = desk.at(1000).ledger.curve()
    desk.place(place("new", power_w=7_000))
    desk.stop("old")
    desk.withdraw("new", 0)
    desk.withdraw("kept", 0)
    desk.ledger.rollback()
    assert desk.ledger.curve() == before
    desk.ledger.check()


def test_a_rollback_does_not_bring_back_what_has_ended_by_itself() -> None:
    desk = Desk()
    desk.place(place("a", seconds=10))
    desk.at(10_000).ledger.rollback()
    assert desk.ledger.load_w == 0


def test_time_that_goes_back_is_a_bug() -> None:
    desk = Desk().at(1000)
    with pytest.raises(InvariantBroken, match="went back"):
        desk.at(999)


def test_derating_cuts_nobody_off_and_admits_nothing_until_there_is_room() -> None:
    desk = Desk()
    desk.place(place("short", power_w=22_000, seconds=10))
    desk.place(place("long", power_w=11_000, seconds=100))
    desk.ledger.set_capacity(20_000)
    assert desk.ledger.load_w == 33_000
    assert desk.place(place("a", power_w=1)).outcome is SubstationOutcome.REFUSED
    assert desk.at(10_000).ledger.load_w == 11_000
    assert desk.place(place("b", power_w=9_001)).outcome is SubstationOutcome.REFUSED
    assert desk.place(place("c", power_w=9_000)).outcome is SubstationOutcome.PLACED


def test_load_above_a_lowered_capacity_counts_as_derating_and_not_as_admission() -> None:
    desk = Desk()
    desk.place(place("short", power_w=22_000, seconds=10))
    desk.place(place("long", power_w=11_000, seconds=100))
    desk.ledger.set_capacity(20_000)
    curve = desk.at(30_000).ledger.curve()
    assert curve.usage == Usage(ended_j=22_000 * 10, derating_wms=13_000 * 10_000)
    assert curve.delivered_at(30_000) == 22_000 * 10 + 11_000 * 30


def test_a_derating_that_stops_brought_to_its_end_excuses_nothing_later() -> None:
    desk = Desk()
    desk.place(place("a", power_w=22_000))
    desk.ledger.set_capacity(20_000)
    desk.at(1000).stop("a")
    assert desk.at(2000).ledger.curve().usage.allowed_w == 0


def test_a_session_that_tapers_makes_room_before_it_has_ended() -> None:
    desk = Desk()
    tapering = dataclasses.replace(place("a"), plan=Plan(33_000 * 1000, 33_000))
    desk.place(tapering)
    first_ms = tapering.plan.releases()[0][0]
    assert desk.at(first_ms - 1).place(place("b", power_w=1)).outcome is SubstationOutcome.REFUSED
    assert desk.at(first_ms).ledger.load_w == 33_000 - 8_250
    assert desk.place(place("c", power_w=8_251)).outcome is SubstationOutcome.REFUSED
    assert desk.place(place("d", power_w=8_250)).outcome is SubstationOutcome.PLACED
    assert desk.ledger.load_w == CAPACITY_W


def test_a_session_that_is_stopped_in_its_taper_frees_what_it_still_has() -> None:
    desk = Desk()
    tapering = dataclasses.replace(place("a"), plan=Plan(20_000 * 1000, 20_000))
    desk.place(tapering)
    desk.place(place("other", power_w=1000))
    now_ms = tapering.plan.releases()[1][0]
    desk.at(now_ms).stop("a")
    assert desk.ledger.load_w == 1000
    assert desk.ledger.curve().usage.ended_j == tapering.plan.delivered_j(now_ms)


def test_a_limit_may_be_raised_again_in_steps_while_the_load_is_above_it() -> None:
    desk = Desk()
    desk.place(place("a", power_w=30_000, seconds=100))
    desk.ledger.set_capacity(10_000)
    desk.at(10_000).ledger.set_capacity(20_000)
    desk.at(20_000).ledger.set_capacity(CAPACITY_W)
    usage = desk.at(30_000).ledger.curve().usage
    assert usage == Usage(derating_wms=(20_000 + 10_000) * 10_000)


def test_a_rollback_undoes_the_operator_s_orders_among_the_rest() -> None:
    desk = Desk()
    desk.place(place("old", power_w=30_000))
    before = desk.at(1000).ledger.curve()
    desk.ledger.set_draining(on=True)
    desk.ledger.set_capacity(10_000)
    desk.stop("old")
    desk.ledger.set_capacity(20_000)
    desk.ledger.set_draining(on=False)
    desk.ledger.set_draining(on=True)
    desk.ledger.rollback()
    assert not desk.ledger.draining
    assert desk.ledger.curve() == before
    desk.ledger.rollback()  # there is nothing left to undo
    assert desk.ledger.curve() == before


SOME_PLANS = st.builds(
    Plan, st.integers(1, 400), st.integers(1, 9_000), st.just(0) | st.integers(1, 120), st.booleans()
)
EVENTS = st.lists(
    st.tuples(st.integers(0, 60), st.sampled_from(["place", "place", "stop", "rolled back"]), SOME_PLANS),
    max_size=12,
)


@given(events=EVENTS)
def test_load_draw_and_energy_are_those_of_every_plan_at_every_millisecond(
    events: list[tuple[int, str, Plan]],
) -> None:
    """Over commits, natural ends, stops and rollbacks, against a sum over all sessions there were."""
    desk = Desk(20_000)
    lives: dict[str, tuple[Plan, int, float]] = {}  # plan, start, end if it was stopped
    newest_j = 0
    for number, (passed_ms, event, plan) in enumerate(events):
        desk.at(desk.now_ms + passed_ms)
        key = str(number)
        placed = desk.place(dataclasses.replace(place(key), plan=plan)).outcome is SubstationOutcome.PLACED
        if placed and event == "rolled back":
            desk.ledger.rollback()
            del desk.known[key]
        elif placed:
            lives[key] = (plan, desk.now_ms, math.inf)
        if event == "stop" and desk.stop(stopped := str(number // 2)).write:
            lives[stopped] = (*lives[stopped][:2], desk.now_ms)
        curve = desk.ledger.curve()
        for now_ms in range(desk.now_ms, desk.now_ms + 60, 3):
            going = [(p, now_ms - start) for p, start, end in lives.values() if now_ms < end]
            assert curve.load_at(now_ms) == sum(p.reserved_w(ms) for p, ms in going)
            assert curve.sessions_at(now_ms) == sum(p.duration_ms > ms for p, ms in going)
            assert curve.draw_at(now_ms) == pytest.approx(sum(p.draw_w(ms) for p, ms in going))
            assert curve.draw_at(now_ms) <= curve.load_at(now_ms) <= 20_000
        delivered_j = curve.delivered_at(desk.now_ms)
        assert delivered_j == sum(
            p.delivered_j(int(min(desk.now_ms, end)) - start) for p, start, end in lives.values()
        )
        assert delivered_j >= newest_j
        newest_j = delivered_j
