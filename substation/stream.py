"""The stream on which balancers place, withdraw, stop and find sessions."""

import asyncio
import logging
from typing import Any

from runtime import logs
from runtime.background import future_of
from runtime.message_stream import MessageStream
from runtime.stream_server import Conversation
from runtime.trace import received
from substation.contract import (
    Command,
    FindSession,
    Foresee,
    ListSessions,
    SubstationAnswer,
    SubstationOutcome,
)
from substation.station import Station
from substation.wire import PROTOCOL, Call, Calls, answers_to_message, calls_from_message, kind_of
from substation.writer import Request

log = logging.getLogger(__name__)

NOT_LOGGED = (FindSession, ListSessions, Foresee)

# A command, the monotonic time up to which its caller waits, and the call that it came with. The command is None when
# it is for another substation, or impossible.
TimedCommand = tuple[Command | None, float, Call]


class SubstationService:
    """Serves one station to any number of balancers."""

    protocol = PROTOCOL
    calls = Calls

    def __init__(self, station: Station) -> None:
        self._station = station
        self._conversations: set[Conversation[TimedCommand, SubstationAnswer]] = set()

    async def converse(self, stream: MessageStream[Any]) -> None:
        """Answer one balancer's calls; every message of answers carries a report."""
        conversation = Conversation(self._decode, self._handle, self._encode, answered=_log)
        self._conversations.add(conversation)
        try:
            await conversation.run(stream)
        finally:
            self._conversations.discard(conversation)

    def finish(self) -> None:
        """Ask every conversation to end."""
        for conversation in self._conversations:
            conversation.finish()

    def _handle(self, timed: TimedCommand) -> "asyncio.Future[SubstationAnswer]":
        """Return the future of the answer: a task for each command would cost more than deciding it."""
        command, until_s, _ = timed
        if command is None:
            return future_of(SubstationAnswer(SubstationOutcome.NOT_ME))
        return self._station.ask(Request(command, until_s))

    def _decode(self, message: Any) -> tuple[list[tuple[int, TimedCommand]], list[int]]:
        now_s = self._station.monotonic_s()
        return [(call.number, self._timed(call, now_s)) for call in calls_from_message(message)], []

    def _timed(self, call: Call, now_s: float) -> TimedCommand:
        command = call.command if call.substation_id == self._station.substation_id else None
        return command, now_s + call.remaining_ms / 1000, call

    def _encode(self, answers: list[tuple[int, SubstationAnswer]]) -> Any:
        return answers_to_message(answers, self._station.report())


def _log(timed: TimedCommand, answer: SubstationAnswer) -> None:
    """Log how a command ended. The trace of its call is read only for a line that is written."""
    command, _, call = timed
    if command is None or isinstance(command, NOT_LOGGED):
        return
    message = f"{kind_of(command)} answered {answer.outcome}"
    if logs.left_out(log, logging.INFO, message):
        return
    trace = received(call.traceparent, call.request_id)
    extra = {"trace_id": trace.trace_id, "request_id": trace.request_id}
    if answer.session:
        extra["session_id"] = answer.session.session_id
    log.info("%s", message, extra=extra)
