"""How a stream begins: the caller says hello, and the server accepts or refuses it in words.

The caller's first frame is a `Hello` as JSON. The server answers it with an empty object, or with the reason for which it
refuses the stream. After that both ends send messages.
"""

import asyncio
import dataclasses
import functools
import json
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from google.protobuf.message import Message

from runtime.message_stream import SILENT_S, MessageStream, StreamLost
from runtime.tls.credentials import Callee

In = TypeVar("In", bound=Message)

HELLO_WITHIN_S = 5.0
CONNECT_WITHIN_S = 2.0


@dataclasses.dataclass(frozen=True, slots=True)
class Hello:
    """What a caller begins with.

    `protocol` names the protocol and its version. `link` is the same for all streams of one link, '' for none.
    `authorization` is what an `Authorization` header would have, '' for nothing.
    """

    protocol: str
    link: str = ""
    authorization: str = dataclasses.field(default="", repr=False)


@asynccontextmanager
async def connected(
    address: str,
    hello: Hello,
    received: type[In],
    tls: Callee | None = None,
    silent_s: float = SILENT_S,
) -> AsyncIterator[MessageStream[In]]:
    """A stream to the server at `host:port` while the context lasts; it is lost when nothing comes for `silent_s`.

    With `tls`, the server must prove who it is. Raises StreamLost when there is no connection within CONNECT_WITHIN_S,
    or the server refuses the stream.
    """
    made = functools.partial(MessageStream[In], received, silent_s=silent_s)
    stream = await _connect(address, made, tls.context() if tls else None)
    try:
        transport = stream.transport
        if tls and (mistaken := tls.mistaken(transport)):
            raise StreamLost(f"no stream to {address}: {mistaken}")
        if transport.get_extra_info("sockname") == transport.get_extra_info("peername"):
            # Two ends of one socket: TCP allows it where a caller happens to send from the port that it calls.
            raise StreamLost(f"no connection to {address}: nothing listens there")
        stream.link = hello.link
        await _say_hello(stream, address, hello)
        yield stream
    finally:
        stream.close()


async def _connect(
    address: str, made: Callable[[], MessageStream[In]], tls: ssl.SSLContext | None
) -> MessageStream[In]:
    host, _, port = address.rpartition(":")
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(CONNECT_WITHIN_S):
            _, stream = await loop.create_connection(made, host.strip("[]"), int(port), ssl=tls)
    except TimeoutError:
        raise StreamLost(f"no connection to {address} in {CONNECT_WITHIN_S:g} s") from None
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        raise StreamLost(f"no connection to {address}: {error}") from error
    return stream


async def _say_hello(stream: MessageStream[Any], address: str, hello: Hello) -> None:
    stream.send_frame(json.dumps(dataclasses.asdict(hello)).encode())
    try:
        async with asyncio.timeout(HELLO_WITHIN_S):
            reply = await stream.first_frame()
    except TimeoutError:
        raise StreamLost(f"{address} does not answer") from None
    if refused := _refusal(reply):
        raise StreamLost(f"{address} refuses the stream: {refused}")


async def read_hello(stream: MessageStream[Any]) -> Hello:
    """Return the Hello of a caller; raises StreamLost for anything else."""
    try:
        async with asyncio.timeout(HELLO_WITHIN_S):
            frame = await stream.first_frame()
        return _hello(frame or b"null")
    except TimeoutError as error:
        raise StreamLost("the caller did not say hello in time") from error
    except (ValueError, KeyError, TypeError, RecursionError):
        raise StreamLost("the caller did not say hello") from None


def _hello(frame: bytes) -> Hello:
    """Return the Hello in a frame; raises ValueError, KeyError, TypeError or RecursionError for anything else."""
    fields = json.loads(frame)
    return Hello(*(str(fields[name]) for name in ("protocol", "link", "authorization")))


def accept(stream: MessageStream[Any]) -> None:
    """Answer a Hello: the stream is open."""
    stream.send_frame(b"{}")


def refuse(stream: MessageStream[Any], why: str) -> None:
    """Answer a Hello: the stream is refused, for a reason in words."""
    stream.send_frame(json.dumps({"refused": why}).encode())


def _refusal(reply: bytes | None) -> str:
    """Return the reason in the answer to a Hello, '' when the stream is open."""
    if reply is None:
        return "it closed the connection"
    try:
        return str(json.loads(reply).get("refused", ""))
    except (ValueError, AttributeError, RecursionError):
        return "it speaks another protocol"
