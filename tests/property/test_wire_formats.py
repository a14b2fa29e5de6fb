"""Each protocol's messages: what is written is read back, under the names that the contract has."""

import dataclasses
import typing
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import balancer.wire
import substation.wire
from balancer import contract as balancer_contract
from balancer.proto import balancer_pb2
from substation import contract
from substation.contract import LAST_UNIX_MS, MOST_STREAMED, MOST_W, SESSION_ID, Report, Session
from substation.plan import MOST_J, Plan
from substation.proto import substation_pb2

INT32, INT64 = st.integers(-(2**31), 2**31 - 1), st.integers(-(2**63), 2**63 - 1)
UINT32, UINT64 = st.integers(0, 2**32 - 1), st.integers(0, 2**64 - 1)
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
PLANS = st.builds(Plan, st.integers(1, MOST_J), st.integers(1, MOST_W), st.integers(0, 2**62))
UNIX_MS = st.integers(0, LAST_UNIX_MS)


def built(of: type, **strategies: Any) -> st.SearchStrategy[Any]:
    """Draw every field, those with a default too: texts by their type, the others as they are given."""
    fields = {field.name: TEXT for field in dataclasses.fields(of) if field.type is str}
    return st.builds(of, **(fields | strategies))


# Made once: to make a strategy anew for each session takes longer than to draw from it.
SESSIONS = built(
    Session,
    session_id=st.from_regex(SESSION_ID, fullmatch=True),
    state=st.sampled_from(contract.SessionState),
    plan=PLANS,
    delivered_j=st.just(0),
    started_unix_ms=UNIX_MS,
    expected_end_unix_ms=UNIX_MS,
    ended_unix_ms=UNIX_MS,
)


@st.composite
def sessions(draw: st.DrawFn) -> Session:
    drawn: Session = draw(SESSIONS)
    return dataclasses.replace(
        drawn,
        substation_id=contract.owner(drawn.session_id),
        plan=dataclasses.replace(drawn.plan, taper=draw(st.booleans())),
        delivered_j=draw(st.integers(0, drawn.plan.energy_j)),
        paused_because=draw(st.sampled_from(sorted(contract.PAUSE_REASONS))),
    )


TO_SUBSTATIONS = {
    "place": built(contract.Place, attempt=UINT32, plan=PLANS),
    "withdraw": built(contract.Withdraw, attempt=UINT32),
    "settle": built(contract.Settle, attempt=UINT32),
    "stop": built(contract.StopSession),
    "find": built(contract.FindSession),
    "page": built(contract.ListSessions, after=INT64, limit=INT32),
    "drain": built(contract.Drain, on=st.booleans()),
    "derate": built(contract.Derate, limit_w=INT64),
    "foresee": built(contract.Foresee, first_slot=INT64, upper_w=st.lists(INT64, max_size=5).map(tuple)),
    "bind": built(contract.Bind, book_id=TEXT, former=st.lists(TEXT, max_size=3).map(tuple)),
}
TO_BALANCERS = {
    "charge": built(
        balancer_contract.Charge,
        plan=PLANS,
        substations=st.lists(TEXT, max_size=3).map(tuple),
        max_wait_ms=UINT32,
    ),
    "stop": built(balancer_contract.StopSession),
    "find": built(balancer_contract.FindSession),
    "page": built(balancer_contract.ListSessions, limit=INT32),
}
REPORTS = built(
    Report,
    draining=st.booleans(),
    base_load_stale=st.booleans(),
    releases_w=st.lists(INT64, max_size=5).map(tuple),
    **dict.fromkeys(
        (
            "epoch",
            "seq",
            "load_w",
            "capacity_w",
            "sessions",
            "rated_w",
            "base_load_w",
            "owed_w",
            "paused",
            "calendar_s",
            "kept_w",
        ),
        INT64,
    ),
)
SUBSTATION_ANSWERS = st.builds(
    contract.SubstationAnswer,
    st.sampled_from(contract.SubstationOutcome),
    st.none() | sessions(),
    st.lists(sessions(), max_size=2).map(tuple),
    INT64,
)
BALANCER_ANSWERS = st.builds(
    balancer_contract.BalancerAnswer,
    st.sampled_from(balancer_contract.BalancerOutcome),
    st.none() | sessions(),
    UINT32,
    TEXT,
    st.lists(sessions(), max_size=2).map(tuple),
    TEXT,
)


def flat(item: Any) -> dict[str, Any]:
    """The fields of a contract's dataclass as a message has them: those of a plan among the others."""
    fields = {field.name: getattr(item, field.name) for field in dataclasses.fields(item)}
    if isinstance(plan := fields.pop("plan", None), Plan):
        fields |= dataclasses.asdict(plan)
    return fields


def assert_names_agree(message: Any, item: Any) -> None:
    """Two fields that were mixed up in both directions would come back right; their names would not."""
    expected = flat(item)
    written = {field.name for field in message.DESCRIPTOR.fields}
    # A request's plan always has a taper, and the duration follows from the rest.
    assert set(expected) - written <= {"taper", "command", "duration_ms"}
    for name in written & set(expected):
        value = getattr(message, name)
        assert (value if isinstance(value, str | int) else tuple(value)) == expected[name], name


def over_the_network(message: Any) -> Any:
    return type(message).FromString(message.SerializeToString())


@pytest.mark.parametrize("kind", TO_SUBSTATIONS)
@given(data=st.data())
def test_a_call_to_a_substation_is_read_as_it_was_written(kind: str, data: st.DataObject) -> None:
    command = data.draw(TO_SUBSTATIONS[kind])
    call = substation.wire.Call(
        data.draw(UINT64), data.draw(UINT32), data.draw(TEXT), command, data.draw(TEXT), data.draw(TEXT)
    )
    (message,) = over_the_network(substation.wire.calls_to_message([call])).calls
    if isinstance(command, contract.ListSessions):  # the one value that is read as less than it was
        command = dataclasses.replace(command, limit=min(command.limit, MOST_STREAMED))
    assert substation.wire.call_from_message(message) == dataclasses.replace(call, command=command)
    assert (
        substation.wire.calls_from_message(substation_pb2.Calls(calls=[message] * 2))
        == [dataclasses.replace(call, command=command)] * 2
    )
    assert substation.wire.kind_of(command) == message.WhichOneof("command") == kind
    assert_names_agree(message, dataclasses.replace(call, command=None))
    assert_names_agree(getattr(substation.wire.call_to_message(call), kind), call.command)


@pytest.mark.parametrize("kind", TO_BALANCERS)
@given(data=st.data())
def test_a_call_to_a_balancer_is_read_as_it_was_written(kind: str, data: st.DataObject) -> None:
    command = data.draw(TO_BALANCERS[kind])
    call = balancer.wire.Call(data.draw(UINT64), data.draw(UINT32), command, data.draw(TEXT), data.draw(TEXT))
    cancelled = data.draw(st.lists(UINT64, max_size=3))
    message = over_the_network(balancer.wire.calls_to_message([call], cancelled))
    if isinstance(command, balancer_contract.ListSessions):  # the one value that is brought within bounds
        command = dataclasses.replace(command, limit=min(max(command.limit, 1), balancer.wire.MOST_LISTED))
    expected = dataclasses.replace(call, command=command)
    assert balancer.wire.calls_from_message(message) == ([expected], cancelled)
    assert balancer.wire.kind_of(command) == message.calls[0].WhichOneof("command") == kind
    assert_names_agree(message.calls[0], dataclasses.replace(call, command=None))
    assert_names_agree(getattr(message.calls[0], kind), call.command)


@given(st.lists(st.tuples(UINT64, SUBSTATION_ANSWERS), max_size=3), REPORTS)
def test_a_substation_s_answers_and_report_are_read_as_they_were_written(
    answers: list[tuple[int, contract.SubstationAnswer]], report: Report
) -> None:
    message = over_the_network(substation.wire.answers_to_message(answers, report))
    read = [(each.number, substation.wire.answer_from_message(each)) for each in message.answers]
    assert read == answers
    assert substation.wire.report_from_message(message.report) == report
    assert_names_agree(message.report, report)
    for each, (_, answer) in zip(message.answers, answers, strict=True):
        assert (each.outcome, each.next_after) == (answer.outcome, answer.next_after)
        for listed, session in zip(each.sessions, answer.sessions, strict=True):
            assert_names_agree(listed, session)


@given(st.lists(st.tuples(UINT64, BALANCER_ANSWERS), min_size=1, max_size=3))
def test_a_balancer_s_answers_are_read_as_they_were_written(
    answers: list[tuple[int, balancer_contract.BalancerAnswer]],
) -> None:
    message = over_the_network(balancer.wire.answers_to_message(answers))
    read = [(each.number, balancer.wire.answer_from_message(each)) for each in message.answers]
    assert read == answers
    assert balancer.wire.greeting_from_message(message) is None
    for each, (_, answer) in zip(message.answers, answers, strict=True):
        assert (each.retry_after_ms, each.detail) == (answer.retry_after_ms, answer.detail)
        assert (each.outcome, each.next_cursor) == (answer.outcome, answer.next_cursor)


@given(TEXT, st.lists(TEXT, max_size=3).map(tuple))
def test_a_balancer_s_greeting_is_read_as_it_was_written(book_id: str, waiting_for: tuple[str, ...]) -> None:
    greeting = balancer.wire.Greeting(book_id, waiting_for)
    message = over_the_network(balancer.wire.greeting_to_message(greeting))
    assert balancer.wire.greeting_from_message(message) == greeting


def test_every_command_of_the_contracts_has_its_own_field() -> None:
    """And every field has its command: a kind that a newer protocol adds is not forgotten here."""
    for wire, commands, call, drawn in (
        (substation.wire, contract.Command, substation_pb2.Call, TO_SUBSTATIONS),
        (balancer.wire, balancer_contract.Command, balancer_pb2.Call, TO_BALANCERS),
    ):
        fields = {field.name for field in call.DESCRIPTOR.oneofs_by_name["command"].fields}
        assert set(wire.COMMANDS.conversions) == set(typing.get_args(commands))
        assert {each.kind for each in wire.COMMANDS.conversions.values()} == fields == set(drawn)


def test_an_impossible_command_is_none_and_leaves_the_call() -> None:
    bad: dict[str, Any] = {"energy_j": -5, "power_w": 0}
    place = substation_pb2.Call(number=7, substation_id="s-1", place=substation_pb2.Place(**bad))
    assert substation.wire.call_from_message(place) == substation.wire.Call(7, 0, "s-1", None)
    charge = balancer_pb2.Call(number=7, charge=balancer_pb2.Charge(**bad))
    assert balancer.wire.call_from_message(charge) == balancer.wire.Call(7, 0, None)


def test_a_call_without_a_command_asks_a_substation_for_nothing_and_a_balancer_for_a_session_that_is_none() -> (
    None
):
    assert substation.wire.call_from_message(substation_pb2.Call(number=7)).command is None
    empty = balancer.wire.call_from_message(balancer_pb2.Call(number=7))
    assert empty.command == balancer_contract.FindSession("")
    assert (
        substation.wire.call_to_message(substation.wire.Call(7, 0, "s-1", None)).WhichOneof("command") is None
    )
    assert balancer.wire.call_to_message(balancer.wire.Call(7, 0, None)).WhichOneof("command") is None


def test_a_command_of_another_protocol_is_refused_when_it_is_written() -> None:
    with pytest.raises(TypeError, match="the protocol has no FindSession"):
        substation.wire.call_to_message(
            substation.wire.Call(7, 0, "s-1", balancer_contract.FindSession("s-1.0"))  # type: ignore[arg-type]
        )
