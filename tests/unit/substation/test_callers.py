"""A session belongs to the caller that asked for it: to any other, it is as if it did not exist."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from substation.contract import (
    FindSession,
    ListSessions,
    Place,
    SessionState,
    Settle,
    StopSession,
    SubstationOutcome,
)
from tests.support.desk import Desk
from tests.support.sessions import place


def of(caller: str, key: str) -> Place:
    return dataclasses.replace(place(key), caller=caller)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path / "journal.sqlite", 100_000)
    yield made
    made.stop()


def test_a_session_is_found_and_stopped_by_its_caller_alone_after_a_restart_too(desk: Desk) -> None:
    (placed,) = desk.ask(of("acme", "a"))
    assert placed.session
    session_id = placed.session.session_id
    for _ in range(2):
        for command in (
            FindSession(session_id, "bolt"),
            StopSession(session_id, "bolt"),
            StopSession(session_id, "anonymous"),
        ):
            (answer,) = desk.ask(command)
            assert (answer.outcome, answer.session) == (SubstationOutcome.NOT_FOUND, None)
        (found,) = desk.ask(FindSession(session_id, "acme"))
        assert found.session
        assert (found.session.caller, found.session.state) == ("acme", SessionState.CHARGING)
        desk.stop()
        desk.start()
    (stopped,) = desk.ask(StopSession(session_id, "acme"))
    assert stopped.outcome is SubstationOutcome.STOPPED


def test_an_operator_finds_and_stops_every_session(desk: Desk) -> None:
    (placed,) = desk.ask(of("acme", "a"))
    assert placed.session
    assert desk.ask(FindSession(placed.session.session_id))[0].outcome is SubstationOutcome.FOUND
    assert desk.ask(StopSession(placed.session.session_id))[0].outcome is SubstationOutcome.STOPPED


def test_a_list_holds_the_sessions_of_one_caller_though_vehicles_have_the_same_name(desk: Desk) -> None:
    same = [
        dataclasses.replace(of(caller, caller), vehicle_id="acme:car") for caller in ("acme", "anonymous")
    ]
    desk.ask(*same)
    for caller in ("acme", "anonymous"):
        for vehicle_id in ("acme:car", ""):
            (found,) = desk.ask(ListSessions(0, 10, vehicle_id, caller))
            assert [session.caller for session in found.sessions] == [caller]
    assert len(desk.ask(ListSessions(0, 10, "acme:car"))[0].sessions) == 2
    assert desk.ask(ListSessions(0, 10, "acme:car", "bolt"))[0].sessions == ()


def test_a_key_that_is_settled_without_a_session_can_not_be_placed_at_that_attempt(desk: Desk) -> None:
    assert desk.ask(Settle("a", 2))[0].outcome is SubstationOutcome.NOT_FOUND
    late, same, later = desk.ask(place("a", 1), place("a", 2), place("a", 3))
    assert [answer.outcome for answer in (late, same, later)] == ["stale", "refused", "placed"]


def test_a_key_that_is_settled_with_a_session_keeps_it(desk: Desk) -> None:
    (placed,) = desk.ask(place("a"))
    for _ in range(2):
        (settled,) = desk.ask(Settle("a", 7))
        assert settled.outcome is SubstationOutcome.FOUND
        assert settled.session
        assert placed.session
        assert settled.session.session_id == placed.session.session_id
        desk.ask(StopSession(placed.session.session_id))
    assert desk.ask(place("a", 7))[0].outcome is SubstationOutcome.PLACED
