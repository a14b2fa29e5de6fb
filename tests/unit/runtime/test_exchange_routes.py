"""A request finds its exchange with or without a request of Tornado's, and what the gate refuses finds none."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from tornado.web import Application

from runtime import http
from runtime.connections import Limits
from runtime.exchange import Exchange, ExchangeRequest
from runtime.gate import ANY, Gate
from runtime.handlers import ApiHandler, NotFoundHandler
from tests.support.raw_http import Reply, exchange
from tests.unit.runtime.conftest import ON_UVLOOP, OWN, TORNADO

pytestmark = [
    pytest.mark.usefixtures("server"),
    pytest.mark.parametrize("server", [OWN, ON_UVLOOP, TORNADO], indirect=True),
]
COMMON = ("method", "path", "version", "host", "remote_ip", "protocol")


class ShownHandler(ApiHandler):
    """Takes the other methods."""


class ShownExchange(Exchange):
    """Answers with the request as it sees it."""

    handler = "ShownHandler"

    async def answer(self) -> None:
        request = self.request
        plain = isinstance(request, ExchangeRequest)
        shown = {name: getattr(request, name) for name in COMMON}
        assert request.request_time() >= 0
        assert repr(request)
        self.write_json({"plain": plain, "shown": shown, "body": request.body.decode()})


@asynccontextmanager
async def serving() -> AsyncIterator[int]:
    app = Application(
        [("/shown", ShownHandler)],
        default_handler_class=NotFoundHandler,
        exchanges={("POST", "/shown"): ShownExchange},
    )
    async with http.listen(app, "127.0.0.1", 0, Limits(), gate=Gate(kinds=ANY)) as port:
        yield port


async def sent(port: int, host: str | None, target: str = "/shown", more: str = "") -> Reply:
    lines = [f"POST {target} HTTP/1.1", *([f"Host: {host}"] if host is not None else []), "Content-Length: 2"]
    return await exchange(port, ("\r\n".join(lines) + f"\r\n{more}\r\nhi").encode())


def read(reply: Reply) -> Any:
    assert reply.status == 200, reply
    return json.loads(reply.body)


@pytest.mark.gen_test
async def test_both_ways_show_the_same_request() -> None:
    async with serving() as port:
        plain = read(await sent(port, "localhost:80"))
        with_query = read(await sent(port, "localhost:80", "/shown?"))
        assert (plain.pop("plain"), with_query.pop("plain")) == (True, False)
        assert plain == with_query
        assert plain["shown"] == {
            "method": "POST",
            "path": "/shown",
            "version": "HTTP/1.1",
            "host": "localhost:80",
            "remote_ip": "127.0.0.1",
            "protocol": "http",
        }
        assert plain["body"] == "hi"


@pytest.mark.gen_test
@pytest.mark.parametrize(
    ("host", "plain"),
    [("localhost", True), ("127.0.0.1", True), ("[::1]:8000", False), ("localhost.", False)],
)
async def test_every_host_that_is_allowed_finds_the_exchange(host: str, *, plain: bool) -> None:
    async with serving() as port:
        found = read(await sent(port, host))
        assert (found["plain"], found["shown"]["host"]) == (plain, host)


@pytest.mark.gen_test
@pytest.mark.parametrize(
    ("host", "more", "status"),
    [
        ("elsewhere.example", "", 421),
        ("localhost", "Origin: http://elsewhere.example\r\n", 403),
        ("localhost", "Sec-Fetch-Site: cross-site\r\n", 403),
        ("localhost", "Host: elsewhere.example\r\n", 400),
        ("local host", "", 400),
        ("", "", 421),
        (None, "", 400),
    ],
)
async def test_what_is_refused_finds_no_exchange(host: str | None, more: str, status: int) -> None:
    async with serving() as port:
        assert (await sent(port, host, more=more)).status == status
