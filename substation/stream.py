"""The gRPC stream on which balancers place, withdraw, stop and find sessions."""

import logging
import time
from collections.abc import Callable
from typing import Any

import grpc.aio

from runtime.stream_server import Conversation
from runtime.trace import CURRENT, Trace, received
from substation.contract import (
    MOST_STREAMED,
    Command,
    Derate,
    Drain,
    FindSession,
    ListSessions,
    Place,
    Settle,
    StopSession,
    SubstationAnswer,
    SubstationOutcome,
    Withdraw,
)
from substation.plan import Plan
from substation.proto import substation_pb2 as pb
from substation.proto import substation_pb2_grpc as rpc
from substation.station import Station
from substation.writer import Request

log = logging.getLogger(__name__)

Asked = tuple[Request | None, Trace]  # None for another substation, and for what nobody could do
Numbered = list[tuple[int, Asked]]


class SubstationService(rpc.SubstationServicer):
    """Serves one station to any number of balancers."""

    def __init__(self, station: Station) -> None:
        self._station = station

    def register(self, server: grpc.aio.Server) -> None:
        """Add this service to a server."""
        rpc.add_SubstationServicer_to_server(self, server)  # type: ignore[no-untyped-call]

    async def Converse(self, request_iterator: Any, context: Any) -> None:  # noqa: ARG002, N802 - gRPC's name
        """Answer one balancer's calls; every message of answers carries a report."""
        await Conversation(self._decode, self._handle, self._encode).run(context)

    async def _handle(self, asked: Asked) -> SubstationAnswer:
        request, trace = asked
        CURRENT.set(trace)  # of the task that answers this call alone
        if request is None:
            return SubstationAnswer(SubstationOutcome.NOT_ME)
        answer = await self._station.ask(request)
        if not isinstance(request.command, FindSession | ListSessions):
            kind = (
                "stop" if isinstance(request.command, StopSession) else type(request.command).__name__.lower()
            )
            session = {"session_id": answer.session.session_id} if answer.session else {}
            log.info("%s answered %s", kind, answer.outcome, extra=session)
        return answer

    def _decode(self, message: pb.Calls) -> tuple[Numbered, list[int]]:
        now_s = time.monotonic()
        calls: Numbered = [
            (
                call.number,
                (
                    _request(call, now_s) if call.substation_id == self._station.substation_id else None,
                    received(call.traceparent, call.request_id),
                ),
            )
            for call in message.calls
        ]
        return calls, []

    def _encode(self, answers: list[tuple[int, SubstationAnswer]]) -> pb.Answers:
        report = self._station.report()
        return pb.Answers(
            answers=[_answer(number, answer) for number, answer in answers],
            report=pb.Report(
                substation_id=report.substation_id,
                journal_id=report.journal_id,
                epoch=report.epoch,
                seq=report.seq,
                load_w=report.load_w,
                capacity_w=report.capacity_w,
                draining=report.draining,
                releases_w=report.releases_w,
                sessions=report.sessions,
                rated_w=report.rated_w,
                book_id=report.book_id,
            ),
        )


def _request(call: pb.Call, now_s: float) -> Request | None:
    """Return what is asked; None for what nobody could do, which must not end the stream of all others."""
    kind = call.WhichOneof("command")
    try:
        command = COMMANDS[kind](getattr(call, kind)) if kind else None
    except ValueError:
        return None
    return Request(command, now_s + call.remaining_ms / 1000) if command else None


COMMANDS: dict[str, Callable[[Any], Command]] = {
    "place": lambda p: Place(
        p.book_id,
        p.key,
        p.attempt,
        p.vehicle_id,
        Plan(p.energy_j, p.power_w, p.stay_ms),
        p.caller,
        p.journal_id,
    ),
    "withdraw": lambda withdraw: Withdraw(withdraw.key, withdraw.attempt, withdraw.journal_id),
    "settle": lambda settle: Settle(settle.key, settle.attempt, settle.journal_id),
    "stop": lambda stop: StopSession(stop.session_id, stop.caller),
    "find": lambda find: FindSession(find.session_id, find.caller),
    "page": lambda page: ListSessions(
        page.after, min(page.limit, MOST_STREAMED), page.vehicle_id, page.caller
    ),
    "drain": lambda drain: Drain(drain.on),
    "derate": lambda derate: Derate(derate.limit_w),
}


def _answer(number: int, answer: SubstationAnswer) -> pb.Answer:
    session = pb.Session(**answer.session.fields()) if answer.session else None
    sessions = [pb.Session(**listed.fields()) for listed in answer.sessions]
    return pb.Answer(
        number=number,
        outcome=answer.outcome,
        session=session,
        sessions=sessions,
        next_after=answer.next_after,
    )
