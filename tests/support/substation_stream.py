"""The caller's end of the substation's stream, as a balancer has it."""

import dataclasses
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from runtime.coalescer import Link, Outgoing, Wire
from runtime.stream_hello import Hello
from substation.contract import Command
from substation.proto import substation_pb2 as pb
from substation.wire import PROTOCOL, Call, calls_to_message
from tests.support.raw_stream import RawStream, raw_stream

WITHIN_S = 30.0


@dataclasses.dataclass(frozen=True)
class Ask:
    """A command for one substation."""

    substation_id: str
    command: Command


SubstationLink = Link[Ask, pb.Answer]


def wire(messages: list[pb.Answers] | None = None) -> Wire[Ask, pb.Answer]:
    """The substation's protocol; received messages are kept in `messages`."""

    def decode(message: pb.Answers) -> Iterable[tuple[int, pb.Answer]]:
        if messages is not None:
            messages.append(message)
        return [(answer.number, answer) for answer in message.answers]

    return Wire(Hello(PROTOCOL), pb.Answers, _encode, decode)


@asynccontextmanager
async def link_to(
    port: int,
    messages: list[pb.Answers] | None = None,
    on_batch: Callable[[int], None] = lambda _: None,
) -> AsyncIterator[SubstationLink]:
    link: SubstationLink = Link(f"127.0.0.1:{port}", wire(messages), on_batch)
    try:
        yield link
    finally:
        await link.close()


def _encode(outgoing: list[Outgoing[Ask]], _cancelled: list[int]) -> pb.Calls:
    return calls_to_message(
        Call(each.number, each.remaining_ms, each.item.substation_id, each.item.command) for each in outgoing
    )


def raw_stream_to(port: int, authorization: str = "") -> AbstractAsyncContextManager[RawStream[pb.Answers]]:
    """A stream without the coalescer, on which each message is sent as it is."""
    return raw_stream(f"127.0.0.1:{port}", Hello(PROTOCOL, authorization=authorization), pb.Answers)
