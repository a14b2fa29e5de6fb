"""Accepts connections and serves an application on them, up to the limits of a listener."""

import asyncio
import contextlib
import logging
import socket
import ssl
from collections.abc import Callable, Iterable
from typing import Any

from tornado.httputil import HTTPServerConnectionDelegate

from runtime import problem
from runtime.accepting import Acceptor
from runtime.connections import ALL_TAKEN, Limits, OpenConnections, last_answer
from runtime.http_server.connection import Connection, Peer
from runtime.http_server.wire import READ_BYTES

log = logging.getLogger(__name__)


class Server:
    """Serves `app`; `taken` will hold the connections. With `tls`, it speaks only TLS; see `runtime.http.listen`."""

    def __init__(
        self,
        app: HTTPServerConnectionDelegate,
        limits: Limits,
        taken: OpenConnections,
        tls: Callable[[], ssl.SSLContext] | None = None,
    ) -> None:
        self._app = app
        self._limits = limits
        self._taken = taken
        self._tls = tls
        self._into = memoryview(
            bytearray(READ_BYTES)
        )  # what is read is taken at once, so one is enough for all
        self._acceptors: list[tuple[socket.socket, Acceptor]] = []
        self._opening: set[asyncio.Task[None]] = set()
        self._open: set[Connection] = set()

    def add_sockets(self, sockets: Iterable[socket.socket]) -> None:
        """Accept connections; pause when the process is out of file descriptors."""
        self._acceptors += [(each, Acceptor(each, self._accepted, self._taken.shed)) for each in sockets]

    def stop(self) -> None:
        """Accept no more connections and requests. The requests that have come are still answered."""
        for each, acceptor in self._acceptors:
            acceptor.close()
            each.close()
        for connection in list(self._open):
            connection.end()

    async def close_all_connections(self) -> None:
        """Close every connection at once."""
        for connection in list(self._open):
            connection.close()
        for task in self._opening:
            task.cancel()
        if self._opening:
            await asyncio.wait(self._opening)

    def _accepted(self, accepted: socket.socket, address: Any) -> None:
        accepted.setblocking(False)
        peer = Peer(str(address[0]), "https" if self._tls else "http")
        connection = Connection(self._app, self._limits, peer, self._into, self._closed)
        if self._taken.admit(connection, connection):
            self._open.add(connection)
            task = asyncio.create_task(self._serve(connection, accepted))
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)
            return
        with accepted, contextlib.suppress(OSError):  # what the socket does not take at once is left out
            if not self._tls:
                accepted.send(last_answer(problem.UNAVAILABLE, ALL_TAKEN))

    async def _serve(self, connection: Connection, accepted: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        within_s = self._limits.header_s if self._tls else None
        tls = self._tls() if self._tls else None
        try:
            await loop.connect_accepted_socket(
                lambda: connection, accepted, ssl=tls, ssl_handshake_timeout=within_s
            )
        except OSError as error:  # ssl.SSLError is one
            log.info("a connection could not be opened: %s", error)
            connection.connection_lost(error)
        except asyncio.CancelledError:  # within the TLS handshake
            connection.connection_lost(None)
            raise

    def _closed(self, connection: Connection) -> None:
        self._open.discard(connection)
        self._taken.remove(connection)
