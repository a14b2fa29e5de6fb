"""The caller's end of a stream without the coalescer: each message is sent as it is, and each is waited for."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Generic, TypeVar

from google.protobuf.message import Message

from runtime.message_stream import MessageStream, StreamLost
from runtime.stream_hello import Hello, connected

In = TypeVar("In", bound=Message)


class RawStream(Generic[In]):
    """A stream whose messages wait until they are read."""

    def __init__(self, stream: MessageStream[In]) -> None:
        self._stream = stream
        self._messages: asyncio.Queue[In | None] = asyncio.Queue()
        stream.begin(self._messages.put_nowait, lambda: None)
        self._end = asyncio.create_task(self._put_end())

    async def read(self) -> In | None:
        """Return the next message, None at the end of the stream; raises StreamLost."""
        message = await self._messages.get()
        if message is None:
            await self._stream.ended()
        return message

    def write(self, message: Message) -> None:
        self._stream.send(message)

    async def close(self) -> None:
        self._end.cancel()
        await asyncio.gather(self._end, return_exceptions=True)

    async def _put_end(self) -> None:
        with contextlib.suppress(StreamLost):  # `read` raises it
            await self._stream.ended()
        self._messages.put_nowait(None)


@asynccontextmanager
async def raw_stream(address: str, hello: Hello, received: type[In]) -> AsyncIterator[RawStream[In]]:
    """A stream to the server at `host:port`; raises StreamLost as `connected` does."""
    async with connected(address, hello, received) as stream:
        raw = RawStream(stream)
        try:
            yield raw
        finally:
            await raw.close()
