"""The caller's end of one stream: whatever waits when the stream is writable goes as one message.

A call that was sent on a stream that is then lost has an unknown outcome: it fails with LinkLost
and is never silently sent again. The next stream informs
the other end that its answer is not used. A call that was not sent yet waits for the next stream.
"""

import asyncio
import contextlib
import dataclasses
import itertools
import logging
import random
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, Generic, TypeVar

import grpc.aio

from runtime.message_size import LIMITS, fitting
from runtime.trace import CURRENT, Trace

log = logging.getLogger(__name__)

Item = TypeVar("Item")
Answer = TypeVar("Answer")

MOST_IN_A_MESSAGE = 512
MOST_TOLD = 4096  # what the other end remembers
RETRY_S = (0.05, 1.0)  # first and longest wait before a new stream is tried
BATCH_BUCKETS = (1, 2, 4, 8, 16, 32, 64, 128, 256, MOST_IN_A_MESSAGE)
CHANNEL_OPTIONS = [
    ("grpc.keepalive_time_ms", 2_000),  # a black-holed link is noticed in about 4 s
    ("grpc.keepalive_timeout_ms", 2_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1_000),
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.enable_retries", 0),
    ("grpc.enable_http_proxy", 0),  # proxies in the environment are for calls to the outside
    *LIMITS,
]


class LinkLost(Exception):
    """The stream ended after the call was sent and before its answer: nobody knows the outcome."""


@dataclasses.dataclass(slots=True)
class Outgoing(Generic[Item]):
    """One call on its way: its number on this link, the milliseconds that it has left, whose it is."""

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
    """How one protocol is put on the wire.

    `open` starts the stream on a channel; `encode` turns calls and the numbers of cancelled calls
    into one message; `decode` turns a message into pairs of number and answer. `cancels` is whether
    cancelled calls are reported to the other end.
    """

    open: Callable[[grpc.aio.Channel], Any]
    encode: Callable[[list[Outgoing[Item]], list[int]], Any]
    decode: Callable[[Any], Iterable[tuple[int, Answer]]]
    cancels: bool = True


class Link(Generic[Item, Answer]):
    """One coalesced stream to `address`, reconnected with a jittered backoff until closed."""

    def __init__(
        self, address: str, wire: Wire[Item, Answer], on_batch: Callable[[int], None] = lambda _: None
    ) -> None:
        """`on_batch` is called with the number of calls in each message that is sent."""
        self.address = address
        self._on_batch = on_batch
        self.up = False
        self.messages_sent = 0
        self.calls_sent = 0
        self._wire = wire
        self._numbers = itertools.count(1)
        self._waiting: dict[int, _Call[Item, Answer]] = {}
        self._sent: dict[int, _Call[Item, Answer]] = {}
        self._cancelled: list[int] = []
        self._told: deque[int] = deque(maxlen=MOST_TOLD)  # cancelled numbers that were sent on this stream
        self._wake = asyncio.Event()
        self._closing = False
        self._task = asyncio.create_task(self._run())

    async def call(self, item: Item, within_s: float) -> Answer:
        """Return the answer to `item`.

        Raises LinkLost when the stream broke after sending, TimeoutError after `within_s`. When
        the caller gives up or is cancelled, the other end is told that the answer is not used.
        """
        loop = asyncio.get_running_loop()
        number = next(self._numbers)
        call: _Call[Item, Answer] = _Call(item, loop.time() + within_s, loop.create_future(), CURRENT.get())
        self._waiting[number] = call
        self._wake.set()
        try:
            async with asyncio.timeout(within_s):
                return await call.future
        except (TimeoutError, asyncio.CancelledError):
            if (
                self._waiting.pop(number, None) is None
            ):  # it was sent, so the other end must know; a link that is down says it later
                self._sent.pop(number, None)
                self._cancel([number])
            raise

    async def close(self) -> None:
        """End the stream; calls in flight, and those still waiting for it, fail with LinkLost."""
        self._closing = True
        self._task.cancel()
        await asyncio.wait([self._task])
        for call in self._waiting.values():
            if not call.future.done():
                call.future.set_exception(LinkLost(self.address))

    async def _run(self) -> None:
        pause = RETRY_S[0]
        async with grpc.aio.insecure_channel(self.address, options=CHANNEL_OPTIONS) as channel:
            while not self._closing:  # grpc.aio loses a cancellation that meets a failing connection
                try:
                    await self._converse(channel)
                except grpc.aio.AioRpcError as error:
                    log.info("link lost", extra={"address": self.address, "code": str(error.code())})
                except Exception:  # else the link would never come back
                    log.exception("what came on the link can't be read", extra={"address": self.address})
                finally:
                    pause = RETRY_S[0] if self.up else pause
                    self._lose()
                await asyncio.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 - jitter
                pause = min(2 * pause, RETRY_S[1])

    async def _converse(self, channel: grpc.aio.Channel) -> None:
        stream = self._wire.open(channel)
        sender: asyncio.Task[None] | None = None
        try:
            while (message := await stream.read()) is not grpc.aio.EOF:
                if sender is None:  # the other end greets first: only then is the link up
                    self.up = True
                    sender = asyncio.create_task(self._send(stream))
                for number, answer in self._wire.decode(message):
                    call = self._sent.pop(number, None)
                    if call and not call.future.done():
                        call.future.set_result(answer)
        finally:
            if sender:
                sender.cancel()
            stream.cancel()

    async def _send(self, stream: Any) -> None:
        loop = asyncio.get_running_loop()
        with contextlib.suppress(grpc.aio.AioRpcError, asyncio.InvalidStateError):  # the reader sees it too
            while True:
                while self._waiting or self._cancelled:
                    numbers = list(itertools.islice(self._waiting, MOST_IN_A_MESSAGE))
                    calls = {number: self._waiting.pop(number) for number in numbers}
                    cancelled = self._cancelled[:MOST_IN_A_MESSAGE]
                    del self._cancelled[: len(cancelled)]
                    self._told.extend(cancelled)
                    message, count = self._message(calls, cancelled, loop.time())
                    if unsent := {number: calls.pop(number) for number in numbers[count:]}:
                        self._waiting = unsent | self._waiting
                    if message is not None:
                        self._sent.update(calls)
                        self.messages_sent += 1
                        self.calls_sent += len(calls)
                        self._on_batch(len(calls))
                        await stream.write(message)
                self._wake.clear()
                await self._wake.wait()

    def _message(
        self, calls: dict[int, _Call[Item, Answer]], cancelled: list[int], now: float
    ) -> tuple[Any | None, int]:
        """Encode as many calls as fit, and return how many; fail what can't be encoded, and leave the link."""
        outgoing = [
            Outgoing(n, c.item, max(1, int((c.until - now) * 1000)), c.trace) for n, c in calls.items()
        ]
        try:
            message, count = fitting(outgoing, lambda some: self._wire.encode(some, cancelled))
            error: Exception = ValueError("the call is too large to be sent")
        except (TypeError, ValueError) as fault:
            message, count, error = None, len(calls), fault
        if message is None:
            for call in list(calls.values())[:count]:
                if not call.future.done():
                    call.future.set_exception(error)
            self._cancelled += cancelled if calls else []
        return message, count

    def _cancel(self, numbers: Iterable[int]) -> None:
        """Inform the other end, on this stream or the next, that answers are not used."""
        if self._wire.cancels:
            self._cancelled += numbers
            self._wake.set()

    def _lose(self) -> None:
        self.up = False
        lost, self._sent = self._sent, {}
        # Cancel them on the next stream: their answers will not be used. Cancels that were sent on this
        # stream may be lost too, so they are repeated.
        self._cancel([*self._told, *lost])
        self._told.clear()
        for call in lost.values():
            if not call.future.done():
                call.future.set_exception(LinkLost(self.address))
