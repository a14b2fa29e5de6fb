"""What happens to sessions when the base load rises into their room: on a real journal, and on clocks that the test moves."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from substation.contract import (
    Derate,
    Drain,
    FindSession,
    ListSessions,
    Session,
    SessionState,
    StopSession,
    SubstationOutcome,
    Withdraw,
)
from substation.pausing import to_pause
from substation.tasks import Prune
from substation.writer import Request
from tests.support.desk import Desk
from tests.support.sessions import entry, place

CAPACITY_W = 44_000
DEAD_BAND_S = 30


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """Four sessions of 11 kW, admitted one second after the other, fill the substation."""
    made = Desk(tmp_path / "journal.sqlite", CAPACITY_W)
    for key in "abcd":
        made.ask(place(key, seconds=1000))
        made.pass_time(1)
    yield made
    made.stop()


def states(desk: Desk) -> dict[str, str]:
    """The state of each session by its key."""
    (found,) = desk.ask(ListSessions(0, 100))
    return {session.vehicle_id.removeprefix("car-"): session.state for session in found.sessions}


def paused(desk: Desk) -> str:
    return "".join(key for key, state in states(desk).items() if state == SessionState.PAUSED)


def session(desk: Desk, key: str) -> Session:
    (found,) = desk.ask(ListSessions(0, 100, f"car-{key}"))
    return found.sessions[0]


def base_load(desk: Desk, watts: int, *, looks_s: tuple[float, ...] = (0,)) -> None:
    desk.transformer.watts = watts
    for wall_s in looks_s:
        desk.pass_time(wall_s)
        desk.follow()


@pytest.mark.parametrize(
    ("base_w", "gone"), [(0, ""), (1, "d"), (11_000, "d"), (11_001, "cd"), (33_001, "abcd"), (90_000, "abcd")]
)
def test_the_newest_are_paused_as_few_as_needed(desk: Desk, base_w: int, gone: str) -> None:
    base_load(desk, base_w)
    assert paused(desk) == gone
    curve = desk.writer.published.curve
    assert (curve.load_w, curve.owed_w) == (44_000 - 11_000 * len(gone), 11_000 * len(gone))
    assert (curve.sessions, len(curve.paused)) == (4, len(gone))


def test_two_of_one_moment_are_told_apart_by_their_ids() -> None:
    cars = [entry(place(key), now_ms=5) for key in "bac"]
    assert [each.session_id[-1] for each in to_pause(cars, 11_001, 5)] == ["c", "b"]


def test_a_session_says_that_it_is_paused_since_when_and_why(desk: Desk) -> None:
    before = session(desk, "d")
    assert (before.paused_since_unix_ms, before.paused_because) == (0, "")
    base_load(desk, 1)
    now = session(desk, "d")
    assert (now.state, now.paused_because) == (SessionState.PAUSED, "base_load")
    assert now.paused_since_unix_ms == int(desk.unix_s * 1000)
    desk.pass_time(100)
    assert session(desk, "d").delivered_j == now.delivered_j


def test_the_oldest_resumes_first_once_there_was_room_for_thirty_seconds(desk: Desk) -> None:
    base_load(desk, 11_001)
    base_load(desk, 5_000, looks_s=(10, DEAD_BAND_S - 0.001))
    assert paused(desk) == "cd"
    base_load(desk, 5_000, looks_s=(0.001,))
    assert paused(desk) == "d"
    base_load(desk, 0, looks_s=(0.5, DEAD_BAND_S))
    assert paused(desk) == ""


def test_several_resume_together_in_room_that_was_there_all_the_time(desk: Desk) -> None:
    base_load(desk, 33_000)
    assert paused(desk) == "bcd"
    base_load(desk, 0, looks_s=(1,))
    base_load(desk, 22_000, looks_s=(15,))
    base_load(desk, 0, looks_s=(15,))
    assert paused(desk) == "cd", "for 15 seconds there was room for one alone"


def test_a_base_load_that_comes_and_goes_does_not_make_sessions_flap(desk: Desk) -> None:
    base_load(desk, 1)
    for _ in range(5):
        base_load(desk, 0, looks_s=(1, 20))
        base_load(desk, 1, looks_s=(1,))
    assert paused(desk) == "d"


def test_a_pause_moves_the_end_by_its_length_and_all_energy_still_comes(desk: Desk) -> None:
    before = session(desk, "d")
    base_load(desk, 1)
    paused_s = desk.unix_s
    base_load(desk, 0, looks_s=(200, DEAD_BAND_S))
    after = session(desk, "d")
    length_ms = int((desk.unix_s - paused_s) * 1000)
    assert after.state is SessionState.CHARGING
    assert after.expected_end_unix_ms == before.expected_end_unix_ms + length_ms
    assert (after.first_end_unix_ms, after.pauses_ms) == (before.expected_end_unix_ms, length_ms)
    desk.pass_time(1000 - 1 - 0.001)
    assert session(desk, "d").state is SessionState.CHARGING
    desk.pass_time(0.002)
    ended = session(desk, "d")
    assert (ended.state, ended.delivered_j) == (SessionState.COMPLETED, 11_000 * 1000)


def test_a_second_pause_keeps_the_order_of_admission_and_the_first_end(desk: Desk) -> None:
    first_end = session(desk, "d").expected_end_unix_ms
    for _ in range(2):
        base_load(desk, 11_001)
        assert paused(desk) == "cd"
        base_load(desk, 0, looks_s=(1, DEAD_BAND_S))
        assert paused(desk) == ""
    found = session(desk, "d")
    assert found.pauses_ms == 2 * (DEAD_BAND_S + 1) * 1000
    assert (found.first_end_unix_ms, found.expected_end_unix_ms) == (first_end, first_end + found.pauses_ms)


def test_no_new_car_takes_the_room_that_paused_sessions_wait_for(desk: Desk) -> None:
    base_load(desk, 11_001)
    desk.transformer.watts = 0
    refused, smaller = desk.ask(place("new"), place("small", power_w=1))
    assert refused.outcome is smaller.outcome is SubstationOutcome.REFUSED
    desk.ask(StopSession(session(desk, "a").session_id))
    assert [a.outcome for a in desk.ask(place("later"), place("too much", power_w=1))] == [
        "placed",
        "refused",
    ]
    base_load(desk, 0, looks_s=(0, DEAD_BAND_S))
    assert states(desk) == {
        "a": "stopped",
        "b": "charging",
        "c": "charging",
        "d": "charging",
        "later": "charging",
    }


def test_an_admission_fills_the_room_beside_the_base_load_to_the_watt(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "journal.sqlite", CAPACITY_W)
    desk.transformer.watts = 33_001
    assert desk.ask(place("a"))[0].outcome is SubstationOutcome.REFUSED
    desk.transformer.watts = 33_000
    assert desk.ask(place("b"))[0].outcome is SubstationOutcome.PLACED
    desk.stop()


def test_a_paused_session_can_be_found_stopped_withdrawn_and_asked_for_again(desk: Desk) -> None:
    base_load(desk, 33_001)
    ids = {key: session(desk, key).session_id for key in "abcd"}
    (found, again) = desk.ask(FindSession(ids["a"]), place("a", seconds=1000))
    assert found.session
    assert again.session
    assert (again.outcome, again.session.session_id) == (SubstationOutcome.PLACED, ids["a"])
    assert found.session.state is again.session.state is SessionState.PAUSED
    given_j = session(desk, "b").delivered_j
    desk.pass_time(50)
    stopped, withdrawn = desk.ask(StopSession(ids["b"]), Withdraw("c", 0))
    assert stopped.session
    assert (stopped.session.state, stopped.session.delivered_j) == (SessionState.STOPPED, given_j)
    assert withdrawn.outcome is SubstationOutcome.WITHDRAWN
    assert desk.ledger.sessions.owed_w == 22_000
    base_load(desk, 0, looks_s=(1, DEAD_BAND_S))
    assert states(desk) == {"a": "charging", "b": "stopped", "c": "withdrawn", "d": "charging"}


def test_a_pause_is_in_the_journal_and_goes_on_after_a_restart(desk: Desk) -> None:
    base_load(desk, 11_001)
    desk.pass_time(5000)  # longer than their plans
    desk.ask(Drain(on=False))  # so that the journal knows the time
    desk.journal.close()
    desk.start()
    assert paused(desk) == "cd"
    assert states(desk)["a"] == SessionState.COMPLETED
    base_load(desk, 0, looks_s=(1, DEAD_BAND_S))
    assert paused(desk) == ""
    desk.pass_time(2000)
    assert session(desk, "d").delivered_j == 11_000 * 1000


def test_a_session_that_is_paused_for_weeks_is_not_dropped_from_the_journal(desk: Desk) -> None:
    base_load(desk, 1)
    desk.pass_time(30 * 24 * 3600)
    for _ in range(3):
        desk.commit([Request(Prune())])
    assert states(desk) == {"d": "paused"}


def test_a_pause_that_the_disk_does_not_take_is_undone_and_tried_again(desk: Desk) -> None:
    desk.fill_the_disk()
    with desk.quota_used_up():
        base_load(desk, 11_001)
    assert desk.writer.published.full
    assert paused(desk) == ""
    assert desk.ledger.load_w == CAPACITY_W
    desk.make_room()
    base_load(desk, 11_001)
    assert paused(desk) == "cd"


def test_paused_sessions_of_a_draining_substation_resume(desk: Desk) -> None:
    base_load(desk, 1)
    desk.ask(Drain(on=True))
    base_load(desk, 0, looks_s=(0, DEAD_BAND_S))
    assert paused(desk) == ""


def test_a_lowered_limit_pauses_nobody_and_what_the_base_load_rises_above_that_does(desk: Desk) -> None:
    desk.ask(StopSession(session(desk, "d").session_id))
    base_load(desk, 5_000)
    desk.ask(Derate(20_000))
    base_load(desk, 5_000)
    assert paused(desk) == "", "38 kW are held"
    base_load(desk, 4_000)
    base_load(desk, 5_000)
    assert paused(desk) == "", "a dip of the base load takes nothing from what is held"
    base_load(desk, 5_001)
    assert paused(desk) == "c"
    for base_w in range(5_001, 16_001, 1_000):
        base_load(desk, base_w)
        assert paused(desk) == "c", "one car makes room for 11 kW"
    base_load(desk, 16_001)
    assert paused(desk) == "bc"
    desk.ask(StopSession(session(desk, "c").session_id))
    base_load(desk, 16_001)
    assert paused(desk) == "ab", "what has gone is not held any more"


def test_overload_is_counted_by_its_cause(desk: Desk) -> None:
    base_load(desk, 0)
    desk.transformer.watts = 4_000
    desk.pass_time(2)  # as if it had risen evenly
    desk.follow()
    usage = desk.writer.published.curve.usage
    assert (usage.base_load_wms, usage.derating_wms, usage.admission_wms) == (2_000 * 2000, 0, 0)
    desk.pass_time(10)
    desk.follow()
    assert desk.writer.published.curve.usage.base_load_wms == 2_000 * 2000
    desk.ask(Derate(30_000))
    desk.pass_time(3)
    usage = desk.writer.published.curve.usage_at(desk.now_ms)
    assert (usage.base_load_wms, usage.derating_wms) == (2_000 * 2000, 7_000 * 3000)


def test_a_rise_is_an_overload_only_until_a_car_leaves_its_room(tmp_path: Path) -> None:
    """One of four cars leaves after two of the three seconds, in whose middle the base load has risen by a third."""
    desk = Desk(tmp_path / "journal.sqlite", CAPACITY_W)
    desk.ask(place("short", seconds=2), *(place(key) for key in "abc"))
    desk.pass_time(3)
    desk.transformer.watts = 11_000
    desk.follow()
    assert desk.writer.published.curve.usage.base_load_wms == 11_000 // 3 * 2000
    assert paused(desk) == ""
    desk.stop()


def test_no_total_falls_below_what_a_scrape_has_shown(desk: Desk) -> None:
    base_load(desk, 5_000)
    desk.ask(Derate(20_000))
    desk.pass_time(0.4)
    shown = desk.writer.published.curve.usage_at(desk.now_ms)
    base_load(desk, 0)
    assert desk.writer.published.curve.usage.derating_wms >= shown.derating_wms > 0
