"""Seats: who gets one, and that none is lost, whatever comes together in one turn of the loop.

The fleet stands on a clock that the test moves; the waiting is timed by the loop's own.
"""

import asyncio
import time

import pytest

from tests.unit.balancer.fleets import report
from tests.unit.balancer.placing.seating.seats_desk import charge, desk, turns


@pytest.mark.gen_test
async def test_a_seat_is_outstanding_from_its_choice_until_it_is_given_back() -> None:
    async with desk(report(load_kw=50)) as d:
        seat = d.seats.now(charge(20), 0)
        assert seat
        assert (seat.target, seat.journal_id, d.outstanding_kw) == ("a", "journal-a", 20)
        assert d.seats.now(charge(31), 0) is None
        with seat:
            assert d.outstanding_kw == 20
        assert d.outstanding_kw == 0
        assert [(one.chosen, one.reason) for one in d.decisions.find()] == [
            (None, "no substation has room"),
            ("a", "least_loaded among those with room"),
        ]


@pytest.mark.gen_test
async def test_who_waits_gets_a_seat_when_there_is_room() -> None:
    async with desk() as d:
        waiting = d.wait(charge(10))
        await turns()
        assert (len(d.seats.room), d.outstanding_kw) == (1, 0)
        d.report(load_kw=90)
        seat = await waiting
        assert seat
        assert (seat.target, d.outstanding_kw, len(d.seats.room)) == ("a", 10, 0)
        seat.hold.close()
        assert d.told() == [(None, "seated"), ("a", "")]


@pytest.mark.gen_test
async def test_waiting_ends_in_vain_when_its_time_is_over() -> None:
    async with desk() as d:
        assert await d.wait(charge(10), 0.02) is None
        assert d.told() == [(None, "in_vain")]


@pytest.mark.gen_test
async def test_who_has_no_time_or_finds_the_room_full_waits_for_nothing() -> None:
    async with desk(most=1) as d:
        assert await d.wait(charge(10), -1) is None
        assert d.decisions.find() == []
        first = d.wait(charge(10))
        await turns()
        assert await d.wait(charge(10)) is None
        assert d.decisions.find()[0].reason == "the waiting room is full"
        first.cancel()
        await asyncio.wait([first])
        assert d.told()[0] == (None, "left")


@pytest.mark.gen_test
@pytest.mark.parametrize("room_comes_s", [-1e-4, 1e-4], ids=["seat first", "timeout first"])
async def test_a_seat_that_comes_together_with_the_end_of_waiting_is_used_or_never_taken(
    room_comes_s: float,
) -> None:
    async with desk() as d:
        until_s = time.monotonic() + 0.05
        waiting = asyncio.ensure_future(d.seats.queue.wait(charge(10), 0, until_s))
        await turns()

        def make_room() -> None:
            d.report(load_kw=0)
            d.seats.queue.serve()
            assert len(d.seats.room) == 0

        asyncio.get_running_loop().call_at(until_s + room_comes_s, make_room)
        time.sleep(0.06)
        seat = await waiting
        assert d.outstanding_kw == (10 if seat else 0)
        assert bool(seat) == (room_comes_s < 0)
        if seat:
            seat.hold.close()


@pytest.mark.gen_test
@pytest.mark.parametrize("seat_first", [True, False])
async def test_a_seat_that_comes_together_with_a_hang_up_is_given_back(*, seat_first: bool) -> None:
    async with desk() as d:
        waiting = d.wait(charge(10))
        await turns()
        kept = list(d.seats.queue._waiting.values())  # else the garbage collector gives the seat back
        d.report(load_kw=0)
        if seat_first:
            d.seats.queue.serve()
            assert d.outstanding_kw == 10
        waiting.cancel()
        d.seats.queue.serve()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert kept[0].future.done()
        assert d.outstanding_kw == 0
        assert d.told()[0] == (None, "left")


@pytest.mark.gen_test
async def test_one_who_is_leaving_does_not_hold_up_those_behind_it() -> None:
    async with desk() as d:
        first, second = d.wait(charge(10)), d.wait(charge(10))
        await turns()
        d.report(load_kw=90)
        first.cancel()
        d.seats.queue.serve()
        seat = await second
        assert seat
        seat.hold.close()
        await asyncio.wait([first])
