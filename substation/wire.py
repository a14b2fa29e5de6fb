"""The messages between balancers and substations: both directions of each one, side by side.

Pure. Only this module spells the messages of `substation.proto`. `..._to_message` and `..._from_message`
are inverse to each other for every value that the contract allows.
"""

import itertools
from collections.abc import Iterable
from typing import Any

from runtime.command_table import CommandTable, Conversion, same_names
from runtime.values import value
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
# An enum takes three times as long as a dict to find a member by its value.
STATES = {state.value: state for state in SessionState}
OUTCOMES = {outcome.value: outcome for outcome in SubstationOutcome}


@value(frozen=True, slots=True)
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


def session_to_fields(session: Session) -> dict[str, Any]:
    """Return the fields of the message of a session, by their names; those that are 0, '' or False may be left out."""
    plan = session.plan
    fields = {
        "session_id": session.session_id,
        "substation_id": session.substation_id,
        "vehicle_id": session.vehicle_id,
        "state": session.state,
        "energy_j": plan.energy_j,
        "power_w": plan.power_w,
        "stay_ms": plan.stay_ms,
        "taper": plan.taper,
        "delivered_j": session.delivered_j,
        "started_unix_ms": session.started_unix_ms,
        "expected_end_unix_ms": session.expected_end_unix_ms,
        "caller": session.caller,
    }
    if session.ended_unix_ms:
        fields["ended_unix_ms"] = session.ended_unix_ms
    if session.paused_since_unix_ms or session.paused_because:
        fields["paused_since_unix_ms"] = session.paused_since_unix_ms
        fields["paused_because"] = session.paused_because
    if session.pauses_ms or session.first_end_unix_ms:
        fields["pauses_ms"] = session.pauses_ms
        fields["first_end_unix_ms"] = session.first_end_unix_ms
    return fields


def session_from_message(message: pb.Session) -> Session:
    """Read a session; raises ValueError for what can't be one."""
    state = message.state
    session = Session(
        message.session_id,
        message.substation_id,
        message.vehicle_id,
        STATES.get(state) or SessionState(state),
        Plan(message.energy_j, message.power_w, message.stay_ms, message.taper),
        message.delivered_j,
        message.started_unix_ms,
        message.expected_end_unix_ms,
        message.ended_unix_ms,
        message.caller,
        message.paused_since_unix_ms,
        message.paused_because,
        message.pauses_ms,
        message.first_end_unix_ms,
    )
    if fault := session_fault(session):
        raise ValueError(fault)
    return session


def answer_from_message(message: pb.Answer) -> SubstationAnswer:
    """Read an answer; raises ValueError for an outcome or a session that can't be."""
    outcome = message.outcome
    return SubstationAnswer(
        OUTCOMES.get(outcome) or SubstationOutcome(outcome),
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
    fields: dict[str, Any] = {"number": number, "outcome": answer.outcome}
    if answer.session:
        fields["session"] = session_to_fields(answer.session)
    if answer.sessions:
        fields["sessions"] = map(session_to_fields, answer.sessions)
    if answer.next_after:
        fields["next_after"] = answer.next_after
    return fields


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
