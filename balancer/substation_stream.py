"""The balancer's streams to the substations: one coalesced link to each."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import grpc.aio

from runtime.coalescer import Link, Outgoing, Wire
from runtime.operator_token import Metadata
from substation.contract import (
    Command,
    Derate,
    Drain,
    FindSession,
    ListSessions,
    Place,
    Report,
    Session,
    Settle,
    StopSession,
    SubstationAnswer,
    SubstationOutcome,
    Withdraw,
    report_fault,
)
from substation.proto import substation_pb2 as pb
from substation.proto import substation_pb2_grpc as rpc

WITH_SESSION = frozenset({SubstationOutcome.PLACED, SubstationOutcome.STOPPED})

log = logging.getLogger(__name__)

SubstationLink = Link[Command, SubstationAnswer]


class Links:
    """The links by substation id, made and moved as substations are discovered.

    `on_report` is called with every report that comes on a link, before its answers are handed out;
    `on_stranger` with the id of the link and the report when somebody else reports on it.
    """

    def __init__(self, on_batch: Callable[[int], None] = lambda _: None, metadata: Metadata = ()) -> None:
        """`on_batch` is called with the number of calls in each message; `metadata` begins every stream."""
        self._open = _opening(metadata)
        self.on_report: Callable[[Report], object] = lambda _: None
        self.on_stranger: Callable[[str, Report], object] = lambda *_: None
        self._on_batch = on_batch
        self._links: dict[str, SubstationLink] = {}
        self._expected: dict[str, asyncio.Future[SubstationLink | None]] = {}
        self._closing: set[asyncio.Task[None]] = set()

    def connect(self, substation_id: str, address: str) -> None:
        """Have a link to a substation at `host:port`; one to another address is closed."""
        link = self._links.get(substation_id)
        if link and link.address == address:
            return
        self.disconnect(substation_id)
        link = self._links[substation_id] = Link(address, self._wire(substation_id), self._on_batch)
        if expected := self._expected.pop(substation_id, None):
            expected.set_result(link)

    def disconnect(self, substation_id: str) -> None:
        """Have no link to a substation: what waits for one waits on."""
        if link := self._links.pop(substation_id, None):
            task = asyncio.create_task(link.close())
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)

    def get(self, substation_id: str) -> SubstationLink | None:
        """Return the link to a substation, None while it was not discovered."""
        return self._links.get(substation_id)

    async def found(self, substation_id: str, within_s: float) -> SubstationLink | None:
        """Return the link to a substation, None if it is not discovered within `within_s`.

        Waiting costs nothing until the link is there, however many wait.
        """
        if link := self._links.get(substation_id):
            return link
        expected = self._expected.setdefault(substation_id, asyncio.get_running_loop().create_future())
        try:
            async with asyncio.timeout(within_s):
                return await asyncio.shield(expected)
        except TimeoutError:
            return None

    def up(self, substation_id: str) -> bool:
        """Return whether the stream to a substation is open."""
        link = self._links.get(substation_id)
        return bool(link and link.up)

    async def close(self) -> None:
        """Close all links; after that no link is found."""
        for expected in self._expected.values():
            expected.set_result(None)
        await asyncio.gather(*(link.close() for link in self._links.values()), *self._closing)

    def _wire(self, substation_id: str) -> Wire[Command, SubstationAnswer]:
        def encode(calls: list[Outgoing[Command]], cancelled: list[int]) -> pb.Calls:  # noqa: ARG001
            return pb.Calls(calls=[_call(call, substation_id) for call in calls])

        def decode(message: pb.Answers) -> Iterator[tuple[int, SubstationAnswer]]:
            if message.HasField("report"):
                self._take(substation_id, _report(message.report))
            return ((answer.number, _answer(answer, substation_id)) for answer in message.answers)

        return Wire(self._open, encode, decode, cancels=False)

    def _take(self, substation_id: str, report: Report) -> None:
        if fault := report_fault(report, time.time()):
            log.warning(
                "a report has impossible values and is ignored",
                extra={"substation": substation_id, "why": fault},
            )
        elif report.substation_id == substation_id:
            self.on_report(report)
        else:
            self.on_stranger(substation_id, report)


def _opening(metadata: Metadata) -> Callable[[grpc.aio.Channel], Any]:
    def opened(channel: grpc.aio.Channel) -> Any:
        stub = rpc.SubstationStub(channel)  # type: ignore[no-untyped-call]
        return stub.Converse(wait_for_ready=True, metadata=metadata)

    return opened


def _call(outgoing: Outgoing[Command], substation_id: str) -> pb.Call:
    call = pb.Call(number=outgoing.number, remaining_ms=outgoing.remaining_ms, substation_id=substation_id)
    if whose := outgoing.trace:
        call.traceparent, call.request_id = whose.traceparent(), whose.request_id
    match outgoing.item:
        case Place() as place:
            plan = place.plan
            call.place.CopyFrom(
                pb.Place(
                    book_id=place.book_id,
                    key=place.key,
                    attempt=place.attempt,
                    vehicle_id=place.vehicle_id,
                    energy_j=plan.energy_j,
                    power_w=plan.power_w,
                    stay_ms=plan.stay_ms,
                    caller=place.caller,
                    journal_id=place.journal_id,
                )
            )
        case Withdraw(key, attempt, journal_id):
            call.withdraw.CopyFrom(pb.Withdraw(key=key, attempt=attempt, journal_id=journal_id))
        case Settle(key, attempt, journal_id):
            call.settle.CopyFrom(pb.Settle(key=key, attempt=attempt, journal_id=journal_id))
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


def _answer(answer: pb.Answer, substation_id: str) -> SubstationAnswer:
    """Return an answer; one that can't be read, or whose session is not this substation's, decides nothing."""
    try:
        outcome = SubstationOutcome(answer.outcome)
        session = Session.of(answer.session) if answer.HasField("session") else None
        sessions = tuple(Session.of(listed) for listed in answer.sessions)
        if outcome in WITH_SESSION and session is None:
            _refuse(f"{outcome} without a session")
        if any(each.substation_id != substation_id for each in (*sessions, *([session] if session else []))):
            _refuse("a session of another substation")
    except ValueError as error:
        log.error(  # noqa: TRY400 - the trace would say nothing more
            "an answer has impossible values and is ignored",
            extra={"substation": substation_id, "why": str(error)},
        )
        return SubstationAnswer(SubstationOutcome.UNAVAILABLE)
    return SubstationAnswer(outcome, session, sessions, answer.next_after)


def _refuse(why: str) -> NoReturn:
    raise ValueError(why)


def _report(report: pb.Report) -> Report:
    return Report(
        report.substation_id,
        report.journal_id,
        report.epoch,
        report.seq,
        report.load_w,
        report.capacity_w,
        report.draining,
        tuple(report.releases_w),
        report.sessions,
        report.rated_w,
        report.book_id,
    )
