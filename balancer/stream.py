"""The gRPC stream on which gateways charge, find and stop sessions."""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any

import grpc.aio

from balancer.book.protocol import Withdrawal
from balancer.contract import (
    BalancerAnswer,
    BalancerOutcome,
    Charge,
    Command,
    FindSession,
    ListSessions,
    StopSession,
)
from balancer.operating.sessions import Sessions
from balancer.placing.placement import Placement
from balancer.placing.vehicles import OneSession
from balancer.placing.withdrawals import Withdrawals
from balancer.proto import balancer_pb2 as pb
from balancer.proto import balancer_pb2_grpc as rpc
from runtime.stream_peers import Peers
from runtime.stream_server import Conversation
from runtime.trace import CURRENT, Trace, received
from substation.plan import Plan
from substation.proto import substation_pb2 as substation_pb

log = logging.getLogger(__name__)

MOST_LISTED = 1000
LOOK_EVERY_S = 0.5  # at what keeps requests from being placed
ANSWER_S = 0.2  # kept back from the caller's time, so that even "unknown" arrives in time

# With the monotonic time up to which the caller waits, and whose request it is; None for what nobody
# could do, which must not end the stream of all others.
Asked = tuple[Command | None, float, Trace]
Settled = tuple[BalancerAnswer, Withdrawal | None]


class BalancerService(rpc.BalancerServicer):
    """Serves any number of gateways."""

    def __init__(
        self,
        placement: Placement | OneSession,
        sessions: Sessions,
        withdrawals: Withdrawals,
        book_id: str,
        waiting_for: Callable[[], list[str]],
    ) -> None:
        """`waiting_for` returns in words what keeps a request from being placed now."""
        self.waiting_for = waiting_for
        self._placement = placement
        self._sessions = sessions
        self._withdrawals = withdrawals
        self._book_id = book_id
        self._peers: Peers[Settled] = Peers()
        self._conversations: dict[asyncio.Task[Any], Conversation[Asked, Settled]] = {}

    def register(self, server: grpc.aio.Server) -> None:
        """Add this service to a server."""
        rpc.add_BalancerServicer_to_server(self, server)  # type: ignore[no-untyped-call]

    async def Converse(self, request_iterator: Any, context: Any) -> None:  # noqa: ARG002, N802 - gRPC's name
        """Answer one gateway's calls."""
        peer = self._peers.of(context)
        conversation = Conversation(_decode, self._handle, self._encode, self._unused, peer)
        if task := asyncio.current_task():
            self._conversations[task] = conversation
            task.add_done_callback(self._conversations.pop)
        await conversation.run(context)

    async def follow_readiness(self) -> None:
        """Greet every gateway again when `waiting_for` has changed."""
        told = self.waiting_for()
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            if (now := self.waiting_for()) != told:
                told = now
                log.info("ready" if not now else "not ready", extra={"waiting_for": now})
                for conversation in self._conversations.values():
                    conversation.greet()

    async def close(self) -> None:
        """Wait, once the server has stopped, until every unused answer was given back."""
        await asyncio.gather(*self._conversations, return_exceptions=True)

    async def _handle(self, asked: Asked) -> Settled:
        command, until_s, trace = asked
        CURRENT.set(trace)  # of the task that answers this call alone
        if command is None:
            settled: Settled = (
                BalancerAnswer(BalancerOutcome.EXCEEDS_CAPACITY, detail="nobody could carry this out"),
                None,
            )
        elif isinstance(command, Charge):
            settled = await self._placement.charge(command, until_s)
        else:
            settled = await self._sessions.ask(command, until_s), None
        _note(command, settled[0])
        return settled

    def _encode(self, settled: list[tuple[int, Settled]]) -> pb.Answers:
        """Write answers; no answers are the greeting, which names the order book and says whether this is ready."""
        if not settled:
            return pb.Answers(book_id=self._book_id, waiting_for=self.waiting_for())
        return pb.Answers(answers=[_answer(number, answer) for number, (answer, _) in settled])

    def _unused(self, settled: Settled) -> None:
        """The caller went before it had this answer: what nobody knows of is withdrawn."""
        _, withdrawal = settled
        if withdrawal:
            self._withdrawals.note_soon(withdrawal)


def _decode(message: pb.Calls) -> tuple[list[tuple[int, Asked]], list[int]]:
    now_s = time.monotonic() - ANSWER_S
    calls = [
        (
            call.number,
            (
                _command(call),
                now_s + call.remaining_ms / 1000,
                received(call.traceparent, call.request_id),
            ),
        )
        for call in message.calls
    ]
    return calls, list(message.cancelled)


def _note(command: Command | None, answer: BalancerAnswer) -> None:
    """Write how a call ended; sessions that were only looked at are not told of."""
    if isinstance(command, Charge | StopSession) or command is None:
        kind = {Charge: "charge", StopSession: "stop", type(None): "nonsense"}[type(command)]
        session = {"session_id": answer.session.session_id} if answer.session else {}
        log.info("%s answered %s", kind, answer.outcome, extra=session)


def _command(call: pb.Call) -> Command | None:
    match call.WhichOneof("command"):
        case "charge":
            charge = call.charge
            try:
                plan = Plan(charge.energy_j, charge.power_w, charge.stay_ms)
            except ValueError:
                return None
            return Charge(
                charge.key,
                charge.fingerprint,
                charge.vehicle_id,
                plan,
                tuple(charge.substations),
                charge.max_wait_ms,
                charge.caller,
            )
        case "stop":
            return StopSession(call.stop.session_id, call.stop.caller)
        case "page":
            page = call.page
            return ListSessions(
                page.vehicle_id, page.cursor, min(max(page.limit, 1), MOST_LISTED), page.caller
            )
        case _:
            return FindSession(call.find.session_id, call.find.caller)


def _answer(number: int, answer: BalancerAnswer) -> pb.Answer:
    session = substation_pb.Session(**answer.session.fields()) if answer.session else None
    return pb.Answer(
        number=number,
        outcome=answer.outcome,
        session=session,
        sessions=[substation_pb.Session(**listed.fields()) for listed in answer.sessions],
        next_cursor=answer.next_cursor,
        retry_after_ms=answer.retry_after_ms,
        detail=answer.detail,
    )
