"""What the console takes from a balancer's stream, over a real socket."""

import asyncio

import pytest
from tornado.web import Application
from tornado.websocket import WebSocketError, WebSocketHandler

from admin_ui.grid.board import Board
from admin_ui.grid.event_log import EventLog
from admin_ui.grid.fleet_feed import FleetFeed
from admin_ui.grid.followed_balancer import FollowedBalancer
from admin_ui.grid.outages import Outages
from runtime import http
from tests.support.ports import free_port

FRAME = '{"kind": "snapshot", "seq": 1, "fleet": {"substations": [{"substation_id": "s-1", "capacity_kw": Infinity}]}}'


class Lying(WebSocketHandler):
    """Sends what is no JSON."""

    async def open(self) -> None:
        await self.write_message(FRAME)


@pytest.mark.gen_test
async def test_an_infinite_number_of_a_balancer_is_not_shown_on() -> None:
    board = Board()
    async with http.listen(Application([("/fleet/stream", Lying)]), "127.0.0.1", 0) as port:
        feed = FleetFeed(
            board, FollowedBalancer(f"http://127.0.0.1:{port}"), Outages(EventLog()), asyncio.Event()
        )
        with pytest.raises(ValueError, match="Infinity is not JSON"):
            await feed._read()
    assert "Infinity" not in str(board.shown(0.0))


class Following(WebSocketHandler):
    """Sends one frame, and stays."""

    async def open(self) -> None:
        await self.write_message('{"kind": "snapshot", "seq": 1, "fleet": {"substations": []}}')


class Snapshot(WebSocketHandler):
    """Sends one frame, and says goodbye."""

    async def open(self) -> None:
        await self.write_message('{"kind": "snapshot", "seq": 1, "fleet": {"substations": []}}')
        self.close()


@pytest.mark.gen_test
async def test_each_frame_is_news() -> None:
    news = asyncio.Event()
    async with http.listen(Application([("/fleet/stream", Snapshot)]), "127.0.0.1", 0) as port:
        feed = FleetFeed(Board(), FollowedBalancer(f"http://127.0.0.1:{port}"), Outages(EventLog()), news)
        with pytest.raises(WebSocketError, match="closed by the balancer"):
            await feed._read()
    assert news.is_set()


@pytest.mark.gen_test
async def test_another_balancer_is_followed_when_one_is_lost_and_calls_go_there_too() -> None:
    board, news = Board(), asyncio.Event()
    answering = Application([("/fleet/stream", Following)])
    async with http.listen(answering, "127.0.0.1", 0) as port:
        urls = (f"http://127.0.0.1:{free_port()}", f"http://127.0.0.1:{port}")  # nothing listens at the first
        balancer = FollowedBalancer(*urls)
        following = asyncio.create_task(FleetFeed(board, balancer, Outages(EventLog()), news).follow())
        await news.wait()
        assert (balancer.url, board.connected) == (urls[1], True)
        following.cancel()
        await asyncio.wait([following])
