"""Asks the database of an order book, on a fixed number of connections that are kept open.

A statement whose connection was lost is asked again on another one: it may or may not have been carried out, so every
statement of the book is one that can be carried out twice.
"""

import asyncio
import functools
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import asyncpg

from balancer.book.metrics import BookMetrics
from balancer.book.postgres.connecting import LOST, Connection
from balancer.book.postgres.connections import Connections
from balancer.book.postgres.patience import USUAL, Patience
from balancer.book.protocol import BookUnavailable
from runtime.store import StoreUnusable

log = logging.getLogger(__name__)

T = TypeVar("T")

RETRY_S = 0.2  # between two tries to connect
TURN_S = 0.02  # several turns of the event loop
MOST_TRIES = 6  # all connections may have been cut at once, and the first new one too


class Deadline:
    """Calls `late` after some seconds. If this process was busy meanwhile, it may first take what has come."""

    def __init__(self, after_s: float, late: Callable[[], None]) -> None:
        self._late = late
        self._timer = asyncio.get_running_loop().call_later(after_s, self._look)

    def cancel(self) -> None:
        """Do not call it."""
        self._timer.cancel()

    def _look(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(TURN_S, self._late)


class Pool:
    """Keeps `size` connections open and asks on them."""

    def __init__(
        self,
        connect: Callable[[], Awaitable[Connection]],
        size: int,
        metrics: BookMetrics,
        patience: Patience = USUAL,
    ) -> None:
        """`connect` opens one; it may raise BookUnavailable or StoreUnusable."""
        self.full = ""  # what the server lacks, in words: room on its disk, memory
        self._connect = connect
        self._size = size
        self._metrics = metrics
        self._answer_s = patience.answer_s
        self._connections = Connections(metrics, patience)
        self._running: set[asyncio.Task[Any]] = set()
        self._keeper: asyncio.Task[None] | None = None

    @property
    def trouble(self) -> str:
        """What keeps the book from being written, in words; '' when it can be."""
        return self._connections.trouble or self.full

    def start(self, first: Connection) -> None:
        """Begin with a connection that is open, and open the others."""
        self._connections.add(first)
        self._keeper = asyncio.create_task(self._keep())

    async def ask(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """Return what `work` returns on one of the connections; raises BookUnavailable within two seconds.

        The caller must not be cancelled: asyncpg would cancel the statement at the server, which may be waiting for a
        replica after its commit, and would then go on without it.
        """
        fault = None
        for tried in range(1, MOST_TRIES + 1):
            connection = await self._connections.take()
            deadline = Deadline(self._answer_s, functools.partial(self._connections.too_late, connection))
            began_s = time.monotonic()
            try:
                result = await work(connection)
            except (asyncpg.DeadlockDetectedError, asyncpg.SerializationError) as error:
                fault = str(error)
            except asyncpg.QueryCanceledError as error:
                raise BookUnavailable(str(error)) from error
            except LOST as error:
                self._connections.lose(connection, error)
                fault = str(error)
            except asyncpg.PostgresError as error:
                raise self._unavailable(error) from error
            else:
                self._metrics.answered(time.monotonic() - began_s)
                return result
            finally:
                deadline.cancel()
                self._connections.give_back(connection)
            log.warning("the order book is asked again", extra={"tried": tried, "error": fault})
        raise BookUnavailable(fault)

    async def run(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """Do as `ask`; the work goes on if the caller is cancelled."""
        task = asyncio.create_task(self.ask(work))
        self._running.add(task)
        task.add_done_callback(self._ended)
        return await asyncio.shield(task)

    async def close(self) -> None:
        """Finish what is under way and close the connections."""
        if self._keeper:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        await asyncio.gather(*self._running, return_exceptions=True)
        await self._connections.close()

    def _unavailable(self, error: asyncpg.PostgresError) -> BookUnavailable:
        if isinstance(error, asyncpg.InsufficientResourcesError):
            self.full = str(error)
        return BookUnavailable(str(error))

    async def _keep(self) -> None:
        """Open connections again and again while fewer than `size` are open."""
        connections = self._connections
        while True:
            try:
                while len(connections) < self._size:
                    connections.add(await self._connect())
            except Exception as error:  # whatever it is: else no connection would ever be opened again
                if not connections and connections.trouble != str(error):
                    known = isinstance(error, (BookUnavailable, StoreUnusable))
                    connections.trouble = str(error) or type(error).__name__
                    log.error("the order book can't be reached: %s", error, exc_info=not known)
                await asyncio.sleep(RETRY_S)
                continue
            connections.lacking.clear()
            await connections.lacking.wait()

    def _ended(self, task: "asyncio.Task[Any]") -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()  # its caller may have gone
