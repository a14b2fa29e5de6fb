"""The messages between balancers and substations: both directions of each one, side by side.

Pure. Only this module spells the messages of `substation.proto`. `..._to_message` and `..._from_message`
are inverse to each other for every value that the contract allows.
"""

import dataclasses
import itertools
from collections.abc import Iterable
from typing import Any

from runtime.command_table import CommandTable, Conversion, same_names
from substation.contract import (
    MOST_STREAMED,
    Bind,
    Command,
    Derate,
    Drain,
    FindSession,
    Foresee,
    ListSessions,
    Place,
    Report,
    Session,
    SessionState,
    Settle,
    StopSession,
    SubstationAnswer,
    SubstationOutcome,
    Withdraw,
    session_fault,
)
from substation.plan import Plan
from substation.proto import substation_pb2 as pb

PROTOCOL = "smartgrid.substation/1"
Calls, Answers = pb.Calls, pb.Answers  # the types of the messages to a substation, and from it


@dataclasses.dataclass(frozen=True, slots=True)
class Call:
    """A numbered call to the substation `substation_id`, whose caller waits for another `remaining_ms`.

    `command` is None when the message holds nothing that a substation could carry out. `traceparent` and
    `request_id` name the request that the call is part of, '' when there is none.
    """

    number: int
    remaining_ms: int
    substation_id: str
    command: Command | None
    traceparent: str = ""
    request_id: str = ""


COMMANDS: CommandTable[Command] = CommandTable(
    {
        Place: Conversion(
            "place",
            lambda place: {
                "book_id": place.book_id,
                "key": place.key,
                "attempt": place.attempt,
                "vehicle_id": place.vehicle_id,
                "energy_j": place.plan.energy_j,
                "power_w": place.plan.power_w,
                "stay_ms": place.plan.stay_ms,
                "caller": place.caller,
                "journal_id": place.journal_id,
            },
            lambda message: Place(
                book_id=message.book_id,
                key=message.key,
                attempt=message.attempt,
                vehicle_id=message.vehicle_id,
                plan=Plan(message.energy_j, message.power_w, message.stay_ms),
                caller=message.caller,
                journal_id=message.journal_id,
            ),
        ),
        Withdraw: same_names("withdraw", Withdraw),
        Settle: same_names("settle", Settle),
        StopSession: same_names("stop", StopSession),
        FindSession: same_names("find", FindSession),
        ListSessions: Conversion(
            "page",
            lambda page: {
                "after": page.after,
                "limit": page.limit,
                "vehicle_id": page.vehicle_id,
                "caller": page.caller,
            },
            lambda message: ListSessions(
                message.after, min(message.limit, MOST_STREAMED), message.vehicle_id, message.caller
            ),
        ),
        Drain: same_names("drain", Drain),
        Derate: same_names("derate", Derate),
        Foresee: Conversion(
            "foresee",
            lambda foresee: {"first_slot": foresee.first_slot, "upper_w": foresee.upper_w},
            lambda message: Foresee(message.first_slot, tuple(message.upper_w)),
        ),
        Bind: Conversion(
            "bind",
            lambda bind: {"book_id": bind.book_id, "former": bind.former},
            lambda message: Bind(message.book_id, tuple(message.former)),
        ),
    }
)
kind_of = COMMANDS.kind_of


def call_to_message(call: Call) -> pb.Call:
    """Write a call."""
    return pb.Call(**_call_fields(call))


def call_from_message(message: pb.Call) -> Call:
    """Read a call."""
    command = COMMANDS.read(message)
    return Call(
        message.number,
        message.remaining_ms,
        message.substation_id,
        command,
        message.traceparent,
        message.request_id,
    )


def calls_to_message(calls: Iterable[Call]) -> pb.Calls:
    """Write the calls that travel together."""
    return pb.Calls(calls=map(_call_fields, calls))


def calls_from_message(message: pb.Calls) -> list[Call]:
    """Read the calls that came together."""
    return [call_from_message(call) for call in message.calls]


def session_from_message(message: pb.Session) -> Session:
    """Read a session; raises ValueError for what can't be one."""
    session = Session(
        session_id=message.session_id,
        substation_id=message.substation_id,
        vehicle_id=message.vehicle_id,
        state=SessionState(message.state),
        plan=Plan(message.energy_j, message.power_w, message.stay_ms, message.taper),
        delivered_j=message.delivered_j,
        started_unix_ms=message.started_unix_ms,
        expected_end_unix_ms=message.expected_end_unix_ms,
        ended_unix_ms=message.ended_unix_ms,
        caller=message.caller,
        paused_since_unix_ms=message.paused_since_unix_ms,
        paused_because=message.paused_because,
        pauses_ms=message.pauses_ms,
        first_end_unix_ms=message.first_end_unix_ms,
    )
    if fault := session_fault(session):
        raise ValueError(fault)
    return session


def answer_from_message(message: pb.Answer) -> SubstationAnswer:
    """Read an answer; raises ValueError for an outcome or a session that can't be."""
    return SubstationAnswer(
        SubstationOutcome(message.outcome),
        session_from_message(message.session) if message.HasField("session") else None,
        tuple(map(session_from_message, message.sessions)),
        message.next_after,
    )


def report_from_message(message: pb.Report) -> Report:
    """Read a report; a balancer checks whether it can be true."""
    return Report(
        substation_id=message.substation_id,
        journal_id=message.journal_id,
        epoch=message.epoch,
        seq=message.seq,
        load_w=message.load_w,
        capacity_w=message.capacity_w,
        draining=message.draining,
        releases_w=tuple(message.releases_w),
        sessions=message.sessions,
        rated_w=message.rated_w,
        book_id=message.book_id,
        base_load_w=message.base_load_w,
        owed_w=message.owed_w,
        paused=message.paused,
        calendar_s=message.calendar_s,
        kept_w=message.kept_w,
        base_load_stale=message.base_load_stale,
    )


def answers_to_message(answers: Iterable[tuple[int, SubstationAnswer]], report: Report) -> pb.Answers:
    """Write the answers that travel together, and the report that goes with them."""
    return pb.Answers(answers=itertools.starmap(_answer_fields, answers), report=_report_fields(report))


# Messages inside of messages are written as their fields: one that is made already would be copied.


def _call_fields(call: Call) -> dict[str, Any]:
    return {
        "number": call.number,
        "remaining_ms": call.remaining_ms,
        "substation_id": call.substation_id,
        "traceparent": call.traceparent,
        "request_id": call.request_id,
        **COMMANDS.fields(call.command),
    }


def _answer_fields(number: int, answer: SubstationAnswer) -> dict[str, Any]:
    return {
        "number": number,
        "outcome": answer.outcome,
        "session": answer.session.fields() if answer.session else None,
        "sessions": [session.fields() for session in answer.sessions],
        "next_after": answer.next_after,
    }


def _report_fields(report: Report) -> dict[str, Any]:
    return {
        "substation_id": report.substation_id,
        "journal_id": report.journal_id,
        "epoch": report.epoch,
        "seq": report.seq,
        "load_w": report.load_w,
        "capacity_w": report.capacity_w,
        "draining": report.draining,
        "releases_w": report.releases_w,
        "sessions": report.sessions,
        "rated_w": report.rated_w,
        "book_id": report.book_id,
        "base_load_w": report.base_load_w,
        "owed_w": report.owed_w,
        "paused": report.paused,
        "calendar_s": report.calendar_s,
        "kept_w": report.kept_w,
        "base_load_stale": report.base_load_stale,
    }
