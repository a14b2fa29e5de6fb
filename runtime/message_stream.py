"""One end of a stream of protobuf messages in both directions over one TCP connection.

The first frame of each end belongs to the hello (see stream_hello.py). After it, each message is handed on in the turn
of the event loop in which it comes.

docs/adr/0026 says why this is not gRPC, and docs/adr/0038 why it is a protocol of asyncio and not one of its streams.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Generic, TypeVar, cast

from google.protobuf.message import DecodeError, Message

from runtime.frames import HEARTBEAT, FrameCutter, FrameTooLong, framed
from runtime.message_size import MESSAGE_BYTES

In = TypeVar("In", bound=Message)

HELLO_BYTES = 8 * 1024
BEAT_S = 1.0
SILENT_S = 4.0
FLUSH_S = 2.0  # what is still to be sent when a stream is closed is dropped after this time


class StreamLost(ConnectionError):
    """The stream was lost, refused, or the other end did not keep to the protocol; the message says which."""


class _Heart:
    """Shows every second that this end is alive, unless it does anyway, and notices when the other end is silent.

    Each end sends a heartbeat after a second without a message, and gives the connection up when it has heard nothing
    for `SILENT_S`, or another time that was chosen for it. So a link whose other end hangs or is cut off is noticed.
    """

    def __init__(self, stream: "MessageStream[Any]", silent_s: float) -> None:
        """`silent_s` is after how long the other end of `stream` is given up."""
        self.heard = self.sent = True  # since the last beat
        self._stream = stream
        self._silent_s = silent_s
        self._silent_beats = 0
        self._loop = asyncio.get_running_loop()
        self._timer = self._loop.call_later(BEAT_S, self._beat)

    def stop(self) -> None:
        """Beat no more."""
        self._timer.cancel()

    def _beat(self) -> None:
        """Beats are counted, not seconds: after a pause of this process only one has passed.

        What came meanwhile is read before the next.
        """
        self._silent_beats = 0 if self.heard else self._silent_beats + 1
        if self._silent_beats * BEAT_S >= self._silent_s:
            self._stream.fail(StreamLost(f"nothing came for {self._silent_s:g} s"))
            return
        if not self.sent:
            self._stream.transport.write(HEARTBEAT)
        self.heard = self.sent = False
        self._timer = self._loop.call_later(BEAT_S, self._beat)


class MessageStream(asyncio.Protocol, Generic[In]):
    """One end of a stream, which receives messages of type `In`; `link` is that of the caller's Hello.

    Rules: what the other end sends is read no further than the first frame until `begin`. Nobody waits for a message to
    be sent: who has some asks for a `flush`, and sends in it while the stream is `writable`.
    """

    def __init__(
        self, received: type[In], first_bytes: int = MESSAGE_BYTES, silent_s: float = SILENT_S
    ) -> None:
        """`first_bytes` is how long the first frame may be, `silent_s` how long the other end may be silent."""
        self.link = ""
        self.transport: asyncio.Transport
        self._type = received
        self._silent_s = silent_s
        self._frames = FrameCutter(first_bytes)
        self._loop = asyncio.get_running_loop()
        self._first: asyncio.Future[bytes | None] = self._loop.create_future()
        self._ended = asyncio.Event()
        self._error: Exception | None = None
        self._received: Callable[[In], None] | None = None
        self._flush: Callable[[], None] = lambda: None
        self._flushes = self._paused = False  # flushes in this turn of the loop; takes no more for now
        self._heart: _Heart

    @property
    def writable(self) -> bool:
        """Whether the stream takes a message now."""
        return not self._paused and not self._ended.is_set()

    async def first_frame(self) -> bytes | None:
        """Return the first frame, which is no message; None when the other end has closed the stream before it.

        Raises StreamLost.
        """
        frame = await asyncio.shield(self._first)
        if frame is None and self._error:
            raise self._error
        return frame

    def begin(self, received: Callable[[In], None], flush: Callable[[], None]) -> None:
        """Hand every message to `received` from now on, and call `flush` whenever there may be something to send.

        When one of them raises, the stream ends with what it raised.
        """
        self._received, self._flush = received, flush
        self._frames.most_bytes = MESSAGE_BYTES
        if not self._ended.is_set() and not self.transport.is_closing():
            self.transport.resume_reading()
            self._guarded(self._hand_on)  # what came with the first frame
        self.wake()

    def wake(self) -> None:
        """Call `flush` once at the end of this turn of the loop, when all that is to be sent in it is known."""
        if not self._flushes and self.writable:
            self._flushes = True
            self._loop.call_soon(self._flush_now)

    def send(self, message: Message) -> None:
        """Send a message, unless the stream has ended."""
        self.send_frame(message.SerializeToString())

    def send_frame(self, content: bytes) -> None:
        """Send a frame as `send` does."""
        if not self._ended.is_set():
            self.transport.write(framed(content))
            self._heart.sent = True

    async def ended(self) -> None:
        """Wait until one of the ends has closed the stream.

        Raises StreamLost when it was lost, and what a receiver has raised.
        """
        await self._ended.wait()
        if self._error:
            raise self._error

    def close(self) -> None:
        """Close the stream once what was written has been sent, but wait for that no longer than `FLUSH_S`."""
        self._end()
        if not self.transport.is_closing():
            self.transport.close()
            self._loop.call_later(FLUSH_S, self.transport.abort)

    def fail(self, error: Exception) -> None:
        """End the stream with an error, and drop the connection at once."""
        self._end(error)
        self.transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the connection."""
        self.transport = cast("asyncio.Transport", transport)
        self._heart = _Heart(self, self._silent_s)

    def data_received(self, data: bytes) -> None:
        """Hand on the frames that are complete."""
        self._heart.heard = True
        self._frames.add(data)
        self._guarded(self._hand_on)

    def pause_writing(self) -> None:
        """Send nothing more for now: the other end does not read."""
        self._paused = True

    def resume_writing(self) -> None:
        """Send what has waited."""
        self._paused = False
        self.wake()

    def eof_received(self) -> bool:
        """End the stream: the other end sends no more. Returns whether who has the stream closes it: not under TLS."""
        self._end(StreamLost("the connection ended within a message") if self._frames.within_frame else None)
        return self.transport.get_extra_info("sslcontext") is None

    def connection_lost(self, exc: Exception | None) -> None:
        """End the stream, if it has not ended yet."""
        self._end(StreamLost(str(exc)) if exc else None)

    def _hand_on(self) -> None:
        """Hand on the messages that are complete; before `begin`, take the first frame and read no further."""
        while not self._ended.is_set() and (self._received or not self._first.done()):
            frame = self._frames.next()
            if frame is None:
                return
            if self._received:
                self._received(self._type.FromString(frame))
            else:
                self._first.set_result(frame)
                self.transport.pause_reading()

    def _flush_now(self) -> None:
        self._flushes = False
        if self.writable:
            self._guarded(self._flush)

    def _guarded(self, act: Callable[[], None]) -> None:
        """Act, and end the stream with what is raised: whoever waits for its end has the error."""
        try:
            act()
        except (DecodeError, FrameTooLong) as error:
            self.fail(StreamLost(f"what came is not a message: {error}"))
        except Exception as error:  # noqa: BLE001 - it is raised where it is waited for
            self.fail(error)

    def _end(self, error: Exception | None = None) -> None:
        """Note that the stream has ended, and why; the first reason counts."""
        if self._ended.is_set():
            return
        self._error = error
        self._ended.set()
        self._heart.stop()
        if not self._first.done():
            self._first.set_result(None)
