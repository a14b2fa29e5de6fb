"""HTTP listeners with the limits that Tornado lacks."""

import asyncio
import errno
import socket
import ssl
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler, _has_stream_request_body
from tornado.websocket import WebSocketHandler

from runtime import access_log
from runtime.body_limit import BodyLimit
from runtime.connections import LimitedServer, Limits, OpenConnections
from runtime.descriptors import fitted
from runtime.gate import Gate, GatedApplication
from runtime.http_server.connection import HEADER_BYTES
from runtime.http_server.server import Server
from runtime.request_target import OriginForm
from runtime.tls.tornado_server import TlsServer

WEBSOCKET_BYTES = 16 * 1024  # one message
CHUNK_BYTES = 64 * 1024
NO_LIMIT = 2**63  # BodyLimit is the limit: Tornado's own answers a bare 400
ANSWER_WITHIN_S = 6.0  # when stopping: a request takes at most five, unless it waits for room
LOOK_EVERY_S = 0.02


@asynccontextmanager
async def listen(
    app: Application,
    address: str,
    port: int,
    limits: Limits | None = None,
    tls: Callable[[], ssl.SSLContext] | None = None,
    *,
    gate: Gate | None = None,
) -> AsyncIterator[int]:
    """Serve `app` while the context lasts; yields the port (useful when 0 was asked for).

    `gate` decides which requests are accepted. A compressed body is never inflated. With `tls`, which returns the
    context of each new connection, or a gate with a guard, the listener speaks only TLS. An application with WebSockets is served by Tornado's own server: see `needs_tornado`.

    Every answer is logged.

    When the context ends, the listener accepts no more requests, and answers those that it has within a time limit.

    Raises OSError when the port is taken, or too few files may be open.
    """
    app.settings["in_flight"] = in_flight = set[object]()
    app.settings["log_function"] = access_log.also(app.settings.get("log_function"))
    app.settings["websocket_max_message_size"] = WEBSOCKET_BYTES
    limits = fitted(limits or Limits())
    taken = OpenConnections(limits)
    gate = gate or Gate()
    tls = gate.guard.context if gate.guard else tls
    gated = GatedApplication(app, gate, taken.crowded)
    limited = BodyLimit(OriginForm(gated), within_s=limits.body_s)  # so the gate sees the host of a target
    server = (_tornado if needs_tornado(app) else Server)(limited, limits, taken, tls)
    sockets = _bound(address, port, shared=limits.shares_port)
    server.add_sockets(sockets)
    try:
        yield sockets[0].getsockname()[1]
    finally:
        server.stop()
        until_s = time.monotonic() + ANSWER_WITHIN_S
        while in_flight and time.monotonic() < until_s:  # noqa: ASYNC110 - bounded, and once
            await asyncio.sleep(LOOK_EVERY_S)
        await server.close_all_connections()


def _bound(address: str, port: int, *, shared: bool) -> list[socket.socket]:
    """Return listening sockets; raises OSError that names the address and says what to do."""
    try:
        return bind_sockets(port, address=address, reuse_port=shared)
    except OSError as error:
        host = f"[{address}]" if ":" in address else address
        taken = error.errno == errno.EADDRINUSE
        todo = "end what uses the port, or choose another" if taken else "is it an address of this machine?"
        raise OSError(f"can't listen on {host}:{port}: {error.strerror or error}: {todo}") from error


def needs_tornado(app: Application) -> bool:
    """Return whether a handler takes over its connection (WebSockets), or its body in parts: only Tornado gives these."""
    return any(
        isinstance(rule.target, type)
        and issubclass(rule.target, RequestHandler)
        and (issubclass(rule.target, WebSocketHandler) or _has_stream_request_body(rule.target))
        for rule in app.wildcard_router.rules
    )


def _tornado(
    app: BodyLimit, limits: Limits, taken: OpenConnections, tls: Callable[[], ssl.SSLContext] | None
) -> LimitedServer:
    sizes = {"chunk_size": CHUNK_BYTES, "max_header_size": HEADER_BYTES, "max_body_size": NO_LIMIT}
    if tls:
        return TlsServer(app, limits, taken, tls=tls, **sizes)
    return LimitedServer(app, limits, taken, **sizes)
