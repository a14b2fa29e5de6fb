"""Accepts connections under TLS for a protocol of asyncio, each with the certificates of that moment.

asyncio's own servers keep the context that they were started with.
"""

import asyncio
import contextlib
import logging
import socket
import ssl
from collections.abc import Callable, Iterable
from typing import Any

from runtime.accepting import Acceptor

log = logging.getLogger(__name__)

HANDSHAKE_S = 5.0
MOST_HANDSHAKES = (
    100  # at once; the oldest beyond them ends: clients that only connect must not keep others out
)


class TlsAcceptor:
    """Makes a protocol by `factory` for each connection to `sockets` whose handshake succeeds in time."""

    def __init__(
        self,
        sockets: Iterable[socket.socket],
        factory: Callable[[], asyncio.BaseProtocol],
        context: Callable[[], ssl.SSLContext],
    ) -> None:
        self.sockets = tuple(sockets)
        self._factory = factory
        self._context = context
        self._tasks: set[asyncio.Task[None]] = set()
        self._shaking: dict[asyncio.Task[None], socket.socket] = {}  # the oldest first
        self._acceptors = [Acceptor(each, self._accepted, lambda: None) for each in self.sockets]

    def close(self) -> None:
        """Accept no more connections, and end the handshakes."""
        for acceptor in self._acceptors:
            acceptor.close()
        for each in self.sockets:
            each.close()
        for task in self._tasks:
            task.cancel()

    def _accepted(self, accepted: socket.socket, address: Any) -> None:
        while len(self._shaking) >= MOST_HANDSHAKES:
            oldest = self._shaking.pop(next(iter(self._shaking)))
            with contextlib.suppress(OSError):
                oldest.shutdown(socket.SHUT_RDWR)  # its transport sees that, and ends by itself
        accepted.setblocking(False)
        with contextlib.suppress(OSError):
            accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        task = asyncio.create_task(self._shake(accepted, address))
        self._tasks.add(task)
        self._shaking[task] = accepted
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._shaking.pop(task, None)

    async def _shake(self, accepted: socket.socket, address: Any) -> None:
        loop = asyncio.get_running_loop()
        try:
            await loop.connect_accepted_socket(
                self._factory, accepted, ssl=self._context(), ssl_handshake_timeout=HANDSHAKE_S
            )
        except OSError as error:  # ssl.SSLError and TimeoutError are such
            log.info("a connection could not be opened", extra={"why": str(error), "peer": str(address[0])})
