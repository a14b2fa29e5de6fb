"""Reports and answers on a stream that can't be true: they are not believed, and break nothing."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from balancer.report_fault import MOST_AHEAD_S, report_fault
from balancer.substation_stream import Links
from substation.contract import (
    MOST_W,
    RELEASES_WITHIN_S,
    Report,
    Session,
    SessionState,
    SubstationAnswer,
    SubstationOutcome,
)
from substation.plan import Plan
from substation.proto import substation_pb2 as pb

OWN = Session(
    "s-1.a", "s-1", "EV-1", SessionState.CHARGING, Plan(1000, 10), 0, 1_800_000_000_000, 1_800_000_100_000
)
NO_SESSIONS: dict[str, dict[str, object]] = {
    "another substation's": {"session_id": "s-2.a", "substation_id": "s-2"},
    "an id of another": {"session_id": "s-2.a"},
    "no id": {"session_id": ""},
    "an id that breaks a header": {"session_id": "s-1.a\r\nX-Injected: 1"},
    "an id that is a path": {"session_id": "s-1.a/../b"},
    "no state": {"state": "flying"},
    "no plan": {"energy_j": 0},
    "more power than can be": {"power_w": MOST_W + 1},
    "more energy than asked for": {"delivered_j": 1001},
    "an end after the year 9999": {"expected_end_unix_ms": 2**62},
    "a start before all": {"started_unix_ms": -1},
}


class Believing:
    """Keeps every report that is believed, of any substation."""

    def __init__(self, believed: list[Report]) -> None:
        self._believed = believed

    def adopt(self, report: Report, now_s: float) -> None:
        self._believed.append(report)

    def denied(self, substation_id: str, report: Report, now_s: float) -> None:
        self._believed.append(report)


def decoded(
    *answers: pb.Answer, report: pb.Report | None = None
) -> tuple[list[SubstationAnswer], list[Report]]:
    """What comes out of one message on the link of `s-1`: its answers, and the reports that are believed."""
    believed = list[Report]()
    links = Links(Believing(believed))
    message = pb.Answers(answers=answers, report=report)
    return [answer for _, answer in links._wire("s-1").decode(message)], believed


@pytest.mark.parametrize("what", NO_SESSIONS)
@pytest.mark.parametrize(
    "outcome", [SubstationOutcome.PLACED, SubstationOutcome.FOUND, SubstationOutcome.STOPPED]
)
def test_an_answer_with_a_session_that_can_t_be_decides_nothing(
    outcome: SubstationOutcome, what: str
) -> None:
    bad = pb.Session(**(OWN.fields() | NO_SESSIONS[what]))
    good = pb.Answer(number=2, outcome=outcome, session=pb.Session(**OWN.fields()))
    answers, _ = decoded(pb.Answer(number=1, outcome=outcome, session=bad), good)
    assert answers == [SubstationAnswer(SubstationOutcome.UNAVAILABLE), SubstationAnswer(outcome, OWN)]


@pytest.mark.parametrize("outcome", ["placed", "stopped", "admitted!", ""])
def test_an_answer_without_what_it_says_decides_nothing(outcome: str) -> None:
    answers, _ = decoded(pb.Answer(number=1, outcome=outcome))
    assert answers == [SubstationAnswer(SubstationOutcome.UNAVAILABLE)]


def message_of(report: Report) -> pb.Report:
    return pb.Report(**{name: getattr(report, name) for name in Report.__dataclass_fields__})


def test_a_report_that_can_t_be_true_is_not_adopted_and_its_answers_are() -> None:
    now_s = int(time.time())
    schedule = (0,) * (len(RELEASES_WITHIN_S) - 1) + (5,)
    true = Report("s-1", "j", now_s, 1, 5, 10, False, schedule, 1, 10)
    refused = pb.Answer(number=1, outcome="refused")
    assert decoded(refused, report=message_of(true)) == (
        [SubstationAnswer(SubstationOutcome.REFUSED)],
        [true],
    )
    lies: list[dict[str, object]] = [
        {"epoch": now_s + 2 * MOST_AHEAD_S},
        {"epoch": 2**62},
        {"capacity_w": 0},
        {"capacity_w": 11},
        {"rated_w": 0},
        {"rated_w": -10},
        {"load_w": -1},
        {"load_w": 2**62},
        {"releases_w": ()},
        {"releases_w": (6,) * 13},
        {"substation_id": "S 9"},
        {"journal_id": ""},
        {"sessions": -1},
    ]
    for lie in lies:
        fields = {name: getattr(true, name) for name in Report.__dataclass_fields__} | lie
        assert decoded(refused, report=pb.Report(**fields)) == (
            [SubstationAnswer(SubstationOutcome.REFUSED)],
            [],
        ), lie


WHOLE = st.integers(-(2**63), 2**63 - 1) | st.integers(-2, 20)


@given(
    st.builds(
        Report,
        st.text(max_size=3),
        st.text(max_size=3),
        WHOLE,
        WHOLE,
        WHOLE,
        WHOLE,
        st.booleans(),
        st.lists(WHOLE, max_size=14).map(tuple),
        WHOLE,
        WHOLE,
    )
)
def test_whatever_is_reported_is_judged_without_a_fault_of_ours(report: Report) -> None:
    if not report_fault(report, 10.0):
        assert 0 < report.capacity_w <= report.rated_w <= MOST_W
        assert 0 <= report.load_w / report.capacity_w < float("inf")
        assert report.epoch <= 10 + MOST_AHEAD_S
