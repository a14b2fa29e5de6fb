"""The balancer's streams to the substations: one coalesced link to each."""

import asyncio
import logging
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from balancer.report_fault import report_fault
from runtime.coalescer import Link, Outgoing, Wire
from runtime.machine import THIS, Machine
from runtime.stream_hello import Hello
from runtime.tls.credentials import Callee, Credentials
from runtime.tls.identity import Role
from substation.contract import Command, Report, SubstationAnswer, SubstationOutcome
from substation.wire import (
    PROTOCOL,
    Answers,
    Call,
    answer_from_message,
    calls_to_message,
    report_from_message,
)

WITH_SESSION = frozenset({SubstationOutcome.PLACED, SubstationOutcome.STOPPED})

log = logging.getLogger(__name__)

SubstationLink = Link[Command, SubstationAnswer]


class ReportListener(Protocol):
    """Takes the reports that come on the links, before the answers of the same message are handed out.

    Times are seconds of the monotonic clock.
    """

    def adopt(self, report: Report, now_s: float) -> object:
        """Take a report of the link's own substation."""

    def denied(self, substation_id: str, report: Report, now_s: float) -> object:
        """Take the report of another substation on the link of `substation_id`."""


class Links:
    """The links by substation id, made and moved as substations are discovered."""

    def __init__(
        self,
        listener: ReportListener,
        on_batch: Callable[[int], None] = lambda _: None,
        authorization: str = "",
        tls: Credentials | None = None,
        machine: Machine = THIS,
    ) -> None:
        """`on_batch` is called with the number of calls in each message; `authorization` begins every stream.

        With `tls`, a substation must prove by its certificate who it is.
        """
        self._tls = tls
        self._machine = machine
        self._hello = Hello(PROTOCOL, authorization=authorization)
        self._listener = listener
        self._on_batch = on_batch
        self._links: dict[str, SubstationLink] = {}
        self._expected: dict[str, asyncio.Future[SubstationLink | None]] = {}
        self._closing: set[asyncio.Task[None]] = set()

    def connect(self, substation_id: str, address: str) -> None:
        """Open a link to a substation at `host:port`; close a link to another address."""
        link = self._links.get(substation_id)
        if link and link.address == address:
            return
        self.disconnect(substation_id)
        link = self._links[substation_id] = Link(address, self._wire(substation_id), self._on_batch)
        if expected := self._expected.pop(substation_id, None):
            expected.set_result(link)

    def disconnect(self, substation_id: str) -> None:
        """Close the link to a substation; calls that wait for a link keep waiting."""
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
        def encode(calls: list[Outgoing[Command]], _cancelled: list[int]) -> Any:
            return calls_to_message(_call(call, substation_id) for call in calls)

        def decode(message: Any) -> Iterator[tuple[int, SubstationAnswer]]:
            if message.HasField("report"):
                self._take(substation_id, report_from_message(message.report))
            return ((answer.number, _answer(answer, substation_id)) for answer in message.answers)

        callee = Callee(self._tls, Role.SUBSTATION, substation_id) if self._tls else None
        return Wire(
            self._hello, Answers, encode, decode, cancels=False, tls=callee, chance=self._machine.random
        )

    def _take(self, substation_id: str, report: Report) -> None:
        if fault := report_fault(report, self._machine.unix_s()):
            log.warning(
                "a report has impossible values and is ignored",
                extra={"substation": substation_id, "why": fault},
            )
        elif report.substation_id == substation_id:
            self._listener.adopt(report, self._machine.monotonic_s())
        else:
            self._listener.denied(substation_id, report, self._machine.monotonic_s())


def _call(outgoing: Outgoing[Command], substation_id: str) -> Call:
    trace = outgoing.trace
    return Call(
        outgoing.number,
        outgoing.remaining_ms,
        substation_id,
        outgoing.item,
        trace.traceparent() if trace else "",
        trace.request_id if trace else "",
    )


def _answer(message: Any, substation_id: str) -> SubstationAnswer:
    """Return an answer; one that can't be read, or whose session is not this substation's, decides nothing."""
    try:
        answer = answer_from_message(message)
    except ValueError as error:
        return _unusable(str(error), substation_id)
    if answer.outcome in WITH_SESSION and answer.session is None:
        return _unusable(f"{answer.outcome} without a session", substation_id)
    sessions = (*answer.sessions, answer.session) if answer.session else answer.sessions
    if any(session.substation_id != substation_id for session in sessions):
        return _unusable("a session of another substation", substation_id)
    return answer


def _unusable(why: str, substation_id: str) -> SubstationAnswer:
    log.error(
        "an answer has impossible values and is ignored", extra={"substation": substation_id, "why": why}
    )
    return SubstationAnswer(SubstationOutcome.UNAVAILABLE)
