"""With ONE_SESSION_PER_VEHICLE a vehicle has one session at a time, wherever, whatever is lost or restarted."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.balancer.grid import Grid, Plan, running, until
from tests.integration.balancer.operator import done
from tests.integration.gateway.api import Api, Response, api_of

PLAN = Plan(capacities_kw=(100, 100, 100), one_session_per_vehicle=1)


@contextlib.asynccontextmanager
async def grids(folder: Path, plan: Plan = PLAN) -> AsyncIterator[tuple[Grid, Api]]:
    async with running(folder, plan) as grid:
        yield grid, await api_of(grid)


def charging(response: Response, session_id: str | None) -> None:
    assert (response.status, response.code) == (409, "vehicle-charging"), response.body
    assert response.headers.get("Location") == (f"/charge/{session_id}" if session_id else None)


async def placed(api: Api, key: str = "") -> Response:
    """Charge as often as it takes: what was lost is not noticed at once."""

    async def once() -> Response | None:
        answer = await api.charge(key)
        return answer if answer.status != 503 else None

    answer: Response = await until(once)
    return answer


@pytest.mark.gen_test
async def test_a_vehicle_that_charges_gets_no_second_session_and_is_told_where_it_charges(
    tmp_path: Path,
) -> None:
    async with grids(tmp_path) as (grid, api):
        first = await api.placed()
        for key in ("", "a-key"):
            answer = await api.charge(key, max_wait_s=60)
            charging(answer, first["session_id"])
            found = await api.call("GET", answer.headers["Location"])
            assert found.json["state"] == "charging"
        await api.placed(vehicle_id="another")
        assert len(await grid.sessions()) == 2


@pytest.mark.gen_test
async def test_a_vehicle_whose_session_was_stopped_or_has_ended_charges_again_at_once(tmp_path: Path) -> None:
    async with grids(tmp_path, Plan(time_scale=100, one_session_per_vehicle=1)) as (_, api):
        for key in ("", "a-key"):
            first = await api.placed(key)
            await api.stop(first["session_id"])
            second = await api.placed(energy_kwh=0.1, max_power_kw=50)  # 8.6 s of grid time

            async def over(session_id: str = second["session_id"]) -> bool:
                return bool((await api.find(session_id)).json["state"] == "completed")

            await until(over)


@pytest.mark.gen_test
async def test_of_many_requests_of_one_vehicle_at_once_one_is_placed(tmp_path: Path) -> None:
    async with grids(tmp_path) as (grid, api):
        keys = ["", "a", "b", ""] * 5
        answers = await asyncio.gather(*(api.charge(key) for key in keys))
        (session,) = await grid.sessions()
        admitted = [key for key, answer in zip(keys, answers, strict=True) if answer.status == 201]
        assert len(set(admitted)) == 1
        assert admitted[0] or len(admitted) == 1
        assert {answer.status for answer in answers} == {201, 409}
        charging(await api.charge(), session["session_id"])


@pytest.mark.gen_test
async def test_a_vehicle_has_one_session_after_every_service_was_restarted(tmp_path: Path) -> None:
    async with grids(tmp_path) as (grid, api):
        first = await api.placed("a-key")
        for name in (first["substation_id"], "balancer", "gateway"):
            await grid.stop(name)
            await grid.start(name)
        await grid.placeable()
        charging(await placed(api), first["session_id"])
        await api.stop(first["session_id"])
        await api.placed()


@pytest.mark.gen_test
async def test_a_retry_gets_its_session_also_when_the_vehicle_has_another_one_since(tmp_path: Path) -> None:
    async with grids(tmp_path) as (grid, api):
        first = await api.placed("first")
        assert await api.placed("first") == first
        await api.stop(first["session_id"])
        assert await api.placed("first") == first
        second = await api.placed("second")
        assert await api.placed("first") == first
        assert (await api.charge("first", energy_kwh=1)).code == "key-reused"
        charging(await api.charge("third"), second["session_id"])
        assert len(await grid.sessions()) == 2


@pytest.mark.gen_test
async def test_while_nobody_knows_whether_a_vehicle_was_placed_it_is_not_placed_elsewhere(
    tmp_path: Path,
) -> None:
    plan = Plan(proxied=True, deadline_s=1.5, one_session_per_vehicle=1)
    async with grids(tmp_path, plan) as (grid, api):
        for stream in grid.streams.values():
            stream.replies = False
        assert (await api.charge("a-key")).code == "outcome-unknown"
        answer = await api.charge()
        assert (answer.status, answer.code) == (503, "no-substation")
        for stream in grid.streams.values():
            stream.pass_all()
        session_id = (await placed(api, "a-key")).json["session_id"]
        charging(await placed(api), session_id)
        assert [session["session_id"] for session in await grid.sessions()] == [session_id]


@pytest.mark.gen_test
async def test_a_request_that_never_arrived_holds_its_vehicle_no_longer_than_its_substation_is_silent(
    tmp_path: Path,
) -> None:
    plan = Plan(proxied=True, deadline_s=1.5, one_session_per_vehicle=1)
    async with grids(tmp_path, plan) as (grid, api):
        for stream in grid.streams.values():
            stream.requests = False
        assert (await api.charge("lost")).code == "outcome-unknown"
        for stream in grid.streams.values():
            stream.pass_all()
        session_id = (await placed(api, "next")).json["session_id"]
        charging(await placed(api, "lost"), session_id)
        await api.stop(session_id)
        assert (await placed(api, "lost")).status == 201
        assert len(await grid.sessions()) == 2


@pytest.mark.gen_test
async def test_without_the_setting_a_vehicle_has_as_many_sessions_as_are_asked_for(tmp_path: Path) -> None:
    async with grids(tmp_path, Plan()) as (grid, api):
        await api.placed()
        await api.placed()
        assert len(await grid.sessions()) == 2


@pytest.mark.gen_test
async def test_a_vehicle_of_an_exchanged_disk_is_placed_once_its_journal_is_given_up_and_the_caller_is_told(
    tmp_path: Path,
) -> None:
    async with grids(tmp_path) as (grid, api):
        first = await api.placed(substations=["s-1"])
        was = (await grid.fleet())["s-1"]["journal_id"]
        await grid.stop("s-1")
        (tmp_path / "s-1").rename(tmp_path / "elsewhere")
        await grid.start("s-1")

        async def another() -> bool:
            shown = (await grid.fleet())["s-1"]
            return bool(shown["journal_id"] != was and shown["state"] == "healthy")

        await until(another)
        answer = await api.charge()
        assert (answer.status, answer.code) == (503, "no-substation")
        assert f"bring back journal {was}, or give it up" in answer.json["detail"]
        assert answer.headers["Retry-After"] == "30"
        await done(grid, "s-1", "decommission", json={"journal_id": was})
        assert (await placed(api)).json["session_id"] != first["session_id"]
