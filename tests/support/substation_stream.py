"""The caller's end of the substation's stream, as a balancer has it."""

import dataclasses
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import grpc.aio

from runtime.coalescer import Link, Outgoing, Wire
from substation.contract import (
    Command,
    Derate,
    Drain,
    FindSession,
    ListSessions,
    Place,
    Settle,
    StopSession,
    Withdraw,
)
from substation.proto import substation_pb2 as pb
from substation.proto import substation_pb2_grpc as rpc

WITHIN_S = 30.0


@dataclasses.dataclass(frozen=True)
class Ask:
    """A command for one substation."""

    substation_id: str
    command: Command


SubstationLink = Link[Ask, pb.Answer]


def wire(messages: list[pb.Answers] | None = None) -> Wire[Ask, pb.Answer]:
    """The substation's protocol; what is received is kept in `messages`."""

    def decode(message: pb.Answers) -> Iterable[tuple[int, pb.Answer]]:
        if messages is not None:
            messages.append(message)
        return [(answer.number, answer) for answer in message.answers]

    return Wire(_open, _encode, decode)


@asynccontextmanager
async def link_to(port: int, messages: list[pb.Answers] | None = None) -> AsyncIterator[SubstationLink]:
    link: SubstationLink = Link(f"127.0.0.1:{port}", wire(messages))
    try:
        yield link
    finally:
        await link.close()


def _open(channel: grpc.aio.Channel) -> object:
    stub = rpc.SubstationStub(channel)  # type: ignore[no-untyped-call]
    return stub.Converse()


def _encode(outgoing: list[Outgoing[Ask]], _cancelled: list[int]) -> pb.Calls:
    return pb.Calls(calls=[_call(one) for one in outgoing])


def _call(outgoing: Outgoing[Ask]) -> pb.Call:
    ask = outgoing.item
    call = pb.Call(
        number=outgoing.number, remaining_ms=outgoing.remaining_ms, substation_id=ask.substation_id
    )
    match ask.command:
        case Place(book_id, key, attempt, vehicle_id, plan, caller):
            call.place.CopyFrom(
                pb.Place(
                    book_id=book_id,
                    key=key,
                    attempt=attempt,
                    vehicle_id=vehicle_id,
                    energy_j=plan.energy_j,
                    power_w=plan.power_w,
                    stay_ms=plan.stay_ms,
                    caller=caller,
                )
            )
        case Withdraw(key, attempt):
            call.withdraw.CopyFrom(pb.Withdraw(key=key, attempt=attempt))
        case Settle(key, attempt):
            call.settle.CopyFrom(pb.Settle(key=key, attempt=attempt))
        case StopSession(session_id, caller):
            call.stop.CopyFrom(pb.Stop(session_id=session_id, caller=caller))
        case FindSession(session_id, caller):
            call.find.CopyFrom(pb.Find(session_id=session_id, caller=caller))
        case ListSessions(after, limit, vehicle_id, caller):
            call.page.CopyFrom(pb.Page(after=after, limit=limit, vehicle_id=vehicle_id, caller=caller))
        case Drain(on):
            call.drain.CopyFrom(pb.Drain(on=on))
        case Derate(limit_w):
            call.derate.CopyFrom(pb.Derate(limit_w=limit_w))
    return call
