"""A session belongs to the caller that asked for it: to any other, it is as if it did not exist."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from substation.contract import Find, Outcome, Page, Place, Settle, State, Stop
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
        for command in (Find(session_id, "bolt"), Stop(session_id, "bolt"), Stop(session_id, "anonymous")):
            (answer,) = desk.ask(command)
            assert (answer.outcome, answer.session) == (Outcome.NOT_FOUND, None)
        (found,) = desk.ask(Find(session_id, "acme"))
        assert found.session
        assert (found.session.caller, found.session.state) == ("acme", State.CHARGING)
        desk.stop()
        desk.start()
    (stopped,) = desk.ask(Stop(session_id, "acme"))
    assert stopped.outcome is Outcome.STOPPED


def test_an_operator_finds_and_stops_every_session(desk: Desk) -> None:
    (placed,) = desk.ask(of("acme", "a"))
    assert placed.session
    assert desk.ask(Find(placed.session.session_id))[0].outcome is Outcome.FOUND
    assert desk.ask(Stop(placed.session.session_id))[0].outcome is Outcome.STOPPED


def test_a_list_holds_the_sessions_of_one_caller_though_vehicles_have_the_same_name(desk: Desk) -> None:
    same = [
        dataclasses.replace(of(caller, caller), vehicle_id="acme:car") for caller in ("acme", "anonymous")
    ]
    desk.ask(*same)
    for caller in ("acme", "anonymous"):
        for vehicle_id in ("acme:car", ""):
            (found,) = desk.ask(Page(0, 10, vehicle_id, caller))
            assert [session.caller for session in found.sessions] == [caller]
    assert len(desk.ask(Page(0, 10, "acme:car"))[0].sessions) == 2
    assert desk.ask(Page(0, 10, "acme:car", "bolt"))[0].sessions == ()


def test_a_key_that_is_settled_without_a_session_can_not_be_placed_at_that_attempt(desk: Desk) -> None:
    assert desk.ask(Settle("a", 2))[0].outcome is Outcome.NOT_FOUND
    late, same, later = desk.ask(place("a", 1), place("a", 2), place("a", 3))
    assert [answer.outcome for answer in (late, same, later)] == ["stale", "refused", "placed"]


def test_a_key_that_is_settled_with_a_session_keeps_it(desk: Desk) -> None:
    (placed,) = desk.ask(place("a"))
    for _ in range(2):
        (settled,) = desk.ask(Settle("a", 7))
        assert settled.outcome is Outcome.FOUND
        assert settled.session
        assert placed.session
        assert settled.session.session_id == placed.session.session_id
        desk.ask(Stop(placed.session.session_id))
    assert desk.ask(place("a", 7))[0].outcome is Outcome.PLACED
