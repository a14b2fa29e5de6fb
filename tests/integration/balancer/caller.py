"""A caller on the balancer's own stream, which uses everything that its contract offers."""

import contextlib
from collections.abc import AsyncIterator, Iterator
from typing import Any

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
from balancer.wire import PROTOCOL, Call, answer_from_message, calls_to_message
from runtime.coalescer import Link, Outgoing, Wire
from runtime.stream_hello import Hello
from substation.contract import Session
from substation.plan import Plan

ASKING_S = 10.0  # besides the time that a caller waits for room
LONG_S = 3600
KW = 1000


class Caller:
    """One stream to the balancer at `host:port`."""

    def __init__(self, address: str) -> None:
        self._link: Link[Command, BalancerAnswer] = Link(
            address, Wire(Hello(PROTOCOL), pb.Answers, _encode, _decode)
        )

    async def charge(
        self, key: str = "", kw: float = 10, wait_s: float = 0, **changed: Any
    ) -> BalancerAnswer:
        """Ask to charge for `seconds` of grid time; the answer may take `asking_s` besides the wait."""
        asking_s = changed.pop("asking_s", ASKING_S)
        power_w = int(kw * KW)
        plan = Plan(int(power_w * changed.pop("seconds", LONG_S)), power_w)
        fields: dict[str, Any] = {"vehicle_id": "car", "fingerprint": f"{kw}"} | changed
        charge = Charge(key=key, plan=plan, max_wait_ms=int(wait_s * 1000), **fields)
        return await self._link.call(charge, wait_s + asking_s)

    async def placed(self, key: str = "", kw: float = 10, wait_s: float = 0, **changed: Any) -> Session:
        """Charge, and expect to be placed."""
        answer = await self.charge(key, kw, wait_s, **changed)
        assert answer.outcome is BalancerOutcome.ADMITTED, answer
        assert answer.session
        return answer.session

    async def stop(self, session: Session) -> BalancerAnswer:
        return await self._link.call(StopSession(session.session_id), ASKING_S)

    async def find(self, session_id: str) -> BalancerAnswer:
        return await self._link.call(FindSession(session_id), ASKING_S)

    async def page(self, vehicle_id: str, cursor: str = "", limit: int = 100) -> BalancerAnswer:
        return await self._link.call(ListSessions(vehicle_id, cursor, limit), ASKING_S)

    async def close(self) -> None:
        await self._link.close()


@contextlib.asynccontextmanager
async def caller(address: str) -> AsyncIterator[Caller]:
    made = Caller(address)
    try:
        yield made
    finally:
        await made.close()


def _encode(calls: list[Outgoing[Command]], cancelled: list[int]) -> pb.Calls:
    return calls_to_message((Call(each.number, each.remaining_ms, each.item) for each in calls), cancelled)


def _decode(message: pb.Answers) -> Iterator[tuple[int, BalancerAnswer]]:
    return ((answer.number, answer_from_message(answer)) for answer in message.answers)
