"""What the console takes from a balancer's stream, over a real socket."""

import asyncio

import pytest
from tornado.web import Application
from tornado.websocket import WebSocketError, WebSocketHandler

from admin_ui.grid.balancers import Balancers
from admin_ui.grid.board import Board
from admin_ui.grid.event_log import EventLog
from admin_ui.grid.fleet_feed import FleetFeed
from admin_ui.grid.outages import Outages
from runtime import http

FRAME = '{"kind": "snapshot", "seq": 1, "fleet": {"substations": [{"substation_id": "s-1", "capacity_kw": Infinity}]}}'


class Lying(WebSocketHandler):
    """Sends what is no JSON."""

    async def open(self) -> None:
        await self.write_message(FRAME)


@pytest.mark.gen_test
async def test_an_infinite_number_of_a_balancer_is_not_shown_on() -> None:
    board = Board()
    async with http.listen(Application([("/fleet/stream", Lying)]), "127.0.0.1", 0) as port:
        url = f"http://127.0.0.1:{port}"
        feed = FleetFeed(board, Balancers([url]), url, Outages(EventLog()), asyncio.Event())
        with pytest.raises(ValueError, match="Infinity is not JSON"):
            await feed._read()
    assert "Infinity" not in str(board.shown(0.0))


class Snapshot(WebSocketHandler):
    """Sends one frame, and says goodbye."""

    async def open(self) -> None:
        await self.write_message('{"kind": "snapshot", "seq": 1, "fleet": {"substations": []}}')
        self.close()


@pytest.mark.gen_test
async def test_each_frame_is_news() -> None:
    news = asyncio.Event()
    async with http.listen(Application([("/fleet/stream", Snapshot)]), "127.0.0.1", 0) as port:
        url = f"http://127.0.0.1:{port}"
        feed = FleetFeed(Board(), Balancers([url]), url, Outages(EventLog()), news)
        with pytest.raises(WebSocketError, match="closed by the balancer"):
            await feed._read()
    assert news.is_set()
