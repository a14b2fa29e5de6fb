"""A stream that follows the news of another one tells its clients at once, and not at its next tick."""

import asyncio
import json

import pytest
from prometheus_client import CollectorRegistry
from tornado.web import Application
from tornado.websocket import websocket_connect

from balancer.contract import FLEET
from runtime import frame_stream, http
from runtime.frame_stream import FrameStreamHandler, FrameStreams, StreamMetrics

NEVER_S = 3600.0


@pytest.mark.gen_test
async def test_news_are_sent_before_the_clock_ticks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frame_stream, "NEWS_GAP", 0.0)
    shown, news = {"policy": "least_loaded", FLEET.rows: []}, asyncio.Event()
    streams = FrameStreams(
        lambda: shown, FLEET, StreamMetrics(CollectorRegistry(), "smartgrid_console"), NEVER_S, news=news
    )
    app = Application([("/stream", FrameStreamHandler, {"streams": streams})])
    async with http.listen(app, "127.0.0.1", 0) as port:
        client = await websocket_connect(f"ws://127.0.0.1:{port}/stream")
        assert json.loads(await client.read_message() or "")["kind"] == "snapshot"
        for policy in ("random", "predictive"):
            shown = shown | {"policy": policy}
            news.set()
            frame = json.loads(await client.read_message() or "")
            assert (frame["kind"], frame["policy"]) == ("changes", policy)
        client.close()
        await streams.close()
