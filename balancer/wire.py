"""The messages between gateways and balancers: both directions of each one, side by side.

Pure. Only this module spells the messages of `balancer.proto`. `..._to_message` and `..._from_message`
are inverse to each other for every value that the contract allows.
"""

import dataclasses
import itertools
from collections.abc import Iterable
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
from runtime.command_table import CommandTable, Conversion, same_names
from runtime.values import value
from substation.plan import Plan
from substation.wire import session_from_message, session_to_fields

PROTOCOL = "smartgrid.balancer/1"
MOST_LISTED = 1000  # sessions of one page
Calls, Answers = pb.Calls, pb.Answers  # the types of the messages to a balancer, and from it
OUTCOMES = {outcome.value: outcome for outcome in BalancerOutcome}  # faster than the enum's own look-up


@value(frozen=True, slots=True)
class Call:
    """A numbered call, whose caller waits for another `remaining_ms`.

    `command` is None when the message holds nothing that a balancer could carry out. `traceparent` and
    `request_id` name the request that the call is part of, '' when there is none.
    """

    number: int
    remaining_ms: int
    command: Command | None
    traceparent: str = ""
    request_id: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Greeting:
    """The first message of a balancer, repeated at a change: its order book, and why it can't place a car now."""

    book_id: str
    waiting_for: tuple[str, ...] = ()


def _storable(text: str) -> str:
    """Return a text that every order book can keep; raises ValueError for one with NUL, which PostgreSQL refuses.

    One such key would fail the claims of all that go in the same statement.
    """
    if "\0" in text:
        raise ValueError("a text holds NUL")
    return text


COMMANDS: CommandTable[Command] = CommandTable(
    {
        Charge: Conversion(
            "charge",
            lambda charge: {
                "key": charge.key,
                "fingerprint": charge.fingerprint,
                "vehicle_id": charge.vehicle_id,
                "energy_j": charge.plan.energy_j,
                "power_w": charge.plan.power_w,
                "stay_ms": charge.plan.stay_ms,
                "substations": charge.substations,
                "max_wait_ms": charge.max_wait_ms,
                "caller": charge.caller,
            },
            lambda message: Charge(
                key=_storable(message.key),
                fingerprint=_storable(message.fingerprint),
                vehicle_id=_storable(message.vehicle_id),
                plan=Plan(message.energy_j, message.power_w, message.stay_ms),
                substations=tuple(message.substations),
                max_wait_ms=message.max_wait_ms,
                caller=_storable(message.caller),
            ),
        ),
        StopSession: same_names("stop", StopSession),
        FindSession: same_names("find", FindSession),
        ListSessions: Conversion(
            "page",
            lambda page: {
                "vehicle_id": page.vehicle_id,
                "cursor": page.cursor,
                "limit": page.limit,
                "caller": page.caller,
            },
            lambda message: ListSessions(
                message.vehicle_id, message.cursor, min(max(message.limit, 1), MOST_LISTED), message.caller
            ),
        ),
    }
)
kind_of = COMMANDS.kind_of
DEFAULT_KIND = "find"  # of a call without a command: no session has the id '', so it is not found


def call_to_message(call: Call) -> pb.Call:
    """Write a call."""
    return pb.Call(**_call_fields(call))


def call_from_message(message: pb.Call) -> Call:
    """Read a call; one without a command is read as a look for the session ''."""
    command = COMMANDS.read(message, DEFAULT_KIND)
    return Call(message.number, message.remaining_ms, command, message.traceparent, message.request_id)


def calls_to_message(calls: Iterable[Call], cancelled: Iterable[int]) -> pb.Calls:
    """Write the calls that travel together, and the numbers of calls whose caller has gone."""
    return pb.Calls(calls=map(_call_fields, calls), cancelled=cancelled)


def calls_from_message(message: pb.Calls) -> tuple[list[Call], list[int]]:
    """Read the calls that came together, and the numbers of calls whose caller has gone."""
    return [call_from_message(call) for call in message.calls], list(message.cancelled)


def answer_from_message(message: pb.Answer) -> BalancerAnswer:
    """Read an answer; raises ValueError for an outcome or a session that can't be."""
    outcome = message.outcome
    return BalancerAnswer(
        outcome=OUTCOMES.get(outcome) or BalancerOutcome(outcome),
        session=session_from_message(message.session) if message.HasField("session") else None,
        sessions=tuple(map(session_from_message, message.sessions)),
        next_cursor=message.next_cursor,
        retry_after_ms=message.retry_after_ms,
        detail=message.detail,
    )


def answers_to_message(answers: Iterable[tuple[int, BalancerAnswer]]) -> pb.Answers:
    """Write the answers that travel together."""
    return pb.Answers(answers=itertools.starmap(_answer_fields, answers))


def greeting_to_message(greeting: Greeting) -> pb.Answers:
    """Write a greeting, which is a message without answers."""
    return pb.Answers(book_id=greeting.book_id, waiting_for=greeting.waiting_for)


def greeting_from_message(message: pb.Answers) -> Greeting | None:
    """Read a greeting; None for a message that holds answers."""
    return None if message.answers else Greeting(message.book_id, tuple(message.waiting_for))


# Messages inside of messages are written as their fields: one that is made already would be copied.


def _call_fields(call: Call) -> dict[str, Any]:
    return {
        "number": call.number,
        "remaining_ms": call.remaining_ms,
        "traceparent": call.traceparent,
        "request_id": call.request_id,
        **COMMANDS.fields(call.command),
    }


def _answer_fields(number: int, answer: BalancerAnswer) -> dict[str, Any]:
    fields: dict[str, Any] = {"number": number, "outcome": answer.outcome}
    if answer.session:
        fields["session"] = session_to_fields(answer.session)
    if answer.sessions:
        fields["sessions"] = map(session_to_fields, answer.sessions)
    if answer.next_cursor:
        fields["next_cursor"] = answer.next_cursor
    if answer.retry_after_ms:
        fields["retry_after_ms"] = answer.retry_after_ms
    if answer.detail:
        fields["detail"] = answer.detail
    return fields
