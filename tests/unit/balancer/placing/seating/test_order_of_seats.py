"""Who gets the next seat: those who wait, one that is refused and newcomers."""

import asyncio
import contextlib
import time

import pytest

from balancer.placing.seating.waiting_room import MOST_PASSES
from substation.contract import Session, SessionState
from tests.unit.balancer.fleets import KW, releases, report
from tests.unit.balancer.placing.seating.seats_desk import LONG_S, Desk, charge, desk, turns


@pytest.mark.gen_test
async def test_who_waits_and_fits_goes_before_a_newcomer() -> None:
    async with desk() as d:
        waiting = d.wait(charge(10, vehicle="first"))
        await turns()
        d.report(load_kw=90)
        assert d.seats.now(charge(10, vehicle="newcomer"), 0) is None
        seat = await waiting
        assert seat
        assert seat.decision.vehicle_id == "first"
        seat.hold.close()


@pytest.mark.gen_test
async def test_a_smaller_newcomer_may_pass_but_not_for_ever() -> None:
    async with desk(report(load_kw=60)) as d:
        waiting = d.wait(charge(50))
        await turns()
        seats = []
        for _ in range(MOST_PASSES):
            seats.append(d.seats.now(charge(1), 0))
            d.admit(seats[-1], charge(1))
        assert d.seats.now(charge(1), 0) is None
        reason = d.decisions.find()[0].reason
        assert reason == "no substation has room except a, kept for requests that wait longer"
        for seat in seats:
            assert seat
            seat.hold.close()
        d.report(load_kw=50)
        found = await waiting
        assert found
        found.hold.close()


@pytest.mark.gen_test
async def test_who_waits_for_one_substation_keeps_nobody_from_the_others() -> None:
    async with desk(report("a", load_kw=60), report("b")) as d:
        waiting = d.wait(charge(50, "a"))
        await turns()
        for _ in range(3 * MOST_PASSES):
            with d.seats.now(charge(1), 0) or contextlib.nullcontext() as seat:
                assert seat
                assert seat.target == "b"
                d.admit(seat, charge(1))
        waiting.cancel()
        await asyncio.wait([waiting])


@pytest.mark.gen_test
async def test_who_waits_for_one_that_was_derated_below_it_keeps_nothing() -> None:
    async with desk(report("a", load_kw=60), report("b", load_kw=60)) as d:
        waiting = d.wait(charge(50, "a"))
        await turns()
        with contextlib.ExitStack() as held:
            for _ in range(MOST_PASSES):
                seat = d.seats.now(charge(1, "a"), 0)
                assert seat
                held.enter_context(seat)
                d.admit(seat, charge(1, "a"))
        assert d.seats.now(charge(1, "a"), 0) is None
        d.fleet.poll(report("a", seq=9, load_kw=60, capacity_w=49 * KW), 0.0)  # too small for it now
        d.fleet.poll(report("a", seq=10, load_kw=30, capacity_w=49 * KW), 0.0)
        with d.seats.now(charge(1, "a"), 0) or contextlib.nullcontext() as seat:
            assert seat
        waiting.cancel()
        await asyncio.wait([waiting])


@pytest.mark.gen_test
async def test_who_was_seated_and_refused_has_its_former_place_again() -> None:
    async with desk() as d:
        first, second = d.wait(charge(10)), d.wait(charge(10))
        await turns()
        d.report(load_kw=90)
        d.seats.queue.serve()
        seat = await first
        assert seat
        d.report(load_kw=100)  # it was refused
        seat.hold.close()
        again = asyncio.ensure_future(
            d.seats.queue.wait(charge(10), 1, time.monotonic() + LONG_S, seat.waiter)
        )
        await turns()
        d.report(load_kw=90)
        d.seats.queue.serve()
        assert not second.done()
        seat = await again
        assert seat
        assert seat.decision.attempt == 1
        seat.hold.close()
        second.cancel()
        await asyncio.wait([second])


@pytest.mark.gen_test
async def test_waiting_goes_by_what_surely_is_free_and_not_by_what_may_be() -> None:
    freed = {1.0: 0, 2.0: 100 * KW}
    async with desk(report(load_kw=100, releases_w=releases(freed, 100 * KW))) as d:
        waiting = d.wait(charge(10))
        await turns()
        d.now_s = 1.5  # half of it, if it were freed evenly
        d.seats.queue.serve()
        assert d.outstanding_kw == 0
        d.now_s = 2.0
        d.seats.queue.serve()
        seat = await waiting
        assert seat
        seat.hold.close()


@pytest.mark.gen_test
async def test_one_look_seats_as_many_as_there_is_room_for_and_no_more() -> None:
    async with desk(report("a", load_kw=100), report("b", load_kw=100)) as d:
        waiting = [d.wait(charge(10)) for _ in range(9)]
        await turns()
        d.report("a", load_kw=75)
        d.report("b", load_kw=65)
        d.seats.queue.serve()
        await turns()
        seats = [task.result() for task in waiting if task.done()]
        assert [task.done() for task in waiting] == [True] * 5 + [False] * 4
        assert sorted(seat.target for seat in seats if seat) == ["a", "a", "b", "b", "b"]
        for seat in seats:
            assert seat
            seat.hold.close()
        for task in waiting[5:]:
            task.cancel()
        await asyncio.wait(waiting)


@pytest.mark.gen_test
async def test_only_an_admission_counts_as_a_pass() -> None:
    """Neither a replay of a key that is placed, nor a request that is refused or unknown, closes anything."""
    async with desk(report(load_kw=60)) as d:
        waiting = d.wait(charge(50))
        await turns()
        for _ in range(3 * MOST_PASSES):
            with d.seats.now(charge(1), 0) or contextlib.nullcontext() as seat:
                assert seat
        (waiter,) = d.seats.room
        assert waiter.passes == 0
        waiting.cancel()
        await asyncio.wait([waiting])


@pytest.mark.gen_test
async def test_a_newcomer_does_not_get_in_by_an_estimate_for_which_an_equal_waiter_was_left_standing() -> (
    None
):
    freed = {1.0: 0, 2.0: 100 * KW}
    async with desk(report(load_kw=100, releases_w=releases(freed, 100 * KW))) as d:
        waiting = d.wait(charge(10))
        await turns()
        d.now_s = 1.9  # nine tenths of it, if it were freed evenly
        assert d.seats.now(charge(10), 0) is None
        assert d.seats.now(charge(5), 0) is None
        waiting.cancel()
        await asyncio.wait([waiting])
        with d.seats.now(charge(10), 0) or contextlib.nullcontext() as seat:
            assert seat


@pytest.mark.gen_test
async def test_one_that_waits_for_a_whole_substation_does_not_close_the_fleet() -> None:
    """At 4 % load it keeps one substation of three, and newcomers go to the others, however long they stay."""
    names, freed = ("a", "b", "c"), releases({60.0: 60 * KW}, 60 * KW)
    async with desk(
        *(report(name, load_kw=60, capacity_w=1400 * KW, releases_w=freed) for name in names)
    ) as d:
        for n in range(9):
            d.seats.retry_after_s(charge(1400, vehicle=f"told {n}"))
        waiting = d.wait(charge(1400))
        await turns()
        with contextlib.ExitStack() as held:
            targets = []
            for _ in range(145):
                seat = d.seats.now(charge(11), 0)
                d.admit(seat, charge(11))
                assert seat
                held.enter_context(seat)
                targets.append(seat.target)
        (waiter,) = d.seats.room
        assert waiter.passes == 145
        assert set(targets[MOST_PASSES:]) == set(names) - {waiter.home}
        waiting.cancel()
        await asyncio.wait([waiting])


@pytest.mark.gen_test
async def test_one_that_was_told_to_come_back_gets_the_power_that_newcomers_left_it() -> None:
    async with desk(report(load_kw=100, releases_w=releases({5.0: 10 * KW}, 100 * KW))) as d:
        told = charge(10, vehicle="told")
        assert d.seats.now(told, 0) is None
        d.now_s = d.seats.retry_after_s(told)
        d.report(load_kw=90)
        assert d.seats.now(charge(10, vehicle="newcomer"), 0) is None
        assert (
            d.decisions.find()[0].reason
            == "no substation has room beyond what is promised to requests that were refused before"
        )
        with d.seats.now(told, 0) or contextlib.nullcontext() as seat:
            d.admit(seat, told)
        assert len(d.seats.promised_returns.promises) == 0
        with d.seats.now(charge(10, vehicle="newcomer"), 0) or contextlib.nullcontext() as seat:
            assert seat


@pytest.mark.gen_test
async def test_those_who_wait_are_ahead_of_one_that_is_refused() -> None:
    async with desk(report(load_kw=100, releases_w=releases({5.0: 10 * KW, 60.0: 90 * KW}, 100 * KW))) as d:
        waiting = d.wait(charge(10, vehicle="waits"))
        await turns()
        assert d.seats.retry_after_s(charge(10, vehicle="told")) > 60.0
        waiting.cancel()
        await asyncio.wait([waiting])
        assert d.seats.retry_after_s(charge(10, vehicle="other")) < 10.0


def test_each_admitted_car_is_told_once_with_the_energy_that_it_asked_for() -> None:
    desk = Desk(report())
    asked = charge(10)
    seat = desk.seats.now(asked, 0)
    desk.admit(seat, asked)
    session = Session("id", "a", "car", SessionState.CHARGING, asked.plan, 0, 0, 3_600_000)
    desk.seats.admitted(asked, None, session)  # it had been admitted earlier
    assert desk.arrived == [("a", asked.plan.energy_j)]
