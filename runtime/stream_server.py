"""The serving end of coalesced streams: answers that are ready together go as one message."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Generic, TypeVar

import grpc.aio

from runtime.message_size import LIMITS, fitting

log = logging.getLogger(__name__)

Item = TypeVar("Item")
Answer = TypeVar("Answer")

STOP_S = 2.0
STREAMS = 100  # of all callers together; one service has one
REMEMBERED = 4096  # answers of a stream, for callers that give up while theirs is on the way
SERVER_OPTIONS = [
    ("grpc.so_reuseport", 0),  # else a second server shares the port without a word
    ("grpc.keepalive_time_ms", 2_000),
    ("grpc.keepalive_timeout_ms", 2_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.http2.min_ping_interval_without_data_ms", 1_000),
    # A caller that pings more often than every second, but for two strikes, is cut off.
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 1_000),
    ("grpc.http2.max_ping_strikes", 2),
    *LIMITS,
]


@asynccontextmanager
async def listen(
    register: Callable[[grpc.aio.Server], None], address: str, port: int, streams: int = STREAMS
) -> AsyncIterator[int]:
    """Serve what `register` adds while the context lasts; yields the port.

    At most `streams` are served at once; a caller beyond them is refused, and tries again.

    Raises OSError when the port is taken.
    """
    server = grpc.aio.server(options=SERVER_OPTIONS, maximum_concurrent_rpcs=streams)
    register(server)
    host = f"[{address}]" if ":" in address else address
    try:
        bound = server.add_insecure_port(f"{host}:{port}")
    except RuntimeError as error:
        message = f"can't listen on {host}:{port}: is the port taken?"
        raise OSError(message) from error
    await server.start()
    try:
        yield bound
    finally:
        await server.stop(STOP_S)


class Conversation(Generic[Item, Answer]):
    """One stream from one caller: every item is handled on its own, in any order.

    `decode` turns a message into numbered items and the numbers of cancelled ones, `handle` answers
    one item, `encode` turns numbered answers into one message. When the caller cancels an item or
    its stream is lost, what still handles it is cancelled; `unused` is called with an answer that
    the caller has said it does not use, or that was not written before the stream was lost. (One
    that was being written may have arrived: nothing is done about it.)
    """

    def __init__(
        self,
        decode: Callable[[Any], tuple[list[tuple[int, Item]], list[int]]],
        handle: Callable[[Item], Awaitable[Answer]],
        encode: Callable[[list[tuple[int, Answer]]], Any],
        unused: Callable[[Answer], None] = lambda _: None,
    ) -> None:
        self._decode = decode
        self._handle = handle
        self._encode = encode
        self._unused = unused
        self._written: OrderedDict[int, Answer] = OrderedDict()
        self._running: dict[int, asyncio.Future[Answer]] = {}
        self._answers: list[tuple[int, Answer]] = []
        self._wake = asyncio.Event()
        self._greets = True  # the first greeting says that the link is up

    def greet(self) -> None:
        """Write the greeting again: what it says has changed."""
        self._greets = True
        self._wake.set()

    async def run(self, context: grpc.aio.ServicerContext[Any, Any]) -> None:
        """Read and answer until the caller ends the stream or is lost."""
        halves = [asyncio.create_task(self._read(context)), asyncio.create_task(self._write(context))]
        try:
            done, _ = await asyncio.wait(halves, return_when=asyncio.FIRST_COMPLETED)
            for half in done:
                half.result()  # a stream that can't be read or written must end, not fall silent
        finally:
            for half in halves:
                half.cancel()
            for future in list(self._running.values()):
                future.cancel()
            for _, answer in self._answers:
                self._unused(answer)

    async def _read(self, context: grpc.aio.ServicerContext[Any, Any]) -> None:
        while (message := await context.read()) is not grpc.aio.EOF:
            items, cancelled = self._decode(message)
            for number, item in items:
                self._start(number, item)
            for number in cancelled:
                self._cancel(number)

    def _start(self, number: int, item: Item) -> None:
        future = asyncio.ensure_future(self._handle(item))
        self._running[number] = future
        future.add_done_callback(lambda done: self._finished(number, done))

    def _cancel(self, number: int) -> None:
        if number in self._running:
            self._running[number].cancel()
        elif number in self._written:
            self._unused(self._written.pop(number))
        else:
            kept = [(other, answer) for other, answer in self._answers if other != number]
            for other, answer in self._answers:
                if other == number:
                    self._unused(answer)
            self._answers = kept

    def _finished(self, number: int, done: "asyncio.Future[Answer]") -> None:
        self._running.pop(number, None)
        if done.cancelled():
            return
        if error := done.exception():
            log.error("a call failed", exc_info=error)
            return
        self._answers.append((number, done.result()))
        self._wake.set()

    async def _write(self, context: grpc.aio.ServicerContext[Any, Any]) -> None:
        self._wake.set()
        while True:
            await self._wake.wait()
            self._wake.clear()
            if self._greets:
                self._greets = False
                await context.write(self._encode([]))
            answers, self._answers = self._answers, []
            self._written.update(answers)
            while len(self._written) > REMEMBERED:
                self._written.popitem(last=False)
            while answers:
                message, count = fitting(answers, self._encode)
                if message is None:
                    log.error("an answer is too large to be sent", extra={"number": answers[0][0]})
                else:
                    await context.write(message)
                answers = answers[count:]
