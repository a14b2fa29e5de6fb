"""`GET /decisions` of a real balancer: why was this car sent there?"""

import asyncio
import contextlib
from pathlib import Path

import pytest

from balancer.contract import BalancerOutcome
from tests.integration.balancer.caller import Caller, caller
from tests.integration.balancer.grid import HOST, Grid, Plan, running, until
from tests.integration.balancer.operator import call, decisions, done
from tests.integration.balancer.test_view import place_directly, running_with_book


def client_of(grid: Grid) -> "contextlib.AbstractAsyncContextManager[Caller]":
    return caller(f"{HOST}:{grid.balancer_stream_port}")


async def told(grid: Grid, vehicle: str) -> list[tuple[str | None, str, int]]:
    """What was decided about a vehicle: chosen, outcome and attempt, oldest first."""
    found = await decisions(grid, f"vehicle_id={vehicle}")
    return [(one["chosen"], one["outcome"], one["attempt"]) for one in reversed(found)]


@pytest.mark.gen_test
@pytest.mark.parametrize("key", ["", "key-1"], ids=["keyless", "keyed"])
async def test_a_placement_tells_what_was_believed_of_each_and_what_came_of_it(
    tmp_path: Path, key: str
) -> None:
    async with running(tmp_path, Plan(capacities_kw=(100, 200, 100))) as grid, client_of(grid) as client:
        await client.placed(kw=50, substations=("s-1",), vehicle_id="other")
        await done(grid, "s-2", "drain")
        session = await client.placed(key, 20, vehicle_id="mine")
        (found,) = await decisions(grid, "vehicle_id=mine")
        assert await decisions(grid, f"session_id={session.session_id}") == [found]
        ages = [option.pop("report_age_s") for option in found["options"]]
        assert all(0 <= age < 60 for age in ages)
        assert [tuple(option.values()) for option in found["options"]] == [
            ("s-1", "healthy", False, True, 50, 100),
            ("s-2", "healthy", True, True, 0, 200),
            ("s-3", "healthy", False, True, 0, 100),
        ]
        assert list(found["options"][0]) == [
            "substation_id",
            "state",
            "draining",
            "linked",
            "estimate_kw",
            "capacity_kw",
        ]
        shown = {
            name: found[name]
            for name in ("chosen", "outcome", "session_id", "demand_kw", "policy", "attempt")
        }
        assert shown == {
            "chosen": "s-3",
            "outcome": "placed",
            "session_id": session.session_id,
            "demand_kw": 20,
            "policy": "least_loaded",
            "attempt": 0,
        }
        assert found["reason"] == "least_loaded among those with room"
        assert [one["vehicle_id"] for one in await decisions(grid)] == ["mine", "other"]


@pytest.mark.gen_test
@pytest.mark.parametrize("key", ["", "key-1"], ids=["keyless", "keyed"])
async def test_a_refusal_and_the_next_attempt_are_told(tmp_path: Path, key: str) -> None:
    async with (
        running_with_book(tmp_path, Plan(capacities_kw=(100, 40), poll_s=60)) as (grid, book),
        client_of(grid) as client,
    ):
        await place_directly(grid, "s-1", book, 95)
        session = await client.placed(key, 11, vehicle_id="mine")
        assert await told(grid, "mine") == [("s-1", "refused", 0), ("s-2", "placed", 1)]
        (found,) = await decisions(grid, f"session_id={session.session_id}")
        assert found["options"][0]["estimate_kw"] == 95  # what the refusal brought


@pytest.mark.gen_test
@pytest.mark.parametrize("key", ["", "key-1"], ids=["keyless", "keyed"])
async def test_waiting_is_told_with_how_it_ended(tmp_path: Path, key: str) -> None:
    async with running(tmp_path, Plan(capacities_kw=(100,))) as grid, client_of(grid) as client:
        first = await client.placed(kw=100, vehicle_id="first")
        refused = await client.charge(key and "r", 50, vehicle_id="refused")
        vain = await client.charge(key and "v", 50, 0.1, vehicle_id="vain")
        assert {refused.outcome, vain.outcome} == {BalancerOutcome.NO_CAPACITY}
        waits = asyncio.ensure_future(client.charge(key, 50, 60, vehicle_id="waits"))

        async def waiting() -> bool:
            return await grid.metric("smartgrid_balancer_waiting_requests") == 1

        await until(waiting)
        assert await told(grid, "waits") == [(None, "", 0), (None, "waiting", 0)]
        await client.stop(first)
        await waits
        assert await told(grid, "refused") == [(None, "", 0)]
        assert await told(grid, "vain") == [(None, "", 0), (None, "in_vain", 0)]
        assert await told(grid, "waits") == [(None, "", 0), (None, "seated", 0), ("s-1", "placed", 0)]
        reasons = [one["reason"] for one in await decisions(grid, "vehicle_id=waits")]
        assert reasons == ["least_loaded among those with room", "waits for room", "no substation has room"]


@pytest.mark.gen_test
async def test_an_outcome_that_is_unknown_and_a_key_that_the_book_knew_are_told(tmp_path: Path) -> None:
    async with running(tmp_path, Plan(proxied=True)) as grid, client_of(grid) as client:
        for stream in grid.streams.values():
            stream.replies = False
        answer = await client.charge("key-1", vehicle_id="mine", asking_s=1)
        assert answer.outcome is BalancerOutcome.UNKNOWN
        (target,) = [chosen for chosen, outcome, _ in await told(grid, "mine") if outcome == "unknown"]
        for stream in grid.streams.values():
            stream.pass_all()
        assert target
        await grid.placeable()
        placed = await client.placed("key-1", vehicle_id="mine")
        assert placed.substation_id == target
        await client.placed(kw=50, substations=(target,))
        other = next(name for name in grid.names if name != target)

        async def known() -> bool:
            await client.placed("key-1", vehicle_id="mine")
            return (await told(grid, "mine"))[-1] == (other, "known", 0)

        await until(
            known
        )  # a link that had lost its replies may still be replaced: then nobody else is chosen


@pytest.mark.gen_test
async def test_a_question_is_bounded_and_a_senseless_one_is_400(tmp_path: Path) -> None:
    async with running(tmp_path, Plan(capacities_kw=(100,))) as grid, client_of(grid) as client:
        for n in range(5):
            await client.placed(kw=1, vehicle_id=f"car-{n}")
        assert [one["number"] for one in await decisions(grid, "limit=2")] == [5, 4]
        assert [one["number"] for one in await decisions(grid, "after=3&limit=1000")] == [5, 4]
        assert await decisions(grid, "limit=0") == []
        assert await decisions(grid, "vehicle_id=car-0&session_id=s-1.x") == []
        for query in (
            "limit=-1",
            "limit=1001",
            "limit=many",
            "limit=1e2",
            "limit=",
            "limit=%EF%BC%91",
            "after=-1",
            "after=x",
            "after=9999999999999999999999",
            "vehicle_id=%FF",
        ):
            reply = await call(grid, "GET", f"/decisions?{query}")
            assert reply.status == 400, query
