"""The serving end of coalesced streams: answers that are ready together go as one message."""

import asyncio
import errno
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Generic, TypeVar

import grpc.aio

from runtime.message_size import LIMITS, fitting
from runtime.operator_token import OperatorToken
from runtime.stream_peers import Peer

log = logging.getLogger(__name__)

Item = TypeVar("Item")
Answer = TypeVar("Answer")

ALL_OF_IPV4 = "0.0.0.0"  # noqa: S104 - it is compared with
STOP_S = 2.0
STREAMS = 100  # of all callers together; one service has one
SERVER_OPTIONS = [
    ("grpc.so_reuseport", 0),  # else a second server would silently share the port
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
    register: Callable[[grpc.aio.Server], None],
    address: str,
    port: int,
    streams: int = STREAMS,
    *,
    token: OperatorToken | None = None,
    finish: Callable[[], None] = lambda: None,
) -> AsyncIterator[int]:
    """Serve what `register` adds while the context lasts; yields the port.

    At most `streams` are served at once; further callers are refused, and try again. With a
    `token`, callers without it are refused too. When the context ends, `finish` asks the conversations to end, and
    those that go on for STOP_S are cut off.

    Raises OSError when the port is taken.
    """
    server = grpc.aio.server(
        interceptors=[_Guard(token)] if token else [],
        options=SERVER_OPTIONS,
        maximum_concurrent_rpcs=streams,
    )
    register(server)
    host = f"[{address}]" if ":" in address else address
    with _without_ipv6(address, port) as chosen:
        try:
            bound = server.add_insecure_port(f"{host}:{chosen}")
        except RuntimeError as error:
            raise OSError(f"can't listen on {host}:{chosen}: is the port taken?") from error
        await server.start()
        try:
            yield bound
        finally:
            stopping = asyncio.ensure_future(server.stop(STOP_S))
            await asyncio.sleep(
                0
            )  # it accepts no streams any more: a caller whose stream ends can't come back here
            finish()
            await stopping


class _Guard(grpc.aio.ServerInterceptor):
    """Ends every stream that does not begin with the operator token."""

    def __init__(self, token: OperatorToken) -> None:
        self._token = token
        self._refuse: Any = grpc.stream_stream_rpc_method_handler(_refused)

    async def intercept_service(self, continuation: Any, details: grpc.HandlerCallDetails) -> Any:
        """Return what handles a call."""
        fields = [str(value) for name, value in details.invocation_metadata if name == "authorization"]
        return await continuation(details) if self._token.shown_in(fields) else self._refuse


async def _refused(_: Any, context: grpc.aio.ServicerContext[Any, Any]) -> None:
    await context.abort(grpc.StatusCode.UNAUTHENTICATED, "the operator token is required")


@contextmanager
def _without_ipv6(address: str, port: int) -> Iterator[int]:
    """Keep gRPC from IPv6 while the context lasts when `address` is all of IPv4; yields the port to take.

    gRPC reads 0.0.0.0 as all addresses of both families, and has no option against that. It leaves IPv6 out
    if the port is taken there, so this takes it with a socket that accepts no connections.

    Raises OSError when the port is taken.
    """
    blocker = _blocker(port) if address == ALL_OF_IPV4 else None
    if blocker is None:
        yield port
        return
    with blocker:
        yield blocker.getsockname()[1]


def _blocker(port: int) -> socket.socket | None:
    """Return a socket that has taken a port of IPv6, None on a machine without IPv6; raises OSError."""
    try:
        blocker = socket.socket(socket.AF_INET6)
    except OSError:
        return None
    try:
        blocker.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        blocker.bind(("::", port))
    except OSError as error:
        blocker.close()
        if error.errno != errno.EADDRINUSE:
            return None
        raise OSError(f"can't listen on {ALL_OF_IPV4}:{port}: is the port taken?") from error
    return blocker


class Conversation(Generic[Item, Answer]):
    """One stream from one caller: every item is handled on its own, in any order.

    `decode` turns a message into numbered items and the numbers of cancelled ones, `handle` answers
    one item, `encode` turns numbered answers into one message. When the caller cancels an item or
    its stream is lost, what still handles it is cancelled; `unused` is called with an answer that
    the caller does not use, or that was not written before the stream was lost. An answer that was being
    written may have arrived; the caller says on its next stream whether it lost it. `peer` is what the
    streams of the caller share.
    """

    def __init__(
        self,
        decode: Callable[[Any], tuple[list[tuple[int, Item]], list[int]]],
        handle: Callable[[Item], Awaitable[Answer]],
        encode: Callable[[list[tuple[int, Answer]]], Any],
        unused: Callable[[Answer], None] = lambda _: None,
        peer: Peer[Answer] | None = None,
    ) -> None:
        self._decode = decode
        self._handle = handle
        self._encode = encode
        self._unused = unused
        self._peer: Peer[Answer] = peer or Peer()
        self._running: dict[int, asyncio.Future[Answer]] = {}
        self._answers: list[tuple[int, Answer]] = []
        self._wake = asyncio.Event()
        self._over = False
        self._finishing = False
        self._greets = True  # the first greeting says that the link is up

    def greet(self) -> None:
        """Write the greeting again: what it says has changed."""
        self._greets = True
        self._wake.set()

    def finish(self) -> None:
        """End the stream once no call is left to be answered, as its caller does not end it by itself."""
        self._finishing = True
        self._wake.set()

    async def run(self, context: grpc.aio.ServicerContext[Any, Any]) -> None:
        """Read and answer until the caller ends the stream or is lost."""
        halves = [asyncio.create_task(self._read(context)), asyncio.create_task(self._write(context))]
        self._peer.streams.add(self)
        try:
            done, _ = await asyncio.wait(halves, return_when=asyncio.FIRST_COMPLETED)
            for half in done:
                half.result()  # end a stream that can't be read or written, so that the caller does not wait in vain
        finally:
            self._over = True
            self._peer.streams.discard(self)
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
        if self._peer.gave_up(number):
            return
        future = asyncio.ensure_future(self._handle(item))
        self._running[number] = future
        future.add_done_callback(lambda done: self._finished(number, done))

    def _cancel(self, number: int) -> None:
        """Drop a call whose answer the caller will not use, on whichever of its streams it came."""
        for stream in self._peer.streams:
            stream.drop(number)
        if (answer := self._peer.give_up(number)) is not None:
            self._unused(answer)

    def drop(self, number: int) -> None:
        """Stop handling a call of this stream; if it is done, don't write its answer."""
        if number in self._running:
            self._running[number].cancel()
        for each in [each for each in self._answers if each[0] == number]:
            self._answers.remove(each)
            self._unused(each[1])

    def _finished(self, number: int, done: "asyncio.Future[Answer]") -> None:
        self._running.pop(number, None)
        if self._finishing:
            self._wake.set()
        if done.cancelled():
            return
        if error := done.exception():
            log.error("a call failed", exc_info=error)
            return
        if self._over or self._peer.gave_up(number):  # the answer was ready before it could be cancelled
            self._unused(done.result())
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
            while self._answers:
                message, count = fitting(self._answers, self._encode)
                answers = self._answers[:count]
                del self._answers[:count]
                if message is None:
                    log.error("an answer is too large to be sent", extra={"number": answers[0][0]})
                    for _, answer in answers:
                        self._unused(answer)
                    continue
                self._peer.wrote(answers)
                await context.write(message)
            if self._finishing and not self._running:
                return
