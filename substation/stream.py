"""The gRPC stream on which balancers place, withdraw, stop and find sessions."""

import logging
import time
from typing import Any

import grpc.aio

from runtime.stream_server import Conversation
from runtime.trace import CURRENT, Trace, received
from substation.contract import Command, FindSession, ListSessions, SubstationAnswer, SubstationOutcome
from substation.proto import substation_pb2_grpc as rpc
from substation.station import Station
from substation.wire import Call, answers_to_message, calls_from_message, kind_of
from substation.writer import Request

log = logging.getLogger(__name__)

# A command, the monotonic time up to which its caller waits, and the request that it is part of. The command is
# None when it is for another substation, or impossible.
TracedCommand = tuple[Command | None, float, Trace]


class SubstationService(rpc.SubstationServicer):
    """Serves one station to any number of balancers."""

    def __init__(self, station: Station) -> None:
        self._station = station
        self._conversations: set[Conversation[TracedCommand, SubstationAnswer]] = set()

    def register(self, server: grpc.aio.Server) -> None:
        """Add this service to a server."""
        rpc.add_SubstationServicer_to_server(self, server)  # type: ignore[no-untyped-call]

    async def Converse(self, _: Any, context: Any) -> None:
        """Answer one balancer's calls; every message of answers carries a report."""
        conversation = Conversation(self._decode, self._handle, self._encode)
        self._conversations.add(conversation)
        try:
            await conversation.run(context)
        finally:
            self._conversations.discard(conversation)

    def finish(self) -> None:
        """Ask every conversation to end."""
        for conversation in self._conversations:
            conversation.finish()

    async def _handle(self, traced: TracedCommand) -> SubstationAnswer:
        command, until_s, trace = traced
        CURRENT.set(trace)  # of the task that answers this call alone
        if command is None:
            return SubstationAnswer(SubstationOutcome.NOT_ME)
        answer = await self._station.ask(Request(command, until_s))
        if not isinstance(command, FindSession | ListSessions):
            session = {"session_id": answer.session.session_id} if answer.session else {}
            log.info("%s answered %s", kind_of(command), answer.outcome, extra=session)
        return answer

    def _decode(self, message: Any) -> tuple[list[tuple[int, TracedCommand]], list[int]]:
        now_s = time.monotonic()
        return [(call.number, self._traced(call, now_s)) for call in calls_from_message(message)], []

    def _traced(self, call: Call, now_s: float) -> TracedCommand:
        command = call.command if call.substation_id == self._station.substation_id else None
        return command, now_s + call.remaining_ms / 1000, received(call.traceparent, call.request_id)

    def _encode(self, answers: list[tuple[int, SubstationAnswer]]) -> Any:
        return answers_to_message(answers, self._station.report())
