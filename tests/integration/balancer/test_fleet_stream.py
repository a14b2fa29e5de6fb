"""/fleet/stream over real sockets: a snapshot, then changes; a client that does not read affects no other."""

import asyncio
import random
from pathlib import Path

import aiohttp
import pytest
from tornado.httpclient import HTTPClientError
from tornado.websocket import websocket_connect

from balancer.contract import FLEET
from runtime import frame_stream
from tests.integration.balancer.fleet_stream import (
    closed,
    connected,
    read,
    served,
)
from tests.integration.balancer.grid import HOST, Plan, running, until
from tests.integration.gateway.api import api_of
from tests.unit.runtime.test_changes import applied, without_ages


@pytest.mark.gen_test
async def test_a_snapshot_comes_first_and_then_what_a_placement_changes(tmp_path: Path) -> None:
    async with running(tmp_path, Plan((100, 90))) as grid, connected(grid.balancer_port) as client:
        first = await read(client)
        assert (first["seq"], first["kind"]) == (1, "snapshot")
        assert without_ages(first["fleet"]) == without_ages(await grid.get_json(f"{grid.balancer_url}/fleet"))
        await (await api_of(grid)).placed(max_power_kw=50, substations=["s-2"])
        known, seq, told = first["fleet"], 1, set()

        def full() -> bool:
            return any(each["load_kw"] > 40 and each["sessions"] == 1 for each in known[FLEET.rows])

        while not full():
            frame = await read(client)
            assert frame["seq"] == (seq := seq + 1)
            told |= {each["substation_id"] for each in frame.get(FLEET.rows, [])}
            known = applied(known, frame)
        assert told == {"s-2"}
        assert without_ages(known) == without_ages(await grid.get_json(f"{grid.balancer_url}/fleet"))
        for each in known[FLEET.rows]:
            assert each[FLEET.age] == round(each[FLEET.age], 1)


@pytest.mark.gen_test
async def test_a_heartbeat_comes_when_nothing_changes(tmp_path: Path) -> None:
    async with running(tmp_path, Plan((100,))) as grid, connected(grid.balancer_port) as client:
        first, second = await read(client), await read(client)
        assert (first["kind"], second["kind"]) == ("snapshot", "heartbeat")
        assert second[FLEET.age].keys() == {"s-1"}


@pytest.mark.gen_test
async def test_more_clients_than_there_may_be_are_refused_until_one_goes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(frame_stream, "MOST_CLIENTS", 2)
    async with served() as stream, stream.client():
        async with stream.client():
            with pytest.raises(HTTPClientError) as refused:
                await websocket_connect(f"ws://{HOST}:{stream.port}/fleet/stream")
            assert refused.value.code == 503
            assert stream.count("connections_total", outcome="full") == 1

        async def room() -> bool:
            return stream.count("clients") == 1

        await until(room)
        async with stream.client() as client:
            assert (await read(client))["kind"] == "snapshot"


@pytest.mark.gen_test
@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://[", "", f"http://{HOST}:1"])
async def test_pages_of_another_origin_are_refused(origin: str) -> None:
    async with served() as stream, aiohttp.ClientSession() as session:
        url = f"http://{HOST}:{stream.port}/fleet/stream"
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await session.ws_connect(url, headers={"Origin": origin})
        assert refused.value.status == 403
        async with session.get(url, headers={"Origin": origin}) as response:
            document = await response.json(content_type="application/problem+json")
        assert (response.status, document["type"].rpartition(":")[2]) == (403, "cross-origin")
        assert stream.count("connections_total", outcome="cross_origin") == 2


@pytest.mark.gen_test
async def test_pages_of_the_same_origin_and_back_ends_are_let_in() -> None:
    async with served() as stream:
        for origin in ({}, {"Origin": f"http://{HOST}:{stream.port}"}):
            async with stream.client(**origin) as client:
                assert (await read(client))["kind"] == "snapshot"


@pytest.mark.gen_test
async def test_what_is_no_websocket_is_answered_with_a_problem() -> None:
    async with served() as stream, aiohttp.ClientSession() as session:
        url = f"http://{HOST}:{stream.port}/fleet/stream"
        async with session.get(url) as response:
            assert (response.status, response.content_type) == (400, "application/problem+json")
        async with session.post(url) as response:
            assert (response.status, response.content_type) == (405, "application/problem+json")


@pytest.mark.gen_test
async def test_what_clients_say_is_ignored_and_what_is_too_long_ends_them_alone() -> None:
    async with served() as stream, stream.client() as polite:
        loud = await websocket_connect(f"ws://{HOST}:{stream.port}/fleet/stream")
        for message in ("hello", "{}", "x" * frame_stream.MESSAGE_BYTES):
            await polite.write_message(message)
        await loud.write_message("x" * (frame_stream.MESSAGE_BYTES + 1))
        await closed(loud)
        loud.close()
        assert [(await read(polite))["seq"] for _ in range(20)] == list(range(1, 21))

        async def one() -> bool:
            return stream.count("clients") == 1

        await until(one)


@pytest.mark.gen_test
async def test_a_balancer_that_stops_says_goodbye(tmp_path: Path) -> None:
    async with running(tmp_path, Plan((100,))) as grid:
        client = await websocket_connect(f"ws://{HOST}:{grid.balancer_port}/fleet/stream")
        await read(client)
        reading = asyncio.create_task(closed(client))
        await grid.stop("balancer")
        assert await reading == frame_stream.GOING_AWAY
        client.close()


@pytest.mark.gen_test
async def test_clients_that_come_and_go_leave_nothing() -> None:
    rng = random.Random(7)
    async with served() as stream:
        for _ in range(30):
            async with stream.client() as client:
                if rng.random() < 0.5:
                    await read(client)

        async def nobody() -> bool:
            return not stream.streams.clients and stream.count("clients") == 0

        await until(nobody)
        assert stream.count("connections_total", outcome="opened") == 30
        assert stream.count("connections_total", outcome="closed") == 30
