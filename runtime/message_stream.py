"""A stream of protobuf messages in both directions over one TCP connection.

A frame is four bytes of length and a message. The caller begins with a `Hello` as JSON in a frame of its own, and the
server answers it with an empty object, or with the reason for which it refuses the stream. After that both ends send
messages. Four bytes of ones are a heartbeat: each end sends one after a second without a message, and gives the
connection up when it has heard nothing for `SILENT_S`, so a link whose other end hangs or is cut off is noticed.

docs/adr/0026 says why this is not gRPC.
"""

import asyncio
import contextlib
import dataclasses
import json
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Generic, TypeVar

from google.protobuf.message import DecodeError, Message

from runtime.message_size import MESSAGE_BYTES

In = TypeVar("In", bound=Message)

LENGTH_BYTES = 4
CHUNK_BYTES = 256 * 1024
HELLO_BYTES = 8 * 1024
HELLO_WITHIN_S = 5.0
CONNECT_WITHIN_S = 2.0
BEAT_S = 1.0
SILENT_S = 4.0
FLUSH_S = 2.0  # what is still to be sent when a stream is closed is dropped after this time
HEARTBEAT = b"\xff" * LENGTH_BYTES  # no message is as long


class StreamLost(ConnectionError):
    """The stream was lost, refused, or the other end did not keep to the protocol; the message says which."""


@dataclasses.dataclass(frozen=True, slots=True)
class Hello:
    """What a caller begins with.

    `protocol` names the protocol and its version. `link` is the same for all streams of one link, '' for none.
    `authorization` is what an `Authorization` header would have, '' for nothing.
    """

    protocol: str
    link: str = ""
    authorization: str = dataclasses.field(default="", repr=False)


class MessageStream(Generic[In]):
    """One end of a stream, which receives messages of type `In`; `link` is that of the caller's Hello.

    One task reads, and any number of tasks write.
    """

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, received: type[In], link: str = ""
    ) -> None:
        self.link = link
        self._reader = reader
        self._writer = writer
        self._received = received
        self._buffer = bytearray()
        self._frames: deque[bytes] = deque()
        self._heard = self._sent = True
        self._silent_beats = 0
        self._loop = asyncio.get_running_loop()
        self._timer = self._loop.call_later(BEAT_S, self._beat)

    async def read(self) -> In | None:
        """Return the next message; None when the other end has closed the stream.

        Raises StreamLost, also for a frame that is too long or holds no message.
        """
        frame = await self.frame()
        if frame is None:
            return None
        try:
            return self._received.FromString(frame)
        except DecodeError as error:
            raise StreamLost(f"what came is not a message: {error}") from None

    async def frame(self, most_bytes: int = MESSAGE_BYTES) -> bytes | None:
        """Return the next frame; None when the other end has closed the stream.

        Raises StreamLost, also for a frame over `most_bytes`.
        """
        while not self._frames:
            try:
                data = await self._reader.read(CHUNK_BYTES)
            except OSError as error:
                raise StreamLost(str(error)) from error
            if not data:
                if self._buffer:
                    raise StreamLost("the connection ended within a message")
                return None
            self._heard = True
            self._buffer += data
            self._cut_frames(most_bytes)
        return self._frames.popleft()

    async def write(self, message: Message) -> None:
        """Send a message, and wait while the connection takes no more; raises StreamLost."""
        await self.write_frame(message.SerializeToString())

    async def write_frame(self, content: bytes) -> None:
        """Send a frame as `write` does."""
        if self._writer.is_closing():
            raise StreamLost("the stream is closed")
        self._writer.write(len(content).to_bytes(LENGTH_BYTES, "big") + content)
        self._sent = True
        try:
            await self._writer.drain()
        except OSError as error:
            raise StreamLost(str(error)) from error

    def close(self) -> None:
        """Close the stream once what was written has been sent, but wait for that no longer than `FLUSH_S`."""
        self._timer.cancel()
        transport = self._writer.transport
        if not transport.is_closing():
            transport.close()
            self._loop.call_later(FLUSH_S, transport.abort)

    def abort(self) -> None:
        """Drop the connection at once: the reader and all writers fail."""
        self._timer.cancel()
        self._writer.transport.abort()

    def _cut_frames(self, most_bytes: int) -> None:
        """Move complete frames out of the buffer."""
        buffer, start = self._buffer, 0
        while len(buffer) - start >= LENGTH_BYTES:
            begin = start + LENGTH_BYTES
            if buffer[start:begin] == HEARTBEAT:
                start = begin
                continue
            end = begin + int.from_bytes(buffer[start:begin], "big")
            if end - begin > most_bytes:
                raise StreamLost(f"a message of {end - begin} bytes came: at most {most_bytes} are accepted")
            if len(buffer) < end:
                break
            self._frames.append(bytes(buffer[begin:end]))
            start = end
        del buffer[:start]

    def _beat(self) -> None:
        """Show that this end is alive, and give the connection up when the other end is silent.

        Beats are counted, not seconds: after a pause of this process only one beat has passed, and what came
        meanwhile is read before the next.
        """
        self._silent_beats = 0 if self._heard else self._silent_beats + 1
        if self._silent_beats * BEAT_S >= SILENT_S or self._writer.is_closing():
            self.abort()
            return
        if not self._sent:
            self._writer.write(HEARTBEAT)
        self._heard = self._sent = False
        self._timer = self._loop.call_later(BEAT_S, self._beat)


@asynccontextmanager
async def connected(address: str, hello: Hello, received: type[In]) -> AsyncIterator[MessageStream[In]]:
    """A stream to the server at `host:port` while the context lasts.

    Raises StreamLost when there is no connection within CONNECT_WITHIN_S, or the server refuses the stream.
    """
    host, _, port = address.rpartition(":")
    try:
        async with asyncio.timeout(CONNECT_WITHIN_S):
            reader, writer = await asyncio.open_connection(host.strip("[]"), int(port))
    except TimeoutError:
        raise StreamLost(f"no connection to {address} in {CONNECT_WITHIN_S:g} s") from None
    except (OSError, ValueError) as error:
        raise StreamLost(f"no connection to {address}: {error}") from error
    stream = MessageStream(reader, writer, received, hello.link)
    try:
        await _say_hello(stream, address, hello)
        yield stream
    finally:
        stream.close()


async def _say_hello(stream: MessageStream[Any], address: str, hello: Hello) -> None:
    try:
        async with asyncio.timeout(HELLO_WITHIN_S):
            await stream.write_frame(json.dumps(dataclasses.asdict(hello)).encode())
            reply = await stream.frame()
    except TimeoutError:
        raise StreamLost(f"{address} does not answer") from None
    if refused := _refusal(reply):
        raise StreamLost(f"{address} refuses the stream: {refused}")


async def read_hello(stream: MessageStream[Any]) -> Hello:
    """Return the Hello of a caller; raises StreamLost for anything else."""
    try:
        async with asyncio.timeout(HELLO_WITHIN_S):
            frame = await stream.frame(HELLO_BYTES)
        fields = json.loads(frame or b"null")
        return Hello(*(str(fields[name]) for name in ("protocol", "link", "authorization")))
    except TimeoutError as error:
        raise StreamLost("the caller did not say hello in time") from error
    except (ValueError, KeyError, TypeError, RecursionError):
        raise StreamLost("the caller did not say hello") from None


async def accept(stream: MessageStream[Any]) -> None:
    """Answer a Hello: the stream is open; raises StreamLost."""
    await stream.write_frame(b"{}")


async def refuse(stream: MessageStream[Any], why: str) -> None:
    """Answer a Hello: the stream is refused, for a reason in words."""
    with contextlib.suppress(StreamLost):
        await stream.write_frame(json.dumps({"refused": why}).encode())


def _refusal(reply: bytes | None) -> str:
    """Return the reason in the answer to a Hello, '' when the stream is open."""
    if reply is None:
        return "it closed the connection"
    try:
        return str(json.loads(reply).get("refused", ""))
    except (ValueError, AttributeError):
        return "it speaks another protocol"
