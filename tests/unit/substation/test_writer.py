"""The writer over a real journal: every answer is on the disk first, and a failed commit leaves no trace."""

import dataclasses
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime.store import StoreUnusable
from substation.clock import ClockReading
from substation.contract import (
    MOST_LISTED,
    Derate,
    Drain,
    FindSession,
    ListSessions,
    SessionState,
    StopSession,
    SubstationAnswer,
    SubstationOutcome,
    Withdraw,
)
from substation.curve import Usage
from substation.journal import Journal
from substation.pruning import KEEP_MS, MOST_PRUNED
from substation.schema import STATE_IS_VALID
from substation.tasks import Backup, Compare, Probe, Prune
from substation.writer import Request
from tests.support.desk import SUBSTATION, Desk
from tests.support.sessions import place

CAPACITY_W = 33_000
BULKY = "x" * 100_000  # does not fit into the free space of a page


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path / "journal.sqlite", CAPACITY_W, scale=10.0)
    yield made
    made.stop()


def restart(desk: Desk) -> None:
    desk.stop()
    desk.start()


def page(desk: Desk, after: int = 0, limit: int = 100, vehicle_id: str = "") -> SubstationAnswer:
    (found,) = desk.ask(ListSessions(after, limit, vehicle_id))
    assert found.outcome is SubstationOutcome.FOUND
    return found


def test_a_session_charges_on_while_the_process_is_down(desk: Desk) -> None:
    (placed,) = desk.ask(place("a", seconds=100))
    assert placed.session
    desk.stop()
    desk.pass_time(4)  # 40 s of grid time
    desk.start()
    (found,) = desk.ask(FindSession(placed.session.session_id))
    assert found.session
    assert (found.session.state, found.session.delivered_j) == (SessionState.CHARGING, 11_000 * 40)
    assert desk.writer.published.curve.load_at(desk.now_ms) == 11_000


def test_a_session_that_ended_while_the_process_was_down_is_completed_and_freed(desk: Desk) -> None:
    (placed,) = desk.ask(place("a", seconds=100))
    assert placed.session
    desk.stop()
    desk.pass_time(11)
    desk.start()
    (found,) = desk.ask(FindSession(placed.session.session_id))
    assert found.session
    assert (found.session.state, found.session.delivered_j) == (SessionState.COMPLETED, 1_100_000)
    assert desk.writer.published.curve.load_at(desk.now_ms) == 0
    assert desk.writer.published.curve.usage.ended_j == 11_000 * 100


def test_an_expected_end_is_wall_time(desk: Desk) -> None:
    (placed,) = desk.ask(place("a", seconds=100))
    assert placed.session
    assert placed.session.expected_end_unix_ms - placed.session.started_unix_ms == 10_000


def test_commands_of_one_batch_see_each_other(desk: Desk) -> None:
    answers = desk.ask(place("a"), place("a"), Withdraw("a", 0), place("a"), place("b"))
    assert [a.outcome for a in answers] == ["placed", "placed", "withdrawn", "refused", "placed"]
    assert answers[0].session == answers[1].session
    assert desk.ledger.load_w == 11_000


def test_what_nobody_waits_for_any_more_decides_nothing(desk: Desk) -> None:
    late = desk.monotonic_s - 0.001
    batch = [Request(place("a"), late), Request(Withdraw("b", 0), late), Request(place("c"), late + 1)]
    answers = desk.commit(batch)
    assert [a.outcome for a in answers] == ["unavailable", "unavailable", "placed"]
    assert desk.journal.by_key("a") is None
    assert desk.journal.by_key("b") is None


def test_a_substation_serves_the_first_order_book_that_placed_on_it_and_no_other(desk: Desk) -> None:
    desk.ask(place("a"))
    other = dataclasses.replace(place("b"), book_id="book-b")
    assert desk.ask(other)[0].outcome is SubstationOutcome.WRONG_BOOK
    restart(desk)
    assert desk.ask(other)[0].outcome is SubstationOutcome.WRONG_BOOK
    assert desk.journal.by_key("b") is None
    assert desk.ask(place("b"))[0].outcome is SubstationOutcome.PLACED


def test_a_commit_that_finds_no_room_leaves_no_trace(desk: Desk) -> None:
    (kept,) = desk.ask(place("kept"))
    assert kept.session
    before = desk.ledger.curve()
    desk.fill_the_disk()
    bulky = dataclasses.replace(place("bulky"), vehicle_id=BULKY)
    answers = desk.ask(
        place("small"),
        StopSession(kept.session.session_id),
        bulky,
        FindSession(kept.session.session_id),
        FindSession("nobody"),
    )
    assert [a.outcome for a in answers] == ["unavailable"] * 3 + ["found", "not_found"]
    assert desk.writer.published.full
    assert desk.ledger.curve() == before
    assert desk.journal.by_key("small") is None
    restart(desk)
    assert desk.ledger.curve() == before


def test_a_full_disk_keeps_nobody_from_starting_and_reading(desk: Desk) -> None:
    (kept,) = desk.ask(place("kept"))
    assert kept.session
    desk.stop()
    desk.pass_time(1)
    desk.start()
    desk.fill_the_disk()
    bulky = dataclasses.replace(place("bulky"), vehicle_id=BULKY)
    assert [a.outcome for a in desk.ask(bulky, FindSession(kept.session.session_id))] == [
        "unavailable",
        "found",
    ]
    assert desk.journal.epoch > desk.journal.station().epoch  # it is on the disk with the first commit
    desk.make_room()
    desk.commit([Request(Probe())])
    assert desk.journal.epoch == desk.journal.station().epoch


def spoil(desk: Desk, table: str = "record") -> None:
    """Overwrite a page of the journal below SQLite, which then reads it again."""
    store = desk.journal._store
    store.rows("PRAGMA wal_checkpoint(TRUNCATE)")
    root = store.rows("SELECT rootpage FROM sqlite_schema WHERE name = ?", (table,))[0][0]
    size = store.rows("PRAGMA page_size")[0][0]
    with desk.path.open("r+b") as file:
        file.seek((root - 1) * size)
        file.write(b"\xa5" * size)
    store.rows("PRAGMA shrink_memory")


def test_a_page_that_can_t_be_read_stops_admissions_and_not_the_process(desk: Desk) -> None:
    (kept,) = desk.ask(place("kept"))
    assert kept.session
    spoil(desk)
    before = desk.ledger.curve()
    answers = desk.ask(place("a"), FindSession(kept.session.session_id), StopSession(kept.session.session_id))
    assert [a.outcome for a in answers] == ["unavailable"] * 3
    assert desk.writer.published.damaged
    assert desk.ledger.curve() == before  # what is in memory goes on
    assert [a.outcome for a in desk.commit([Request(Probe())])] == ["unavailable"]


def test_a_damaged_page_is_found_at_the_start_and_the_files_are_kept(desk: Desk) -> None:
    desk.ask(place("a"))
    spoil(desk, "by_vehicle")
    desk.stop()
    spoiled = desk.path.read_bytes()
    for _ in range(2):  # who starts it again and again fills no disk with copies
        with pytest.raises(StoreUnusable, match=r"journal\.sqlite is damaged: .*are in .*-damaged"):
            desk.start()
    (folder,) = desk.path.parent.glob("*-damaged")
    assert (folder / desk.path.name).read_bytes() == spoiled


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every journal counts as a large one."""
    monkeypatch.setattr("runtime.store.QUICK_ABOVE_BYTES", 0)
    monkeypatch.setattr("substation.tasks.MOST_COMPARED", 2)


def flip(desk: Desk, table: str, text: str, spoiled: str) -> None:
    """Change a text on the first page of a table or index alone, as flipped bits on the disk would."""
    store = desk.journal._store
    store.rows("PRAGMA wal_checkpoint(TRUNCATE)")
    root = store.rows("SELECT rootpage FROM sqlite_schema WHERE name = ?", (table,))[0][0]
    size = store.rows("PRAGMA page_size")[0][0]
    whole = desk.path.read_bytes()
    page = whole[(root - 1) * size : root * size]
    assert page.count(text.encode()) == 1
    page = page.replace(text.encode(), spoiled.encode())
    desk.path.write_bytes(whole[: (root - 1) * size] + page + whole[root * size :])


@pytest.mark.usefixtures("large")
@pytest.mark.parametrize("table", ["station", "record", "open_until", "by_vehicle"])
def test_a_damaged_page_of_a_large_journal_is_found_at_the_start_too(desk: Desk, table: str) -> None:
    desk.ask(place("a"))
    spoil(desk, table)
    desk.stop()
    spoiled = desk.path.read_bytes()
    with pytest.raises(StoreUnusable, match=r"(?s)journal\.sqlite is damaged: .*are in .*-damaged"):
        desk.start()
    (folder,) = desk.path.parent.glob("*-damaged")
    assert (folder / desk.path.name).read_bytes() == spoiled


@pytest.mark.usefixtures("large")
@pytest.mark.parametrize(
    ("state", "spoiled", "named"),
    [
        ("stopped", "stoppee", "1 rows of record are not as its CHECK constraint demands"),
        ("charging", "charginh", "the index open_until has 1 entries for 0 rows"),
    ],
)
def test_a_damaged_state_in_a_large_journal_is_found_at_the_start(
    desk: Desk, state: str, spoiled: str, named: str
) -> None:
    (placed,) = desk.ask(place("a"))
    assert placed.session
    if state == "stopped":
        desk.ask(StopSession(placed.session.session_id))
    flip(desk, "record", state, spoiled)
    desk.stop()
    with pytest.raises(StoreUnusable, match=f"{named}.*are in .*-damaged"):
        desk.start()


def test_every_state_is_valid_in_a_large_journal_and_no_other() -> None:
    db = sqlite3.connect(":memory:")
    for state in (*SessionState, "", "open"):
        (valid,) = db.execute(f"SELECT {STATE_IS_VALID} FROM (SELECT ? AS state)", (state,)).fetchone()
        assert bool(valid) == (state in set(SessionState) - {SessionState.COMPLETED})


@pytest.mark.usefixtures("large")
def test_a_key_that_the_index_of_a_large_journal_hides_is_found_after_the_start(desk: Desk) -> None:
    desk.ask(*(place(f"key-{number}", power_w=1) for number in range(5)))
    flip(desk, "sqlite_autoindex_record_1", "key-4", "key-~")
    desk.stop()
    desk.start()
    assert not desk.journal.check.indexes.done
    found = [desk.commit([Request(Compare())])[0].outcome for _ in range(3)]
    assert found == [SubstationOutcome.DONE, SubstationOutcome.DONE, SubstationOutcome.UNAVAILABLE]
    assert desk.writer.published.damaged


@pytest.mark.usefixtures("large")
def test_a_sound_large_journal_is_compared_to_its_end(desk: Desk) -> None:
    desk.ask(*(place(f"key-{number}", power_w=1) for number in range(5)))
    restart(desk)
    while not desk.journal.check.indexes.done:
        assert desk.commit([Request(Compare())])[0].outcome is SubstationOutcome.DONE
    assert not desk.writer.published.damaged


def lose_the_end(desk: Desk) -> bytes:
    """Spoil 64 bytes in the middle of the -wal, as it is after a kill; returns the -wal."""
    wal = desk.path.with_name(f"{desk.path.name}-wal")
    whole = wal.read_bytes()
    at = len(whole) // 2
    killed = {path: path.read_bytes() for path in (desk.path, desk.count)}
    desk.stop()
    for path, content in killed.items():
        path.write_bytes(content)
    spoiled = whole[:at] + b"\xa5" * 64 + whole[at + 64 :]
    wal.write_bytes(spoiled)
    return spoiled


def test_commits_that_a_damaged_wal_lost_are_counted_and_its_files_are_kept(desk: Desk) -> None:
    for number in range(20):
        desk.ask(place(f"key-{number}", power_w=100))
    spoiled = lose_the_end(desk)
    with pytest.raises(StoreUnusable, match=r"[0-9]+ of 20 commits that were answered are not there"):
        desk.start()
    (folder,) = desk.path.parent.glob("*-lacks-*")
    assert (folder / f"{desk.path.name}-wal").read_bytes() == spoiled
    with pytest.raises(StoreUnusable, match="of 20 commits"):
        desk.start()  # what the first look has merged is still too little


def test_an_explicit_choice_goes_on_without_the_lost_commits_and_is_asked_for_once(desk: Desk) -> None:
    for number in range(20):
        desk.ask(place(f"key-{number}", power_w=100))
    lose_the_end(desk)
    desk.accept_loss = True
    desk.start()
    left = desk.journal.station().commits
    assert 0 < left < 20
    assert desk.ledger.load_w == left * 100
    desk.accept_loss = False
    restart(desk)
    assert desk.ask(place("new"))[0].outcome is SubstationOutcome.PLACED


@pytest.mark.parametrize("how", ["gone", "empty", "another"])
def test_a_journal_that_was_taken_away_is_missed(desk: Desk, how: str, tmp_path: Path) -> None:
    desk.ask(place("a"))
    desk.stop()
    desk.path.unlink()
    if how == "empty":
        desk.path.touch()
    if how == "another":
        other = Desk(tmp_path / "other" / "journal.sqlite", CAPACITY_W)
        other.stop()
        shutil.copy(other.path, desk.path)
    with pytest.raises(StoreUnusable, match="1 of 1 commits that were answered are not there"):
        desk.start()
    desk.accept_loss = True
    desk.start()
    assert desk.ask(place("a"))[0].outcome is SubstationOutcome.PLACED


def test_a_journal_without_a_note_starts_and_gets_one(desk: Desk) -> None:
    desk.ask(place("a"))
    desk.stop()
    desk.count.unlink()
    desk.start()
    assert desk.count.read_text().endswith(" 00000000000000000001\n")


def test_an_undone_commit_is_not_counted(desk: Desk) -> None:
    desk.ask(place("a"))
    desk.fill_the_disk()
    desk.ask(dataclasses.replace(place("bulky"), vehicle_id=BULKY))
    desk.make_room()
    assert desk.count.read_text().endswith(" 00000000000000000001\n")
    desk.ask(place("b"))
    restart(desk)
    assert desk.journal.station().commits == 2


def test_a_read_after_an_undone_commit_does_not_count_it(desk: Desk) -> None:
    desk.ask(place("a"))
    with desk.quota_used_up():
        assert desk.ask(place("b"))[0].outcome is SubstationOutcome.UNAVAILABLE
        page(desk)  # a transaction that writes nothing
    assert desk.count.read_text().endswith(" 00000000000000000001\n")
    restart(desk)
    assert desk.journal.station().commits == 1


def test_a_new_time_scale_counts_from_the_start_on(desk: Desk) -> None:
    (placed,) = desk.ask(place("a", seconds=1000))
    assert placed.session
    desk.stop()
    desk.pass_time(4)  # at 10 grid seconds each
    desk.scale = 1.0
    desk.start()
    desk.commit([Request(Probe())])
    desk.pass_time(5)
    desk.stop()
    desk.scale = 100.0
    desk.start()
    (found,) = desk.ask(FindSession(placed.session.session_id))
    assert found.session
    assert found.session.delivered_j == 11_000 * (4 * 10 + 5 * 1)


def test_a_book_is_not_bound_by_a_commit_that_failed(desk: Desk) -> None:
    desk.fill_the_disk()
    bulky = dataclasses.replace(place("bulky"), vehicle_id=BULKY, book_id="book-b")
    assert desk.ask(bulky)[0].outcome is SubstationOutcome.UNAVAILABLE
    desk.make_room()
    assert desk.ask(place("a"))[0].outcome is SubstationOutcome.PLACED


def test_a_probe_that_is_written_ends_the_full_state(desk: Desk) -> None:
    desk.fill_the_disk()
    desk.ask(dataclasses.replace(place("bulky"), vehicle_id=BULKY))
    desk.make_room()
    desk.ask(FindSession("nobody"))
    assert desk.writer.published.full
    desk.writer.commit([Request(Probe())])
    assert not desk.writer.published.full


def test_pages_hold_every_session_once_in_the_order_of_admission(desk: Desk) -> None:
    for key in "abcdefg":
        desk.ask(place(key, power_w=1000))
    seen: list[str] = []
    part = page(desk, 0, 3)
    seen += [session.vehicle_id for session in part.sessions]
    while part.next_after:
        part = page(desk, part.next_after, 3)
        seen += [session.vehicle_id for session in part.sessions]
    assert seen == [f"car-{key}" for key in "abcdefg"]


def test_a_key_that_was_refused_before_is_paged_where_it_was_admitted(desk: Desk) -> None:
    """Who reads on from the last number would not see it at the place of its tombstone."""
    (full,) = desk.ask(place("full", power_w=CAPACITY_W))
    assert full.session
    desk.ask(place("late"))
    desk.ask(StopSession(full.session.session_id), place("early"))
    desk.ask(place("late", attempt=1))
    assert [s.vehicle_id for s in page(desk).sessions] == ["car-full", "car-early", "car-late"]


def test_ending_a_session_does_not_move_it_to_another_page(desk: Desk) -> None:
    placed = desk.ask(place("a"), place("b"))
    assert placed[0].session
    desk.ask(StopSession(placed[0].session.session_id))
    assert [s.vehicle_id for s in page(desk).sessions] == ["car-a", "car-b"]


def test_every_start_has_a_higher_epoch_even_when_the_wall_clock_was_set_back(desk: Desk) -> None:
    desk.commit([Request(Probe())])  # the first of every start
    first, first_epoch = desk.journal.station(), desk.journal.epoch
    desk.unix_s -= 80_000
    restart(desk)
    assert desk.journal.epoch == first_epoch + 1
    assert desk.journal.station().journal_id == first.journal_id


def test_a_journal_of_another_substation_is_refused(desk: Desk, tmp_path: Path) -> None:
    desk.stop()
    with pytest.raises(StoreUnusable, match="belongs to substation-1, not to substation-2"):
        Journal(tmp_path / "journal.sqlite", "substation-2", 0)
    desk.start()
    assert desk.journal.station().substation_id == SUBSTATION


def test_totals_that_outgrow_the_journal_s_integers_do_not_end_the_process(desk: Desk) -> None:
    """At 1 GW, 64 bits of watt-milliseconds last for 106 days; a counter may then start again."""
    totals = Usage(2**63 - 1000, 2**63 - 1000, 2**63 - 1000, 0, 2**63 - 1000)
    with desk.journal.transaction():
        desk.journal.stamp(ClockReading(0, int(desk.unix_s * 1000), desk.scale), totals, 0)
    restart(desk)
    (placed,) = desk.ask(place("a"))
    assert placed.session
    desk.pass_time(1)
    assert [a.outcome for a in desk.ask(StopSession(placed.session.session_id), place("b"))] == [
        "stopped",
        "placed",
    ]
    restart(desk)
    assert 0 <= desk.journal.station().usage.ended_j < 2**63


@pytest.mark.parametrize("limit", [-(2**31), -1, 0, 1])
def test_a_page_of_no_or_of_minus_so_many_sessions_has_one(desk: Desk, limit: int) -> None:
    desk.ask(place("a", power_w=1000), place("b", power_w=1000))
    first = page(desk, 0, limit)
    assert [s.vehicle_id for s in first.sessions] == ["car-a"]
    assert [s.vehicle_id for s in page(desk, first.next_after, limit).sessions] == ["car-b"]


def test_a_page_of_nothing_is_empty_and_the_last(desk: Desk) -> None:
    for limit in (0, 1, 2**31 - 1):
        assert (
            page(desk, 2**63 - 1, limit) == page(desk, 0, limit) == SubstationAnswer(SubstationOutcome.FOUND)
        )


def test_a_huge_page_has_as_many_sessions_as_are_allowed(desk: Desk) -> None:
    desk.ask(*(place(f"key-{number}", power_w=1) for number in range(MOST_LISTED + 1)))
    first = page(desk, -(2**63), 2**31 - 1)
    assert len(first.sessions) == MOST_LISTED
    assert len(page(desk, first.next_after, 2**31 - 1).sessions) == 1


def test_a_vehicle_s_sessions_are_paged_without_those_of_others(desk: Desk) -> None:
    for number in range(9):
        wish = dataclasses.replace(place(f"key-{number}", power_w=1), vehicle_id=f"EV-{number % 3}")
        desk.ask(wish)
    seen: list[str] = []
    part = page(desk, 0, 2, "EV-1")
    seen += [s.session_id for s in part.sessions]
    while part.next_after:
        part = page(desk, part.next_after, 2, "EV-1")
        seen += [s.session_id for s in part.sessions]
    assert seen == [s.session_id for s in page(desk).sessions if s.vehicle_id == "EV-1"]
    assert len(seen) == 3
    assert (
        page(desk, 0, 10, "EV")
        == page(desk, 0, 10, "EV-1' OR 1")
        == SubstationAnswer(SubstationOutcome.FOUND)
    )


def test_the_operator_s_orders_survive_a_restart(desk: Desk) -> None:
    assert [a.outcome for a in desk.ask(Drain(on=True), Derate(22_000))] == ["done", "done"]
    restart(desk)
    assert desk.writer.published.draining
    assert desk.writer.published.curve.capacity_w == 22_000
    assert desk.ask(place("a"))[0].outcome is SubstationOutcome.REFUSED
    assert [a.outcome for a in desk.ask(Drain(on=False), place("b", power_w=22_001))] == ["done", "refused"]
    restart(desk)
    assert not desk.writer.published.draining
    assert desk.ask(place("c", power_w=22_000))[0].outcome is SubstationOutcome.PLACED
    assert desk.ask(Derate(0))[0].outcome is SubstationOutcome.DONE
    restart(desk)
    assert desk.writer.published.curve.capacity_w == CAPACITY_W


@pytest.mark.parametrize("limit_w", [-1, CAPACITY_W + 1, 2**63 - 1, -(2**63)])
def test_a_limit_that_is_none_or_above_the_rating_changes_nothing(desk: Desk, limit_w: int) -> None:
    desk.ask(Derate(20_000))
    assert desk.ask(Derate(limit_w)) == [SubstationAnswer(SubstationOutcome.INVALID)]
    assert desk.writer.published.curve.capacity_w == desk.journal.station().limit_w == 20_000


def test_derating_below_the_load_cuts_nobody_off_and_counts_as_derating(desk: Desk) -> None:
    placed = desk.ask(place("a", power_w=30_000, seconds=100))[0]
    assert placed.session
    desk.ask(Derate(10_000))
    desk.pass_time(5)  # 50 s of grid time
    found, refused = desk.ask(FindSession(placed.session.session_id), place("b", power_w=1))
    assert found.session
    assert (found.session.state, refused.outcome) == (SessionState.CHARGING, SubstationOutcome.REFUSED)
    usage = desk.writer.published.curve.usage
    assert (usage.derating_wms, usage.admission_wms) == (20_000 * 50_000, 0)
    restart(desk)
    desk.pass_time(5)
    assert desk.writer.published.curve.usage_at(desk.now_ms).derating_wms == 20_000 * 100_000


def test_a_start_with_a_lower_rating_takes_the_lower_of_rating_and_limit(desk: Desk) -> None:
    """The operator's limit is kept: a later start with the old rating has it again."""
    desk.ask(place("a", power_w=30_000, seconds=1000), Derate(25_000))
    for rated_w, in_force_w in ((20_000, 20_000), (24_000, 24_000), (CAPACITY_W, 25_000), (99_000, 25_000)):
        desk.stop()
        desk.capacity_w = rated_w
        desk.start()
        assert desk.writer.published.curve.capacity_w == in_force_w
        assert desk.ledger.load_w == 30_000
        assert desk.ask(place(f"at-{rated_w}", power_w=1))[0].outcome is SubstationOutcome.REFUSED
        assert desk.writer.published.curve.usage_at(desk.now_ms).admission_wms == 0
    assert desk.ask(Derate(0), place("b", power_w=69_000))[1].outcome is SubstationOutcome.PLACED


def test_a_limit_that_was_kept_above_a_lower_rating_can_be_set_anew_within_it(desk: Desk) -> None:
    desk.ask(Derate(25_000))
    desk.stop()
    desk.capacity_w = 20_000
    desk.start()
    assert desk.ask(Derate(25_000))[0].outcome is SubstationOutcome.INVALID
    assert (
        desk.ask(Drain(on=True), Drain(on=False))[1].outcome is SubstationOutcome.DONE
    )  # the limit is not touched
    assert desk.journal.station().limit_w == 25_000
    assert desk.ask(Derate(15_000))[0].outcome is SubstationOutcome.DONE
    assert desk.writer.published.curve.capacity_w == 15_000


def test_orders_of_a_commit_that_finds_no_room_are_not_in_force(desk: Desk) -> None:
    desk.fill_the_disk()
    answers = desk.ask(Drain(on=True), Derate(20_000), Withdraw(BULKY, 0))
    assert {a.outcome for a in answers} == {SubstationOutcome.UNAVAILABLE}
    assert not desk.writer.published.draining
    assert desk.writer.published.curve.capacity_w == CAPACITY_W
    desk.make_room()
    restart(desk)
    assert not desk.writer.published.draining
    assert desk.ask(place("a"))[0].outcome is SubstationOutcome.PLACED


def test_an_order_that_nobody_waits_for_any_more_is_not_given(desk: Desk) -> None:
    late = desk.monotonic_s - 0.001
    answers = desk.commit([Request(Drain(on=True), late), Request(Derate(1000), late)])
    assert {a.outcome for a in answers} == {SubstationOutcome.UNAVAILABLE}
    assert not desk.writer.published.draining


KEPT_S = KEEP_MS / 1000


def prune(desk: Desk) -> None:
    assert desk.writer.commit([Request(Prune())]) == [SubstationAnswer(SubstationOutcome.DONE)]


def known(desk: Desk, *keys: str) -> list[str]:
    return [key for key in keys if desk.journal.by_key(key)]


def test_records_are_dropped_three_days_after_their_planned_end_or_writing(desk: Desk) -> None:
    day_s = 24 * 3600
    short, long = desk.ask(place("short", seconds=1000), place("long", power_w=1, seconds=20 * day_s))
    assert short.session
    assert long.session  # both end early; what counts is when they would have ended: in 100 s, in 2 days
    desk.ask(StopSession(short.session.session_id), Withdraw("long", 0), Withdraw("tombstone", 3))
    desk.ask(place("refused", power_w=CAPACITY_W + 1))
    every = ("short", "long", "tombstone", "refused")
    desk.pass_time(KEPT_S)
    desk.ask(place("newest"))
    prune(desk)
    assert known(desk, *every) == list(every)
    desk.pass_time(0.001)
    prune(desk)
    assert known(desk, *every) == ["short", "long"]
    desk.pass_time(100)
    prune(desk)
    assert known(desk, *every) == ["long"]
    desk.pass_time(2 * day_s - 100)
    prune(desk)
    assert known(desk, *every, "newest") == ["newest"]


def test_a_tombstone_that_is_written_anew_is_kept_from_then_on(desk: Desk) -> None:
    desk.ask(Withdraw("a", 0), place("other"))
    desk.pass_time(KEPT_S)
    desk.ask(Withdraw("a", 1))
    desk.pass_time(1)
    prune(desk)
    assert known(desk, "a") == ["a"]


def test_a_key_that_was_dropped_is_a_new_key(desk: Desk) -> None:
    first = desk.ask(place("a", seconds=10))[0]
    desk.ask(Withdraw("gone", 7), place("newest", seconds=10))
    desk.pass_time(KEPT_S + 10)
    prune(desk)
    again, gone = desk.ask(place("a", seconds=10), place("gone", attempt=0))
    assert again.outcome is gone.outcome is SubstationOutcome.PLACED
    assert first.session
    assert again.session
    assert again.session.session_id != first.session.session_id
    assert desk.ask(FindSession(first.session.session_id))[0].outcome is SubstationOutcome.NOT_FOUND


def test_one_commit_drops_a_bounded_number_and_the_oldest_first(desk: Desk) -> None:
    for half in range(2):
        desk.ask(*(Withdraw(f"key-{half}-{number}", 0) for number in range(MOST_PRUNED)))
        desk.pass_time(1)
    desk.ask(place("newest"))
    desk.pass_time(KEPT_S)
    prune(desk)
    assert desk.writer.tasks.more_to_prune
    assert not known(desk, *(f"key-0-{number}" for number in range(MOST_PRUNED)))
    assert len(known(desk, *(f"key-1-{number}" for number in range(MOST_PRUNED)))) == MOST_PRUNED
    prune(desk)
    assert not known(desk, *(f"key-1-{number}" for number in range(MOST_PRUNED)))
    prune(desk)
    assert not desk.writer.tasks.more_to_prune


def test_a_full_disk_is_not_asked_again_and_again_to_drop_records(desk: Desk) -> None:
    desk.ask(*(Withdraw(f"key-{number}", 0) for number in range(MOST_PRUNED)))
    desk.ask(place("newest"))
    desk.pass_time(2 * KEPT_S)
    with desk.quota_used_up():
        assert desk.writer.commit([Request(Prune())]) == [SubstationAnswer(SubstationOutcome.UNAVAILABLE)]
        assert desk.writer.published.full
        assert not desk.writer.tasks.more_to_prune
    prune(desk)
    assert desk.writer.tasks.more_to_prune


def test_a_wall_clock_that_jumps_forward_drops_nothing_while_the_process_runs(desk: Desk) -> None:
    desk.ask(place("open"), Withdraw("tombstone", 0), place("short", seconds=1), place("newest"))
    desk.unix_s += 400 * 24 * 3600
    desk.pass_time(1)
    prune(desk)
    assert known(desk, "open", "tombstone", "short") == ["open", "tombstone", "short"]


def test_a_session_that_is_open_by_grid_time_is_never_dropped(desk: Desk) -> None:
    """Its planned end on the wall clock was computed with another time scale."""
    (opened,) = desk.ask(place("open", seconds=100))
    assert opened.session
    desk.stop()
    desk.scale = 0.000_001
    desk.start()
    desk.ask(Withdraw("newest", 0))
    desk.pass_time(2 * KEPT_S)
    prune(desk)
    assert known(desk, "open") == ["open"]
    assert desk.ask(FindSession(opened.session.session_id))[0].outcome is SubstationOutcome.FOUND
    assert (
        desk.ask(place("open", seconds=100))[0].session
        == desk.ask(FindSession(opened.session.session_id))[0].session
    )
    desk.ledger.check()


def test_a_number_that_was_given_is_not_given_again_after_all_were_dropped(desk: Desk) -> None:
    """Else who pages on from the last one that it saw would miss what came after."""
    desk.ask(place("a", seconds=1), place("b", seconds=1))
    read_up_to = page(desk, 0, 2).next_after
    desk.pass_time(2 * KEPT_S)
    prune(desk)
    desk.ask(place("c"))
    assert [s.vehicle_id for s in page(desk, read_up_to).sessions] == ["car-c"]


def test_dropping_changes_neither_load_nor_energy(desk: Desk) -> None:
    desk.ask(place("a", seconds=10), place("b", seconds=10))
    desk.pass_time(KEPT_S + 100)
    before = desk.writer.published.curve.delivered_at(desk.now_ms)
    prune(desk)
    assert desk.writer.published.curve.delivered_at(desk.now_ms) == before == 2 * 11_000 * 10
    restart(desk)
    assert desk.writer.published.curve.delivered_at(desk.now_ms) == before


def test_a_copy_holds_what_was_committed_before_and_in_its_own_batch(desk: Desk, tmp_path: Path) -> None:
    desk.ask(place("before"))
    copy = tmp_path / "backups" / "copy.sqlite"
    answers = desk.commit([Request(place("beside")), Request(Backup(copy)), Request(Withdraw("after", 0))])
    assert [a.outcome for a in answers] == ["placed", "done", "withdrawn"]
    desk.ask(place("later"))
    found = Journal(copy, SUBSTATION, 0)
    assert [key for key in ("before", "beside", "after", "later") if found.by_key(key)] == [
        "before",
        "beside",
        "after",
    ]
    assert found.station().journal_id == desk.journal.station().journal_id
    found.close()


def test_a_copy_that_was_left_unfinished_is_replaced(desk: Desk, tmp_path: Path) -> None:
    copy = tmp_path / "copy.sqlite"
    copy.write_bytes(b"half of a copy" * 1000)
    assert desk.commit([Request(Backup(copy))])[0].outcome is SubstationOutcome.DONE
    Journal(copy, SUBSTATION, 0).close()


def test_a_copy_that_fails_undoes_nothing_of_its_batch(desk: Desk, tmp_path: Path) -> None:
    blocked = tmp_path / "a file"
    blocked.touch()
    for path in (blocked / "copy.sqlite", tmp_path):
        key = f"beside {path.name}"
        answers = desk.commit([Request(place(key, power_w=1000)), Request(Backup(path))])
        assert [a.outcome for a in answers] == ["placed", "invalid"]
        assert desk.journal.by_key(key)
    assert desk.ledger.load_w == 2000
    assert not desk.writer.published.full
    restart(desk)
    assert desk.ledger.load_w == 2000


def test_an_order_that_was_undone_does_not_come_back_with_the_next_one(desk: Desk) -> None:
    """Drain is written with the limit that is in force, not with one that a failed commit had set."""
    desk.fill_the_disk()
    desk.ask(Derate(20_000), dataclasses.replace(place("bulky"), vehicle_id=BULKY))
    assert desk.writer.published.full
    desk.make_room()
    desk.ask(Drain(on=False))
    restart(desk)
    assert desk.writer.published.curve.capacity_w == CAPACITY_W


def test_ids_of_sessions_rise_over_a_restart_at_which_the_clock_was_set_back(desk: Desk) -> None:
    first, second = desk.ask(place("a", power_w=100), place("b", power_w=100))
    desk.unix_s -= 3600
    restart(desk)
    (third,) = desk.ask(place("c", power_w=100))
    restart(desk)  # now the last commit was earlier than the first two
    (fourth,) = desk.ask(place("d", power_w=100))
    ids = [answer.session.session_id for answer in (first, second, third, fourth) if answer.session]
    assert len(ids) == 4
    assert ids == sorted(ids)
