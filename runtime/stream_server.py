"""The serving end of coalesced streams: answers that are ready together go as one message."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Generic, Protocol, TypeVar

from google.protobuf.message import Message
from tornado.netutil import bind_sockets

from runtime.background import cancelled
from runtime.message_size import fitting
from runtime.message_stream import HELLO_BYTES, MessageStream, StreamLost
from runtime.operator_token import OperatorToken
from runtime.stream_hello import Hello, accept, read_hello, refuse
from runtime.stream_peers import Peer
from runtime.tls.accepting import TlsAcceptor
from runtime.tls.guard import Guard

log = logging.getLogger(__name__)

Item = TypeVar("Item")
Answer = TypeVar("Answer")

STOP_S = 2.0
STREAMS = 100  # of all callers together; one service has one


class Service(Protocol):
    """What is served: one protocol, with a conversation for each stream."""

    @property
    def protocol(self) -> str:
        """The name of the protocol."""

    @property
    def calls(self) -> type[Message]:
        """The type of the messages that come."""

    async def converse(self, stream: MessageStream[Any]) -> None:
        """Answer one caller until it has gone."""

    def finish(self) -> None:
        """Ask every conversation to end."""


@asynccontextmanager
async def listen(
    service: Service,
    address: str,
    port: int,
    streams: int = STREAMS,
    *,
    token: OperatorToken | None = None,
    tls: Guard | None = None,
) -> AsyncIterator[int]:
    """Serve while the context lasts; yields the port.

    At most `streams` are served at once; further callers are refused, and try again. With a
    `token`, callers without it are refused too. With `tls`, it is their certificate that must allow it, and no token is
    asked for. When the context ends, the conversations are asked to end, and
    those that go on for STOP_S are cut off.

    Raises OSError when the port is taken.
    """
    listener = _Listener(service, streams, token, tls)
    server: asyncio.Server | TlsAcceptor
    try:
        if tls:
            server = TlsAcceptor(bind_sockets(port, address=address), listener.accepted, tls.context)
        else:
            server = await asyncio.get_running_loop().create_server(listener.accepted, address, port)
    except OSError as error:
        host = f"[{address}]" if ":" in address else address
        raise OSError(f"can't listen on {host}:{port}: is the port taken?") from error
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()  # a caller whose stream ends can't come back here
        service.finish()
        await listener.close()


class _AcceptedStream(MessageStream[Any]):
    """The stream of a connection that a listener has accepted."""

    def __init__(self, received: type[Message], made: Callable[[MessageStream[Any]], None]) -> None:
        super().__init__(received, HELLO_BYTES)
        self._made = made

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the connection, and have it served."""
        super().connection_made(transport)
        self._made(self)


class _Listener:
    """The streams of one listener."""

    def __init__(self, service: Service, most: int, token: OperatorToken | None, tls: Guard | None) -> None:
        self._service = service
        self._most = most
        self._token = token
        self._tls = tls
        self._serving: set[asyncio.Task[Any]] = set()

    def accepted(self) -> MessageStream[Any]:
        """Return the stream of a new connection, which is served once the connection is made."""
        return _AcceptedStream(self._service.calls, self._begin)

    def _begin(self, stream: MessageStream[Any]) -> None:
        """Serve one stream, in a task of its own."""
        task = asyncio.create_task(self._serve(stream))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def close(self) -> None:
        """Wait until the conversations have ended, for at most STOP_S; then end them."""
        if self._serving:
            await asyncio.wait(self._serving, timeout=STOP_S)
        await cancelled(list(self._serving))

    async def _serve(self, stream: MessageStream[Any]) -> None:
        try:
            hello = await read_hello(stream)
            if refusal := self._refusal(hello, stream.transport):
                refuse(stream, refusal)
                return
            stream.link = hello.link
            accept(stream)
            await self._service.converse(stream)
        except StreamLost as error:
            log.info("a stream was lost", extra={"why": str(error)})
        except Exception:  # the caller must not wait in vain
            log.exception("a stream failed")
        finally:
            stream.close()

    def _refusal(self, hello: Hello, transport: asyncio.Transport) -> str:
        """Return in words why a stream is refused, '' when it is not."""
        if hello.protocol != self._service.protocol:
            return f"this is {self._service.protocol}, not {hello.protocol[:80]}"
        if self._tls:
            if refusal := self._tls.stream_refusal(transport):
                return refusal
        elif self._token and not self._token.shown_in([hello.authorization]):
            return "the operator token is required"
        return "too many streams" if len(self._serving) > self._most else ""


class Conversation(Generic[Item, Answer]):
    """One stream from one caller: every item is handled on its own, in any order.

    `decode` turns a message into numbered items and the numbers of cancelled ones, `handle` answers
    one item, `encode` turns numbered answers into one message. When the caller cancels an item or
    its stream is lost, what still handles it is cancelled; `unused` is called with an answer that
    the caller does not use, or that was not written before the stream was lost. An answer that was being
    written may have arrived; the caller says on its next stream whether it lost it. `peer` is what the
    streams of the caller share. `answered` is called with each item and its answer, whether the caller uses it or not.
    """

    def __init__(
        self,
        decode: Callable[[Any], tuple[list[tuple[int, Item]], list[int]]],
        handle: "Callable[[Item], Coroutine[Any, Any, Answer] | asyncio.Future[Answer]]",
        encode: Callable[[list[tuple[int, Answer]]], Any],
        unused: Callable[[Answer], None] = lambda _: None,
        peer: Peer[Answer] | None = None,
        answered: Callable[[Item, Answer], None] | None = None,
    ) -> None:
        self._decode = decode
        self._handle = handle
        self._encode = encode
        self._unused = unused
        self._peer: Peer[Answer] = peer or Peer()
        self._answered = answered
        self._loop = asyncio.get_running_loop()
        self._running: dict[int, asyncio.Future[Answer]] = {}
        self._answers: list[tuple[int, Answer]] = []
        self._stream: MessageStream[Any] | None = None
        self._over = False
        self._finishing = False
        self._greets = True  # the first greeting says that the link is up

    def greet(self) -> None:
        """Write the greeting again: what it says has changed."""
        self._greets = True
        self._wake()

    def finish(self) -> None:
        """End the stream once no call is left to be answered, as its caller does not end it by itself."""
        self._finishing = True
        self._wake()

    async def run(self, stream: MessageStream[Any]) -> None:
        """Answer until one of the ends closes the stream, or the stream is lost. Raises StreamLost."""
        self._peer.streams[self] = None
        self._stream = stream
        try:
            stream.begin(self._received, self._flush)
            await stream.ended()
        finally:
            self._over = True
            self._peer.streams.pop(self, None)
            for future in list(self._running.values()):
                future.cancel()
            for _, answer in self._answers:
                self._unused(answer)

    def _received(self, message: Any) -> None:
        items, cancelled = self._decode(message)
        for number, item in items:
            self._start(number, item)
        for number in cancelled:
            self._cancel(number)

    def _wake(self) -> None:
        if self._stream:
            self._stream.wake()

    def _start(self, number: int, item: Item) -> None:
        if self._peer.gave_up(number):
            return
        handling = self._handle(item)
        # `ensure_future` takes longer to find out what it is.
        future = handling if isinstance(handling, asyncio.Future) else self._loop.create_task(handling)
        self._running[number] = future
        future.add_done_callback(partial(self._finished, number, item))

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

    def _finished(self, number: int, item: Item, done: "asyncio.Future[Answer]") -> None:
        self._running.pop(number, None)
        if self._finishing:
            self._wake()
        if done.cancelled():
            return
        if error := done.exception():
            log.error("a call failed", exc_info=error)
            return
        answer = done.result()
        if self._answered:
            self._answered(item, answer)
        if self._over or self._peer.gave_up(number):  # the answer was ready before it could be cancelled
            self._unused(answer)
            return
        self._answers.append((number, answer))
        self._wake()

    def _flush(self) -> None:
        """Send the answers that are ready, as long as the stream takes them."""
        stream = self._stream
        if not stream:
            return
        if self._greets:
            self._greets = False
            stream.send(self._encode([]))
        while self._answers and stream.writable:
            content, count = fitting(self._answers, self._encode)
            answers = self._answers[:count]
            del self._answers[:count]
            if content is None:
                log.error("an answer is too large to be sent", extra={"number": answers[0][0]})
                for _, answer in answers:
                    self._unused(answer)
                continue
            self._peer.wrote(answers)
            stream.send_frame(content)
        if self._finishing and not self._running and not self._answers:
            stream.close()
