"""What a listener bears, it bears with each of its servers: our own, on the loop of a service too, and Tornado's."""

import asyncio
from collections.abc import Iterator

import pytest
import uvloop
from tornado.ioloop import IOLoop

from runtime import http

OWN, ON_UVLOOP, TORNADO = "own", "own, on uvloop", "tornado"


@pytest.fixture(params=[OWN, ON_UVLOOP, TORNADO])
def server(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Which server reads HTTP: a module that uses this fixture is run with each of them."""
    kind: str = request.param
    if kind == TORNADO:
        monkeypatch.setattr(http, "needs_tornado", lambda _: True)
    policy = asyncio.get_event_loop_policy()
    if kind == ON_UVLOOP:
        asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    yield kind
    asyncio.set_event_loop_policy(policy)


@pytest.fixture
def io_loop(request: pytest.FixtureRequest) -> Iterator[IOLoop]:
    """The loop of one test, in place of pytest-tornado's, which would not wait for `server`."""
    if "server" in request.fixturenames:
        request.getfixturevalue("server")
    loop = IOLoop(make_current=False)
    loop.make_current()
    yield loop
    loop.clear_current()
    loop.close(all_fds=True)
