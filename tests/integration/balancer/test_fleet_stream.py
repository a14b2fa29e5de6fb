"""/fleet/stream over real sockets: a snapshot, then changes; whoever does not read harms nobody."""

import asyncio
import contextlib
import json
import random
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from prometheus_client import CollectorRegistry
from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.web import Application
from tornado.websocket import WebSocketClientConnection, websocket_connect

from balancer.contract import FLEET
from runtime import frame_stream, http
from runtime.frame_stream import FrameStreamHandler, FrameStreams, StreamMetrics
from tests.integration.balancer.grid import HOST, Plan, running, until
from tests.integration.gateway.api import api_of
from tests.unit.runtime.test_changes import applied, without_ages

Frame = dict[str, Any]


class ChangingFleet:
    """A fleet that changes whenever it is looked at, wholly, and is `size` members large."""

    def __init__(self, size: int = 2) -> None:
        self.number = 0
        self.moving = True
        self._size = size

    def __call__(self) -> Frame:
        self.number += self.moving
        members = [
            {"substation_id": f"s-{n:05}", "load_kw": self.number, "filling": "x" * 200, FLEET.age: 0.0}
            for n in range(self._size)
        ]
        return {"policy": "least_loaded", FLEET.rows: members, "unseen": []}


class StreamOnly:
    """The stream alone, of a fleet that is made up."""

    def __init__(self, shown: ChangingFleet, drop_s: float = 30.0) -> None:
        self.shown = shown
        self.registry = CollectorRegistry()
        self.streams = FrameStreams(
            shown, FLEET, StreamMetrics(self.registry, "smartgrid_balancer"), tick_s=0.001, drop_s=drop_s
        )
        self.port = 0

    def count(self, name: str, **labels: str) -> float:
        return self.registry.get_sample_value(f"smartgrid_balancer_stream_{name}", labels) or 0.0

    def client(self, **headers: str) -> contextlib.AbstractAsyncContextManager[WebSocketClientConnection]:
        return connected(self.port, headers)


@contextlib.asynccontextmanager
async def connected(
    port: int, headers: dict[str, str] | None = None
) -> AsyncIterator[WebSocketClientConnection]:
    """A client of a stream, which says goodbye."""
    url = f"ws://{HOST}:{port}/fleet/stream"
    client = await websocket_connect(HTTPRequest(url, headers=headers or {}))
    try:
        yield client
    finally:
        client.close()
        await closed(client)


@contextlib.asynccontextmanager
async def served(size: int = 2, drop_s: float = 30.0) -> AsyncIterator[StreamOnly]:
    stream = StreamOnly(ChangingFleet(size), drop_s)
    app = Application([("/fleet/stream", FrameStreamHandler, {"streams": stream.streams})])
    async with http.listen(app, HOST, 0) as stream.port:
        try:
            yield stream
        finally:
            await stream.streams.close()


async def read(client: WebSocketClientConnection) -> Frame:
    text = await client.read_message()
    assert text is not None, (client.close_code, client.close_reason)
    return dict(json.loads(text))


async def closed(client: WebSocketClientConnection) -> int | None:
    while await client.read_message() is not None:
        pass
    return client.close_code


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


@contextlib.asynccontextmanager
async def stalled(stream: StreamOnly) -> AsyncIterator[tuple[asyncio.StreamReader, FrameStreamHandler]]:
    """A client that has connected and reads nothing."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.setblocking(False)
    await asyncio.get_running_loop().sock_connect(sock, (HOST, stream.port))
    before = set(stream.streams.clients)
    reader, writer = await asyncio.open_connection(sock=sock, limit=4096)
    writer.write(
        b"GET /fleet/stream HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    )

    async def arrived() -> FrameStreamHandler | None:
        return next(iter(set(stream.streams.clients) - before), None)

    try:
        yield reader, await until(arrived)
    finally:
        writer.transport.abort()


def unsent_bytes(client: FrameStreamHandler) -> int:
    """How much the server holds back for a client."""
    assert client.ws_connection
    assert client.ws_connection.stream
    return len(client.ws_connection.stream._write_buffer)


async def raw_frame(reader: asyncio.StreamReader) -> Frame:
    """Read one frame as RFC 6455 lays it out: no mask, a length of 7, 16 or 64 bits."""
    size = (await reader.readexactly(2))[1]
    if size > 125:
        size = int.from_bytes(await reader.readexactly(2 if size == 126 else 8))
    return dict(json.loads(await reader.readexactly(size)))


def load_of(frame: Frame) -> int:
    return int(frame.get("fleet", frame)[FLEET.rows][0]["load_kw"])


async def stuck(idle: FrameStreamHandler) -> None:
    """Wait until nothing more goes out to a client."""

    async def unmoved() -> bool:
        before = unsent_bytes(idle)
        await asyncio.sleep(0.2)
        return 0 < before == unsent_bytes(idle)

    await until(unmoved)


@pytest.mark.gen_test
async def test_a_reader_that_stalls_holds_back_one_frame_and_delays_nobody() -> None:
    """A hundred frames of 600 kB: whatever were kept of them would be seen."""
    async with served(size=2000) as stream, stalled(stream) as (_, idle):
        await stuck(idle)
        held = unsent_bytes(idle)
        async with stream.client() as client:
            frames = [await read(client) for _ in range(100)]
        assert [frame["seq"] for frame in frames] == list(range(1, 101))
        loads = [load_of(frame) for frame in frames]
        assert loads == sorted(set(loads))
        assert unsent_bytes(idle) == held <= len(json.dumps(stream.shown())) + 100


@pytest.mark.gen_test
async def test_a_reader_that_wakes_up_gets_the_newest_state_after_what_was_on_its_way() -> None:
    async with served(size=2000) as stream, stalled(stream) as (reader, idle):
        await stuck(idle)
        async with stream.client() as client:
            for _ in range(50):
                await read(client)
        stream.shown.moving = False
        await reader.readuntil(b"\r\n\r\n")
        loads = [0]
        while loads[-1] < stream.shown.number:
            frame = await raw_frame(reader)
            assert frame["seq"] == len(loads)
            loads.append(load_of(frame))
        assert loads[-1] - loads[-2] > 20  # what came in between it was never sent


@pytest.mark.gen_test
async def test_a_client_that_takes_no_frame_for_long_is_dropped() -> None:
    async with served(size=2000, drop_s=0.3) as stream, stalled(stream) as (_, idle):

        async def dropped() -> bool:
            return stream.count("connections_total", outcome="slow") == 1

        await until(dropped)
        async with stream.client() as client:
            assert (await read(client))["seq"] == 1

        async def gone() -> bool:
            return idle not in stream.streams.clients

        await until(gone)


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
