"""The stream on which gateways charge, find and stop sessions."""

import asyncio
import functools
import logging
from collections.abc import Callable
from typing import Any

from balancer.book.protocol import Withdrawal
from balancer.contract import BalancerAnswer, BalancerOutcome, Charge, Command, StopSession
from balancer.operating.sessions import Sessions
from balancer.placing.placement import Placement
from balancer.placing.vehicles import OneSession
from balancer.placing.withdrawals import Withdrawals
from balancer.wire import (
    PROTOCOL,
    Calls,
    Greeting,
    answers_to_message,
    calls_from_message,
    greeting_to_message,
    kind_of,
)
from runtime import logs
from runtime.machine import THIS, Machine
from runtime.message_stream import MessageStream
from runtime.stream_peers import Peers
from runtime.stream_server import Conversation
from runtime.trace import CURRENT, Trace, received

log = logging.getLogger(__name__)

LOOK_EVERY_S = 0.1  # how often the reasons are checked that keep requests from being placed
ANSWER_S = 0.2  # kept back from the caller's time, so that even "unknown" arrives in time

LOGGED = (Charge, StopSession)

# A command, the monotonic time up to which its caller waits, and the request that it is part of. The command is
# None when it is impossible.
TracedCommand = tuple[Command | None, float, Trace]
AnswerToUse = tuple[BalancerAnswer, Withdrawal | None]  # with what is withdrawn if the caller does not use it


class BalancerService:
    """Serves any number of gateways."""

    protocol = PROTOCOL
    calls = Calls

    def __init__(
        self,
        placement: Placement | OneSession,
        sessions: Sessions,
        withdrawals: Withdrawals,
        book_id: str,
        waiting_for: Callable[[], list[str]],
        machine: Machine = THIS,
    ) -> None:
        """`waiting_for` returns in words what keeps a request from being placed now."""
        self.waiting_for = waiting_for
        self._decode = functools.partial(_decode, machine.monotonic_s)
        self.in_flight = 0  # calls that are being answered
        self._placement = placement
        self._sessions = sessions
        self._withdrawals = withdrawals
        self._book_id = book_id
        self._peers: Peers[AnswerToUse] = Peers()
        self._conversations: dict[asyncio.Task[Any], Conversation[TracedCommand, AnswerToUse]] = {}

    async def converse(self, stream: MessageStream[Any]) -> None:
        """Answer one gateway's calls."""
        peer = self._peers.of(stream.link)
        conversation = Conversation(self._decode, self._handle, self._encode, self._unused, peer)
        if task := asyncio.current_task():
            self._conversations[task] = conversation
            task.add_done_callback(self._conversations.pop)
        await conversation.run(stream)

    async def follow_readiness(self) -> None:
        """Greet every gateway again when `waiting_for` has changed."""
        announced = self.waiting_for()
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            if (now := self.waiting_for()) != announced:
                announced = now
                log.info("ready" if not now else "not ready", extra={"waiting_for": now})
                for conversation in self._conversations.values():
                    conversation.greet()

    def finish(self) -> None:
        """Ask every conversation to end."""
        for conversation in self._conversations.values():
            conversation.finish()

    async def close(self) -> None:
        """Wait, once the server has stopped, until every unused answer was given back."""
        await asyncio.gather(*self._conversations, return_exceptions=True)

    async def _handle(self, traced: TracedCommand) -> AnswerToUse:
        command, until_s, trace = traced
        CURRENT.set(trace)  # of the task that answers this call alone
        self.in_flight += 1
        try:
            answer, withdrawal = await self._answer(command, until_s)
        finally:
            self.in_flight -= 1
        _log(command, answer)
        return answer, withdrawal

    async def _answer(self, command: Command | None, until_s: float) -> AnswerToUse:
        if command is None:
            return BalancerAnswer(BalancerOutcome.EXCEEDS_CAPACITY, detail="the plan is impossible"), None
        if isinstance(command, Charge):
            return await self._placement.charge(command, until_s)
        return await self._sessions.ask(command, until_s), None

    def _encode(self, answers: list[tuple[int, AnswerToUse]]) -> Any:
        """Write answers; no answers are the greeting."""
        if not answers:
            return greeting_to_message(Greeting(self._book_id, tuple(self.waiting_for())))
        return answers_to_message((number, answer) for number, (answer, _) in answers)

    def _unused(self, unused: AnswerToUse) -> None:
        """Withdraw a session that no caller knows of: its caller went before it had this answer."""
        _, withdrawal = unused
        if withdrawal:
            self._withdrawals.note_soon(withdrawal)


def _decode(
    monotonic_s: Callable[[], float], message: Any
) -> tuple[list[tuple[int, TracedCommand]], list[int]]:
    now_s = monotonic_s() - ANSWER_S
    calls, cancelled = calls_from_message(message)
    traced = [
        (
            call.number,
            (call.command, now_s + call.remaining_ms / 1000, received(call.traceparent, call.request_id)),
        )
        for call in calls
    ]
    return traced, cancelled


def _log(command: Command | None, answer: BalancerAnswer) -> None:
    """Log how a call ended; looking sessions up is not logged."""
    if command is None or isinstance(command, LOGGED):
        kind = kind_of(command) if command else "nonsense"
        message = f"{kind} answered {answer.outcome}"
        if logs.left_out(log, logging.INFO, message):
            return
        session = {"session_id": answer.session.session_id} if answer.session else {}
        log.info("%s", message, extra=session)
