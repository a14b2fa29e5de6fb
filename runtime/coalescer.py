"""The caller's end of one stream: all calls that wait when the stream is writable are sent in one message.

A call that was sent on a stream that is then lost has an unknown outcome: it fails with LinkLost and is never
silently sent again. On the next stream the other end learns that the answer is not used. A call that was not sent
yet waits for the next stream, unless its caller has other links to choose from.
"""

import asyncio
import dataclasses
import itertools
import logging
import random
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager
from typing import Any, Generic, TypeVar

from google.protobuf.message import Message

from runtime.background import cancelled
from runtime.deadlines import Deadlines
from runtime.machine import THIS
from runtime.message_size import fitting
from runtime.message_stream import SILENT_S, MessageStream, StreamLost
from runtime.stream_hello import Hello, connected
from runtime.tls.credentials import Callee
from runtime.trace import CURRENT, Trace

log = logging.getLogger(__name__)

Item = TypeVar("Item")
Answer = TypeVar("Answer")

MOST_IN_A_MESSAGE = 512
MOST_CANCELLED = 4096  # the other end remembers as many
RETRY_S = (0.05, 1.0)  # first and longest wait before a new stream is tried
BATCH_BUCKETS = (1, 2, 4, 8, 16, 32, 64, 128, 256, MOST_IN_A_MESSAGE)


class LinkLost(Exception):
    """The stream ended after the call was sent and before its answer: its outcome is unknown."""


class NotSent(LinkLost):
    """The stream ended before the call was sent: the other end knows nothing of it."""


@dataclasses.dataclass(slots=True)
class Outgoing(Generic[Item]):
    """One call to be sent: its number on this link, the milliseconds that are left, and the request it is part of."""

    number: int
    item: Item
    remaining_ms: int
    trace: Trace | None = None


@dataclasses.dataclass(slots=True)
class _Call(Generic[Item, Answer]):
    item: Item
    until: float
    future: "asyncio.Future[Answer]"
    trace: Trace | None


@dataclasses.dataclass(frozen=True)
class Wire(Generic[Item, Answer]):
    """The encoding of one protocol.

    A stream begins with `hello`, and brings messages of the type `answers`. `encode` turns calls and the numbers of
    cancelled calls into one message; `decode` turns a message into pairs of number and answer. `cancels` is whether
    cancelled calls are reported to the other end. With `tls`, the stream is encrypted, and the other end is who that says. A
    stream on which nothing comes for `silent_s` is lost. `waits` is whether a call that was not sent when a stream is lost
    waits for the next one; else it fails with NotSent. `chance` is for the jitter of its attempts.
    """

    hello: Hello
    answers: type[Message]
    encode: Callable[[list[Outgoing[Item]], list[int]], Any]
    decode: Callable[[Any], Iterable[tuple[int, Answer]]]
    cancels: bool = True
    tls: Callee | None = None
    silent_s: float = SILENT_S
    waits: bool = True
    chance: random.Random = THIS.random

    def stream(self, address: str) -> AbstractAsyncContextManager[MessageStream[Any]]:
        """A stream to `host:port` while the context lasts; see `connected`."""
        return connected(address, self.hello, self.answers, self.tls, self.silent_s)


class Link(Generic[Item, Answer]):
    """One coalesced stream to `address`, reconnected with a jittered backoff until closed."""

    def __init__(
        self, address: str, wire: Wire[Item, Answer], on_batch: Callable[[int], None] = lambda _: None
    ) -> None:
        """`on_batch` is called with the number of calls in each message that is sent."""
        self.address = address
        self._on_batch = on_batch
        self.up = False
        self._wire = wire
        self._numbers = itertools.count(1)
        self._waiting: dict[int, _Call[Item, Answer]] = {}
        self._sent: dict[int, _Call[Item, Answer]] = {}
        self._cancels = _Cancels()
        self._stream: MessageStream[Any] | None = None
        self._closing = False
        self._loop = asyncio.get_running_loop()
        self._deadlines = Deadlines(self._loop)
        self._task = asyncio.create_task(self._run())

    async def call(self, item: Item, within_s: float) -> Answer:
        """Return the answer to `item`.

        Raises LinkLost when the stream broke after sending, NotSent when it broke before and calls don't wait for the
        next one, TimeoutError after `within_s`. When
        the caller gives up or is cancelled, the other end learns that the answer is not used.
        """
        number = next(self._numbers)
        future: asyncio.Future[Answer] = self._loop.create_future()
        self._waiting[number] = call = _Call(item, self._loop.time() + within_s, future, CURRENT.get())
        self._deadlines.add(number, future, call.until)
        self._wake()
        try:
            return await future
        except (TimeoutError, asyncio.CancelledError):
            # A call that was sent is cancelled at the other end; a link that is down does it later.
            if self._waiting.pop(number, None) is None:
                self._sent.pop(number, None)
                self._cancel([number])
            raise
        finally:
            self._deadlines.remove(number)

    async def close(self) -> None:
        """End the stream; calls in flight, and those still waiting for it, fail with LinkLost."""
        self._closing = True
        await cancelled([self._task])
        self._deadlines.close()
        _fail(self._waiting.values(), lambda: LinkLost(self.address))

    async def _run(self) -> None:
        pause, said = RETRY_S[0], ""
        while not self._closing:
            try:
                async with self._wire.stream(self.address) as self._stream:
                    self._stream.begin(self._received, self._flush)
                    await self._stream.ended()
            except StreamLost as error:
                if self.up or str(error) != said:  # once, not at every attempt
                    said = str(error)
                    log.info("link lost", extra={"address": self.address, "why": said})
            except Exception:  # else the link would never come back
                log.exception("what came on the link can't be read", extra={"address": self.address})
            finally:
                pause = RETRY_S[0] if self.up else pause
                self._lose()
            await asyncio.sleep(pause * self._wire.chance.uniform(0.5, 1.5))
            pause = min(2 * pause, RETRY_S[1])

    def _received(self, message: Any) -> None:
        """Hand out the answers in a message. The other end greets first: only then is the link up."""
        if not self.up:
            self.up = True
            self._wake()
        for number, answer in self._wire.decode(message):
            call = self._sent.pop(number, None)
            if call and not call.future.done():
                call.future.set_result(answer)

    def _wake(self) -> None:
        if self._stream and self.up:
            self._stream.wake()

    def _flush(self) -> None:
        """Send what waits, as long as the stream takes it."""
        stream = self._stream
        while stream and self.up and stream.writable and (self._waiting or self._cancels.waiting):
            calls, self._waiting = _first(self._waiting, MOST_IN_A_MESSAGE)
            cancelled = self._cancels.take(MOST_IN_A_MESSAGE)
            content, count = self._message(calls, cancelled, self._loop.time())
            if count < len(calls):
                calls, unsent = _first(calls, count)
                self._waiting = unsent | self._waiting
            if content is not None:
                self._sent.update(calls)
                self._on_batch(len(calls))
                stream.send_frame(content)

    def _message(
        self, calls: dict[int, _Call[Item, Answer]], cancelled: list[int], now: float
    ) -> tuple[bytes | None, int]:
        """Encode as many calls as fit, and return how many; fail what can't be encoded, and leave the link."""
        content, count, error = _encoded(self._wire, calls, cancelled, now)
        if content is None:
            _fail(list(calls.values())[:count], lambda: error)
            self._cancels.waiting += cancelled if calls else []
        return content, count

    def _cancel(self, numbers: Iterable[int]) -> None:
        """Inform the other end, on this stream or the next, that answers are not used."""
        if self._wire.cancels:
            self._cancels.waiting += numbers
            self._wake()

    def _lose(self) -> None:
        self.up, self._stream = False, None
        lost, self._sent = self._sent, {}
        # Cancel them on the next stream: their answers will not be used. Cancels that were sent on this
        # stream may be lost too, so they are repeated.
        self._cancel([*self._cancels.sent_on_lost_stream(), *lost])
        _fail(lost.values(), lambda: LinkLost(self.address))
        if not self._wire.waits:
            _fail(self._waiting.values(), lambda: NotSent(self.address))
            self._waiting.clear()


class _Cancels:
    """The numbers of calls whose answers are not used: those that the other end does not know of, and those sent."""

    def __init__(self) -> None:
        self.waiting: list[int] = []
        self._sent: deque[int] = deque(maxlen=MOST_CANCELLED)  # on the present stream

    def take(self, most: int) -> list[int]:
        """Return the numbers for the next message."""
        taken, self.waiting = self.waiting[:most], self.waiting[most:]
        self._sent.extend(taken)
        return taken

    def sent_on_lost_stream(self) -> list[int]:
        """Return the numbers that were sent on the stream that was lost, and begin a new one."""
        sent = list(self._sent)
        self._sent.clear()
        return sent


def _encoded(
    wire: Wire[Item, Answer], calls: dict[int, _Call[Item, Answer]], cancelled: list[int], now: float
) -> tuple[bytes | None, int, Exception]:
    """Encode the first calls that fit into a message, and cancels; returns None, how many can't be sent, and why."""
    outgoing = [Outgoing(n, c.item, max(1, int((c.until - now) * 1000)), c.trace) for n, c in calls.items()]
    try:
        content, count = fitting(outgoing, lambda some: wire.encode(some, cancelled))
    except (TypeError, ValueError) as fault:
        return None, len(calls), fault
    return content, count, ValueError("the call is too large to be sent")


def _fail(calls: "Iterable[_Call[Item, Answer]]", error: Callable[[], Exception]) -> None:
    """Fail the calls that still wait, each with an exception of its own."""
    for call in calls:
        if not call.future.done():
            call.future.set_exception(error())


def _first(calls: dict[int, Item], most: int) -> tuple[dict[int, Item], dict[int, Item]]:
    """Return the first calls by their numbers, and the others."""
    if len(calls) <= most:
        return calls, {}
    items = list(calls.items())
    return dict(items[:most]), dict(items[most:])
