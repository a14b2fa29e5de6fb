"""The open connections to an order book: which are idle, who waits for one, and since when there is none."""

import asyncio
import time
from collections import deque
from typing import Any

from balancer.book.metrics import BookMetrics
from balancer.book.postgres.connecting import Connection
from balancer.book.postgres.patience import Patience
from balancer.book.protocol import BookUnavailable


class Connections:
    """Lends connections, each to one at a time; `lacking` is set when one was lost."""

    def __init__(self, metrics: BookMetrics, patience: Patience) -> None:
        self.trouble = ""  # why there is no connection, in words
        self.lacking = asyncio.Event()
        self.closed = False
        self._metrics = metrics
        self._patience = patience
        self._open: set[Connection] = set()
        self._idle: list[Connection] = []
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._down_since_s: float | None = None

    def __len__(self) -> int:
        return len(self._open)

    async def take(self) -> Connection:
        """Return a connection, once one is idle; raises BookUnavailable."""
        until_s = time.monotonic() + self._patience.answer_s
        while True:
            if self.closed:
                raise BookUnavailable("the balancer is stopping")
            while self._idle:
                if not (connection := self._idle.pop()).is_closed():
                    return connection
            if self._down_since_s is not None:
                until_s = min(until_s, self._down_since_s + self._patience.grace_s)
            if (left_s := until_s - time.monotonic()) <= 0:
                raise BookUnavailable(self.trouble or "its connections are busy")
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            await asyncio.wait({turn}, timeout=left_s)
            turn.cancel()

    def give_back(self, connection: Connection) -> None:
        """Take a connection back, unless it was lost."""
        if connection in self._open:
            self._idle.append(connection)
            self._wake()

    def add(self, connection: Connection) -> None:
        """Lend a new connection, too."""
        connection.add_termination_listener(self._terminated)
        self._open.add(connection)
        self.trouble, self._down_since_s = "", None
        self.give_back(connection)

    def lose(self, connection: Connection, error: Exception) -> None:
        """Close a connection that is of no use any more, without a word to the server."""
        if connection in self._open:
            self.trouble = self.trouble or str(error)
            connection.terminate()  # calls _terminated

    def too_late(self, connection: Connection) -> None:
        """Drop a connection that does not answer, and all others: they lead to the same server."""
        if connection in self._open:
            for each in tuple(self._open):
                self.lose(each, TimeoutError(f"no answer within {self._patience.answer_s:g} s"))

    async def close(self) -> None:
        """Close all connections."""
        self.closed = True
        for connection in tuple(self._open):
            try:
                await connection.close(timeout=self._patience.answer_s)
            except Exception:  # noqa: BLE001 - whatever it is, it ends here
                connection.terminate()

    def _wake(self) -> None:
        """Let the one that has waited longest look for a connection."""
        while self._waiting:
            if not (turn := self._waiting.popleft()).done():
                turn.set_result(None)
                return

    def _terminated(self, connection: Any) -> None:
        """Take note that a connection has ended, whoever ended it."""
        self._open.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)
        if self.closed:
            return
        self._metrics.lost()
        if not self._open and self._down_since_s is None:
            self._down_since_s = time.monotonic()
            self.trouble = self.trouble or "the connection was lost"
        self.lacking.set()
