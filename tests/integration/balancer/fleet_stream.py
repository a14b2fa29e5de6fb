"""A fleet stream over real sockets, for tests of its clients."""

import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

from prometheus_client import CollectorRegistry
from tornado.httpclient import HTTPRequest
from tornado.web import Application
from tornado.websocket import WebSocketClientConnection, websocket_connect

from balancer.contract import FLEET
from runtime import http
from runtime.frame_stream import FrameStreamHandler, FrameStreams, StreamMetrics
from tests.integration.balancer.grid import HOST

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
