"""POST, GET and DELETE /charge through all services."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.integration.balancer.grid import Plan, built, until, without
from tests.integration.gateway.api import PROBLEM, Response, api, api_of

ONE = Plan(capacities_kw=(22,))


@pytest.mark.gen_test
async def test_a_car_is_placed_found_and_stopped(tmp_path: Path) -> None:
    async with api(tmp_path) as grid:
        created = await grid.charge(vehicle_id="car-7", energy_kwh=20, max_power_kw=7.4, stay_minutes=30)
        placed = created.json
        assert created.headers["Location"] == f"/charge/{placed['session_id']}"
        assert without(placed, "session_id", "substation_id", "started_at", "expected_end") == {
            "vehicle_id": "car-7",
            "power_kw": 7.4,
            "energy_kwh": 20.0,
            "stay_minutes": 30.0,
        }
        assert placed["session_id"].startswith(placed["substation_id"] + ".")
        started, ends = (datetime.fromisoformat(placed[name]) for name in ("started_at", "expected_end"))
        assert (ends - started).total_seconds() == 1800
        assert abs((datetime.now(UTC) - started).total_seconds()) < 60

        found = await grid.find(placed["session_id"])
        assert found.status == 200
        assert found.json.items() >= placed.items()
        assert (found.json["state"], found.json["ended_at"]) == ("charging", None)

        stopped = await grid.stop(placed["session_id"])
        assert (stopped.status, stopped.json["state"]) == (200, "stopped")
        assert stopped.json["ended_at"] is not None
        assert (await grid.find(placed["session_id"])).json == stopped.json


@pytest.mark.gen_test
async def test_stopping_twice_answers_the_ended_session_again(tmp_path: Path) -> None:
    async with api(tmp_path) as grid:
        placed = await grid.placed()
        first, second = await grid.stop(placed["session_id"]), await grid.stop(placed["session_id"])
        assert (first.status, second.status) == (200, 200)
        assert first.body == second.body


@pytest.mark.gen_test
@pytest.mark.parametrize("session_id", ["s-1.0123456789abcdef", "nobody.0123456789abcdef", "x", "%C3%A9.1"])
async def test_a_session_that_nobody_has_is_not_found(tmp_path: Path, session_id: str) -> None:
    async with api(tmp_path) as grid:
        for answer in (await grid.find(session_id), await grid.stop(session_id)):
            assert (answer.status, answer.code) == (404, "not-found")


@pytest.mark.gen_test
async def test_what_is_not_said_has_the_documented_defaults(tmp_path: Path) -> None:
    async with api(tmp_path) as grid:
        placed = await grid.placed(energy_kwh=None, max_power_kw=None)
        assert (placed["energy_kwh"], placed["power_kw"], placed["stay_minutes"]) == (22.0, 11.0, None)


@pytest.mark.gen_test
async def test_a_replay_gets_the_same_answer_byte_for_byte(tmp_path: Path) -> None:
    async with api(tmp_path) as grid:
        first = await grid.charge("key-1")
        await grid.stop(first.json["session_id"])  # what happens later does not change it
        again = await grid.charge("key-1")
        assert (again.status, again.body) == (201, first.body)
        assert again.headers["Location"] == first.headers["Location"]
        spelled_out = await grid.charge("key-1", max_wait_s=0, energy_kwh=22.0)
        assert spelled_out.body == first.body
        assert len(await grid.grid.sessions()) == 1


@pytest.mark.gen_test
async def test_a_replay_gets_the_same_answer_from_a_balancer_and_a_substation_that_restarted(
    tmp_path: Path,
) -> None:
    async with api(tmp_path) as grid:
        first = await grid.charge("key-1")
        for name in ("balancer", *grid.grid.names):
            await grid.grid.stop(name)
        for name in (*grid.grid.names, "balancer"):
            await grid.grid.start(name)
        await grid.grid.placeable()
        assert (await grid.charge("key-1")).body == first.body
        assert len(await grid.grid.sessions()) == 1


@pytest.mark.gen_test
async def test_a_key_with_another_request_is_refused(tmp_path: Path) -> None:
    async with api(tmp_path) as grid:
        await grid.placed("key-1")
        reused = await grid.charge("key-1", energy_kwh=23)
        assert (reused.status, reused.code) == (422, "key-reused")
        assert len(await grid.grid.sessions()) == 1


@pytest.mark.gen_test
async def test_requests_at_once_with_one_key_get_one_session(tmp_path: Path) -> None:
    async with api(tmp_path) as grid:
        answers = await asyncio.gather(*(grid.charge("key-1") for _ in range(20)))
        assert {(answer.status, answer.body) for answer in answers} == {(201, answers[0].body)}
        assert len(await grid.grid.sessions()) == 1


@pytest.mark.gen_test
async def test_of_two_requests_at_once_with_one_key_one_is_refused(tmp_path: Path) -> None:
    async with api(tmp_path) as grid:
        answers = await asyncio.gather(grid.charge("key-1"), grid.charge("key-1", energy_kwh=23))
        assert sorted(answer.status for answer in answers) == [201, 422]
        assert len(await grid.grid.sessions()) == 1


@pytest.mark.gen_test
async def test_every_request_without_a_key_is_a_session_of_its_own(tmp_path: Path) -> None:
    async with api(tmp_path) as grid:
        answers = await asyncio.gather(*(grid.placed() for _ in range(6)))
        assert len({answer["session_id"] for answer in answers}) == 6
        places = [answer["substation_id"] for answer in answers]
        assert (places.count("s-1"), places.count("s-2")) == (3, 3)


@pytest.mark.gen_test
async def test_the_owner_of_a_session_that_is_down_is_503_and_not_404(tmp_path: Path) -> None:
    async with api(tmp_path, Plan(deadline_s=0.6)) as grid:
        placed = await grid.placed()
        await grid.grid.stop(placed["substation_id"])
        for answer in (await grid.find(placed["session_id"]), await grid.stop(placed["session_id"])):
            assert (answer.status, answer.code) == (503, "owner-unreachable")
            assert int(answer.headers["Retry-After"]) >= 1
        await grid.grid.start(placed["substation_id"])
        await grid.grid.placeable()
        assert (await grid.find(placed["session_id"])).json["state"] == "charging"


@pytest.mark.gen_test
async def test_while_a_substation_was_never_seen_its_sessions_are_503_and_not_404(tmp_path: Path) -> None:
    async with api(tmp_path, Plan(deadline_s=0.6)) as grid:
        placed = await grid.placed()
        owner = placed["substation_id"]
        for name in (owner, "balancer"):
            await grid.grid.stop(name)
        await grid.grid.start("balancer")
        other = next(name for name in grid.grid.names if name != owner)

        async def other_is_seen() -> bool:
            return await grid.grid.state(other) == "healthy"

        async def answer_of_the_balancer() -> Response | None:
            answer = await grid.find(placed["session_id"])
            return answer if "detail" not in answer.json else None  # the gateway's own has one

        await until(other_is_seen)
        answer = await until(answer_of_the_balancer)
        assert (answer.status, answer.code) == (503, "owner-unreachable")


@pytest.mark.gen_test
async def test_without_a_balancer_nothing_is_placed_and_the_caller_is_told_to_come_back(
    tmp_path: Path,
) -> None:
    async with built(tmp_path, Plan(deadline_s=0.5)) as grid:
        await grid.start("gateway")
        answer = await (await api_of(grid)).charge("key-1")
        assert (answer.status, answer.code) == (503, "unavailable")  # the outcome is known: nobody was asked
        assert "sent to none" in answer.json["detail"]
        assert int(answer.headers["Retry-After"]) >= 1


@pytest.mark.gen_test
async def test_a_full_fleet_says_when_to_come_back_and_then_there_is_room(tmp_path: Path) -> None:
    plan = Plan(capacities_kw=(11, 11), time_scale=3600)
    async with api(tmp_path, plan) as grid:
        for _ in range(2):
            await grid.placed(energy_kwh=11)  # an hour of grid time, a second of ours
        full = await grid.charge("key-1", energy_kwh=11)
        assert (full.status, full.code) == (503, "no-capacity")
        await asyncio.sleep(int(full.headers["Retry-After"]))
        assert (await grid.charge("key-1", energy_kwh=11)).status == 201


@pytest.mark.gen_test
async def test_a_demand_above_every_rating_is_no_matter_of_waiting(tmp_path: Path) -> None:
    async with api(tmp_path, Plan(capacities_kw=(20, 50))) as grid:
        assert (await grid.charge(max_power_kw=50)).json["substation_id"] == "s-2"
        answer = await grid.charge(max_power_kw=50.001)
        assert (answer.status, answer.code) == (422, "invalid")
        assert answer.json["errors"][0]["field"] == "max_power_kw"
        assert "50 kW" in answer.json["errors"][0]["detail"]
        restricted = await grid.charge(max_power_kw=21, substations=["s-1"])
        assert restricted.json["errors"][0]["field"] == "max_power_kw"


@pytest.mark.gen_test
async def test_a_substation_that_the_grid_does_not_have_is_named(tmp_path: Path) -> None:
    async with api(tmp_path) as grid:
        answer = await grid.charge(substations=["elsewhere"])
        assert (answer.status, answer.code) == (422, "invalid")
        assert answer.json["errors"][0]["field"] == "substations"
        assert "elsewhere" in answer.json["errors"][0]["detail"]


@pytest.mark.gen_test
async def test_only_the_substations_asked_for_are_used(tmp_path: Path) -> None:
    async with api(tmp_path, Plan(capacities_kw=(100, 100, 22))) as grid:
        for _ in range(2):
            assert (await grid.placed(substations=["s-3"]))["substation_id"] == "s-3"
        full = await grid.charge(substations=["s-3"])
        assert (full.status, full.code) == (503, "no-capacity")
        places = {(await grid.placed(substations=["s-2", "s-3"]))["substation_id"] for _ in range(3)}
        assert places == {"s-2"}


@pytest.mark.gen_test
async def test_a_stay_ends_a_session_before_the_car_is_full(tmp_path: Path) -> None:
    async with api(tmp_path, Plan(time_scale=600)) as grid:
        placed = await grid.placed(energy_kwh=22, max_power_kw=11, stay_minutes=1)

        async def completed() -> dict[str, object] | None:
            session = (await grid.find(placed["session_id"])).json
            return session if session["state"] == "completed" else None

        session = await until(completed)
        assert session["delivered_kwh"] == round(11 / 60, 3)
        assert session["ended_at"] == placed["expected_end"]


@pytest.mark.gen_test
async def test_the_least_utilized_gets_the_car_until_it_is_too_full_and_then_the_next(
    tmp_path: Path,
) -> None:
    async with api(tmp_path, Plan(capacities_kw=(40, 100))) as grid:
        await grid.placed(max_power_kw=55, substations=["s-2"])
        assert (await grid.placed(max_power_kw=11))["substation_id"] == "s-1"  # 28 % to 66 %
        assert (await grid.placed(max_power_kw=8))["substation_id"] == "s-1"  # 48 % to 63 %
        assert (await grid.placed(max_power_kw=22))["substation_id"] == "s-2"  # s-1 has 21 kW left
        assert (await grid.charge(max_power_kw=24)).code == "no-capacity"


@pytest.mark.gen_test
async def test_every_wrong_field_is_named_at_once(tmp_path: Path) -> None:
    async with api(tmp_path, ONE) as grid:
        answer = await grid.charge(
            vehicle_id="",
            energy_kwh=-1,
            max_power_kw="11",
            stay_minutes=0,
            substations=[],
            max_wait_s=1e9,
            colour="red",
        )
        assert (answer.status, answer.code) == (422, "invalid")
        assert [error["field"] for error in answer.json["errors"]] == [
            "vehicle_id",
            "energy_kwh",
            "max_power_kw",
            "stay_minutes",
            "substations",
            "max_wait_s",
            "colour",
        ]
        assert answer.headers["Content-Type"] == PROBLEM
        assert await grid.grid.sessions() == []
