"""The substation's protocol, served in front of a handler of the test."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from runtime import stream_server
from runtime.message_stream import MessageStream
from runtime.stream_peers import Peers
from runtime.stream_server import Conversation
from substation.contract import FindSession
from substation.proto import substation_pb2 as pb
from substation.wire import PROTOCOL
from tests.support.substation_stream import Ask, SubstationLink

Handler = Callable[[pb.Call], Coroutine[Any, Any, str]]


class Service:
    """The substation's protocol in front of a handler of the test."""

    protocol = PROTOCOL
    calls = pb.Calls

    def __init__(self, handle: Handler) -> None:
        self._handle = handle
        self._peers: Peers[str] = Peers()
        self.messages: list[pb.Calls] = []
        self.unused: list[str] = []
        self._conversations: list[Conversation[pb.Call, str]] = []

    async def converse(self, stream: MessageStream[Any]) -> None:
        peer = self._peers.of(stream.link)
        conversation = Conversation(self._decode, self._handle, self._encode, self.unused.append, peer)
        self._conversations.append(conversation)
        await conversation.run(stream)

    def finish(self) -> None:
        for each in self._conversations:
            each.finish()

    def _decode(self, message: pb.Calls) -> tuple[list[tuple[int, pb.Call]], list[int]]:
        self.messages.append(message)
        asked = [(call.number, call) for call in message.calls if call.WhichOneof("command")]
        return asked, [call.number for call in message.calls if not call.WhichOneof("command")]

    def _encode(self, answers: list[tuple[int, str]]) -> pb.Answers:
        return pb.Answers(answers=[pb.Answer(number=n, outcome=outcome) for n, outcome in answers])


@asynccontextmanager
async def serving(handle: Handler, port: int = 0) -> AsyncIterator[tuple[Service, int]]:
    service = Service(handle)
    async with stream_server.listen(service, "127.0.0.1", port) as bound:
        yield service, bound


async def echo(call: pb.Call) -> str:
    return f"saw {call.find.session_id}"


def find(name: str) -> Ask:
    return Ask("substation-1", FindSession(name))


async def until(condition: Callable[[], bool]) -> None:
    while not condition():
        await asyncio.sleep(0.01)


async def asked(link: SubstationLink, name: str, within_s: float = 30) -> str:
    return (await link.call(find(name), within_s)).outcome
