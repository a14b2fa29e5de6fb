"""What the gateway tells a balancer of waiting and of pages, and what it makes of the answers."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from balancer.proto import balancer_pb2 as pb
from gateway.callers import digest
from substation.proto import substation_pb2
from tests.integration.gateway.wire import never, wired


def session(number: int, vehicle_id: str = "car-1") -> substation_pb2.Session:
    return substation_pb2.Session(
        session_id=f"s-1.{number}", substation_id="s-1", vehicle_id=vehicle_id, state="charging", energy_j=3_600_000,
        power_w=11_000, started_unix_ms=1_700_000_000_000, expected_end_unix_ms=1_700_000_300_000,
    )  # fmt: skip


@pytest.mark.gen_test
@pytest.mark.parametrize(
    ("asked", "told_ms"), [({}, 0), ({"max_wait_s": 1.5}, 1500), ({"max_wait_s": 30}, 30_000), ({"max_wait_s": 31}, 30_000)]
)  # fmt: skip
async def test_a_balancer_is_told_how_long_to_wait_and_given_the_time_for_it(
    tmp_path: Path, asked: dict[str, Any], told_ms: int
) -> None:
    seen: list[pb.Call] = []

    async def handle(call: pb.Call) -> pb.Answer:
        seen.append(call)
        return pb.Answer(outcome="admitted", session=session(1))

    async with wired(tmp_path, handle, MAX_WAIT_S="30", DEADLINE_S="2") as api:
        await api.placed(**asked)
    (call,) = seen
    assert call.charge.max_wait_ms == told_ms
    assert told_ms + 1000 < call.remaining_ms <= told_ms + 2000


@pytest.mark.gen_test
async def test_an_answer_that_comes_after_the_deadline_but_within_the_wait_is_given(tmp_path: Path) -> None:
    async def handle(_: pb.Call) -> pb.Answer:
        await asyncio.sleep(0.8)
        return pb.Answer(outcome="admitted", session=session(1))

    async with wired(tmp_path, handle, DEADLINE_S="0.5") as api:
        assert (await api.charge(max_wait_s=20)).status == 201
        assert (await api.charge(max_wait_s=0)).code == "outcome-unknown"


@pytest.mark.gen_test
async def test_who_hangs_up_while_it_waits_is_withdrawn(tmp_path: Path) -> None:
    asked, gone = asyncio.Event(), asyncio.Event()

    async def handle(call: pb.Call) -> pb.Answer:
        asked.set()
        try:
            return await never(call)
        finally:
            gone.set()

    async with wired(tmp_path, handle) as api:
        waiting = asyncio.create_task(api.charge(max_wait_s=60))
        await asked.wait()
        waiting.cancel()
        await gone.wait()
        await asyncio.wait([waiting])


@pytest.mark.gen_test
async def test_a_page_is_asked_for_and_written_with_the_address_of_the_next(tmp_path: Path) -> None:
    seen: list[pb.Call] = []

    async def handle(call: pb.Call) -> pb.Answer:
        seen.append(call)
        cursor = "" if call.page.cursor else "s-1:2&x=/"
        return pb.Answer(outcome="found", sessions=[session(1), session(2)], next_cursor=cursor)

    async with wired(tmp_path, handle) as api:
        first = await api.call("GET", "/charge?vehicle_id=car-1&limit=2")
        assert (first.status, [s["session_id"] for s in first.json["sessions"]]) == (200, ["s-1.1", "s-1.2"])
        assert first.json["sessions"][0]["state"] == "charging"
        last = await api.call("GET", first.json["next"])
        assert (last.status, last.json["next"]) == (200, None)
    pages = [(call.page.vehicle_id, call.page.limit, call.page.cursor) for call in seen]
    assert pages == [("car-1", 2, ""), ("car-1", 2, "s-1:2&x=/")]


@pytest.mark.gen_test
async def test_a_page_that_nobody_can_give_is_503_and_not_empty(tmp_path: Path) -> None:
    async def handle(_: pb.Call) -> pb.Answer:
        return pb.Answer(outcome="unreachable", retry_after_ms=1500, detail="s-1 does not answer")

    async with wired(tmp_path, handle) as api:
        answer = await api.call("GET", "/charge?vehicle_id=car-1")
        assert (answer.status, answer.code, answer.headers["Retry-After"]) == (503, "owner-unreachable", "2")
    async with wired(tmp_path, never, DEADLINE_S="0.5") as api:
        answer = await api.call("GET", "/charge?vehicle_id=car-1")
        assert (answer.status, answer.code) == (503, "owner-unreachable")


@pytest.mark.gen_test
@pytest.mark.parametrize(
    ("query", "wrong"),
    [("", {"vehicle_id"}), ("?vehicle_id=a&limit=0", {"limit"}), ("?vehicle_id=%20&color=1", {"vehicle_id", "color"})],
)  # fmt: skip
async def test_a_query_that_is_wrong_is_invalid_and_names_every_fault(
    tmp_path: Path, query: str, wrong: set[str]
) -> None:
    async with wired(tmp_path, never) as api:
        answer = await api.call("GET", f"/charge{query}")
        assert (answer.status, answer.code) == (422, "invalid")
        assert {error["field"] for error in answer.json["errors"]} == wrong


@pytest.mark.gen_test
async def test_keys_and_vehicles_belong_to_their_caller(tmp_path: Path) -> None:
    seen: list[pb.Call] = []

    async def handle(call: pb.Call) -> pb.Answer:
        seen.append(call)
        if call.HasField("page"):
            return pb.Answer(outcome="found", sessions=[session(1, call.page.vehicle_id)])
        return pb.Answer(outcome="admitted", session=session(1, call.charge.vehicle_id))

    (tmp_path / "keys").write_text("".join(f"{name} {digest(name)}\n" for name in ("acme", "bolt")))
    async with wired(tmp_path, handle, API_KEYS=str(tmp_path / "keys")) as api:
        for name in ("acme", "bolt"):
            bearer = {"Authorization": f"Bearer {name}"}
            placed = await api.charge_with(bearer | {"Idempotency-Key": "k"}, vehicle_id="car-1")
            assert placed.json["vehicle_id"] == "car-1"
            listed = await api.call("GET", "/charge?vehicle_id=car-1", headers=bearer)
            assert listed.json["sessions"][0]["vehicle_id"] == "car-1"
        await api.charge_with({"Authorization": "Bearer acme"})
    charges = [call.charge for call in seen if call.HasField("charge")]
    assert [charge.key for charge in charges] == ["acme:k", "bolt:k", ""]
    vehicles = [call.charge.vehicle_id or call.page.vehicle_id for call in seen[:4]]
    assert vehicles == ["acme:car-1", "acme:car-1", "bolt:car-1", "bolt:car-1"]
    assert charges[0].fingerprint == charges[1].fingerprint
