"""The gateway's stream to its balancer."""

import logging
import secrets
from collections.abc import Callable, Iterator
from typing import Any

import grpc.aio

from balancer.contract import (
    BalancerAnswer,
    BalancerOutcome,
    Charge,
    Command,
    FindSession,
    ListSessions,
    StopSession,
)
from balancer.proto import balancer_pb2 as pb
from balancer.proto import balancer_pb2_grpc as rpc
from runtime.coalescer import Link, Outgoing, Wire
from runtime.operator_token import Metadata
from runtime.stream_peers import LINK
from substation.contract import Session

log = logging.getLogger(__name__)


class BalancerLink(Link[Command, BalancerAnswer]):
    """The link to the balancer at `host:port`; `book_id` is its order book, '' before it has said.

    `waiting_for` is what kept the balancer from placing a request when it last said so.
    """

    def __init__(
        self, address: str, on_batch: Callable[[int], None] = lambda _: None, metadata: Metadata = ()
    ) -> None:
        """`on_batch` is called with the number of calls in each message; `metadata` begins the stream."""
        self.book_id = ""
        self.waiting_for: list[str] = []
        self._metadata = (*metadata, (LINK, secrets.token_hex(16)))  # of every stream of this link
        super().__init__(address, Wire(self._open, _encode, self._read), on_batch)

    def _open(self, channel: grpc.aio.Channel) -> Any:
        stub = rpc.BalancerStub(channel)  # type: ignore[no-untyped-call]
        return stub.Converse(wait_for_ready=True, metadata=self._metadata)

    def _read(self, message: pb.Answers) -> Iterator[tuple[int, BalancerAnswer]]:
        if not message.answers:  # the greeting
            self.book_id, self.waiting_for = message.book_id, list(message.waiting_for)
        return ((answer.number, _answer(answer)) for answer in message.answers)


def _encode(calls: list[Outgoing[Command]], cancelled: list[int]) -> pb.Calls:
    return pb.Calls(calls=[_call(call) for call in calls], cancelled=cancelled)


def _call(outgoing: Outgoing[Command]) -> pb.Call:
    call = pb.Call(number=outgoing.number, remaining_ms=outgoing.remaining_ms)
    if whose := outgoing.trace:
        call.traceparent, call.request_id = whose.traceparent(), whose.request_id
    match outgoing.item:
        case Charge() as charge:
            plan = charge.plan
            call.charge.CopyFrom(
                pb.Charge(
                    key=charge.key,
                    fingerprint=charge.fingerprint,
                    vehicle_id=charge.vehicle_id,
                    energy_j=plan.energy_j,
                    power_w=plan.power_w,
                    stay_ms=plan.stay_ms,
                    substations=charge.substations,
                    max_wait_ms=charge.max_wait_ms,
                    caller=charge.caller,
                )
            )
        case StopSession(session_id, caller):
            call.stop.CopyFrom(pb.Stop(session_id=session_id, caller=caller))
        case FindSession(session_id, caller):
            call.find.CopyFrom(pb.Find(session_id=session_id, caller=caller))
        case ListSessions(vehicle_id, cursor, limit, caller):
            call.page.CopyFrom(pb.Page(vehicle_id=vehicle_id, cursor=cursor, limit=limit, caller=caller))
    return call


def _answer(answer: pb.Answer) -> BalancerAnswer:
    """Return an answer; one that can't be read is UNKNOWN."""
    try:
        session = Session.of(answer.session) if answer.HasField("session") else None
        sessions = tuple(Session.of(listed) for listed in answer.sessions)
        return BalancerAnswer(
            BalancerOutcome(answer.outcome),
            session,
            answer.retry_after_ms,
            answer.detail,
            sessions,
            answer.next_cursor,
        )
    except ValueError as error:
        log.error("an answer can't be read", extra={"why": str(error)})  # noqa: TRY400 - no fault of ours
        return BalancerAnswer(BalancerOutcome.UNKNOWN, detail="the balancer's answer can't be read")
