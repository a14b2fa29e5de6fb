"""Handlers of a listener and raw requests, for tests of HTTP."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tornado.web import Application

from runtime import exposition, health, http
from runtime.gate import ANY, Gate
from runtime.handlers import ApiHandler, NotFoundHandler


class EchoHandler(ApiHandler):
    """Answers how much came."""

    def get(self) -> None:
        if self.get_query_argument("break", ""):
            raise RuntimeError("a secret of the test")
        self.write_json({"bytes": 0})

    def post(self) -> None:
        self.write_json({"bytes": len(self.request.body)})


class PostOnlyHandler(ApiHandler):
    """Has nothing to get."""

    def post(self) -> None:
        self.write_json({})


class HostHandler(ApiHandler):
    """Answers which host and address were asked."""

    def get(self) -> None:
        self.write_json({"host": self.request.host, "uri": self.request.uri})


@asynccontextmanager
async def serving(lacking: list[str] | None = None) -> AsyncIterator[int]:
    app = Application(
        [
            ("/echo", EchoHandler),
            ("/post-only", PostOnlyHandler),
            ("/host", HostHandler),
            ("/livez", health.LiveHandler),
            ("/readyz", health.ReadyHandler, {"waiting_for": lambda: lacking or []}),
            ("/metrics", exposition.MetricsHandler, {"registry": exposition.registry("test")}),
        ],
        default_handler_class=NotFoundHandler,
    )
    async with http.listen(app, "127.0.0.1", 0, gate=Gate(("grid.example",), kinds=ANY)) as port:
        yield port


def request(line: str, *headers: str) -> bytes:
    return "\r\n".join([f"{line} HTTP/1.1", "Host: localhost", *headers, "", ""]).encode()


async def whole(port: int, *parts: bytes) -> bytes:
    """Send `parts`, and return all that comes until the connection is closed."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"".join(parts))
    answer = await reader.read()
    writer.close()
    return answer
