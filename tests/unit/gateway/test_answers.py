"""What a gateway takes for an answer: anything else is lost, and never a fault of its own."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
from gateway.balancer_stream import _answer
from gateway.contract import BY_OUTCOME
from gateway.services import answers
from substation.contract import Session, SessionState
from substation.plan import Plan
from substation.proto import substation_pb2 as substation_pb

CHARGE = Charge("", "", "EV-1", Plan(1000, 10))
COMMANDS: list[Command] = [CHARGE, FindSession("s-1.a"), StopSession("s-1.a"), ListSessions("EV-1", "", 10)]
SESSION = Session("s-1.a", "s-1", "EV-1", SessionState.CHARGING, Plan(1000, 10), 0, 1, 2)


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("outcome", BalancerOutcome)
def test_every_answer_that_is_taken_can_be_written(command: Command, outcome: BalancerOutcome) -> None:
    for session in (None, SESSION):
        if answers(command, BalancerAnswer(outcome, session)) and outcome not in BY_OUTCOME:
            assert session or isinstance(command, ListSessions)
            assert outcome in {BalancerOutcome.ADMITTED, BalancerOutcome.FOUND, BalancerOutcome.STOPPED}


def test_an_admission_without_a_session_is_none() -> None:
    assert not answers(CHARGE, BalancerAnswer(BalancerOutcome.ADMITTED))
    assert answers(CHARGE, BalancerAnswer(BalancerOutcome.ADMITTED, SESSION))
    assert not answers(CHARGE, BalancerAnswer(BalancerOutcome.FOUND, SESSION))
    assert not answers(FindSession("s-1.a"), BalancerAnswer(BalancerOutcome.UNKNOWN))


@given(
    st.text(st.characters(exclude_categories=["Cs"])),
    st.text(st.characters(exclude_categories=["Cs"])),
    st.integers(-(2**63), 2**63 - 1),
)
def test_whatever_a_balancer_says_is_read_without_a_fault_of_ours(
    outcome: str, name: str, number: int
) -> None:
    fields = SESSION.fields() | {"session_id": name, "started_unix_ms": number}
    for said in (outcome, "admitted"):
        answer = _answer(pb.Answer(number=1, outcome=said, session=substation_pb.Session(**fields)))
        assert answer.session is None or answer.session.session_id.startswith("s-1.")
        assert answers(CHARGE, answer) in {True, False}
