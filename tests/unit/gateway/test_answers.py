"""What a gateway takes for an answer: anything else is lost, and never a fault of its own."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from balancer.contract import Answer, Charge, Command, Find, Outcome, Page, Stop
from balancer.proto import balancer_pb2 as pb
from gateway.balancer_stream import _answer
from gateway.contract import BY_OUTCOME
from gateway.handlers import answers
from substation.contract import Session, State
from substation.plan import Plan
from substation.proto import substation_pb2 as substation_pb

CHARGE = Charge("", "", "EV-1", Plan(1000, 10))
COMMANDS: list[Command] = [CHARGE, Find("s-1.a"), Stop("s-1.a"), Page("EV-1", "", 10)]
SESSION = Session("s-1.a", "s-1", "EV-1", State.CHARGING, Plan(1000, 10), 0, 1, 2)


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("outcome", Outcome)
def test_every_answer_that_is_taken_can_be_written(command: Command, outcome: Outcome) -> None:
    for session in (None, SESSION):
        if answers(command, Answer(outcome, session)) and outcome not in BY_OUTCOME:
            assert session or isinstance(command, Page)
            assert outcome in {Outcome.ADMITTED, Outcome.FOUND, Outcome.STOPPED}


def test_an_admission_without_a_session_is_none() -> None:
    assert not answers(CHARGE, Answer(Outcome.ADMITTED))
    assert answers(CHARGE, Answer(Outcome.ADMITTED, SESSION))
    assert not answers(CHARGE, Answer(Outcome.FOUND, SESSION))
    assert not answers(Find("s-1.a"), Answer(Outcome.UNKNOWN))


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
