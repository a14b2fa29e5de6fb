"""The writer over a real journal: what is answered is on the disk, what failed left no trace."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime.store import StoreUnusable
from substation.contract import Answer, Find, Outcome, Page, State, Stop, Withdraw
from substation.curve import Usage
from substation.journal import Journal
from substation.writer import Probe, Request
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


def page(desk: Desk, after: int = 0, limit: int = 100, vehicle_id: str = "") -> Answer:
    (found,) = desk.ask(Page(after, limit, vehicle_id))
    assert found.outcome is Outcome.FOUND
    return found


def test_a_session_charges_on_while_the_process_is_down(desk: Desk) -> None:
    (placed,) = desk.ask(place("a", seconds=100))
    assert placed.session
    desk.stop()
    desk.pass_time(4)  # 40 s of grid time
    desk.start()
    (found,) = desk.ask(Find(placed.session.session_id))
    assert found.session
    assert (found.session.state, found.session.delivered_j) == (State.CHARGING, 11_000 * 40)
    assert desk.writer.published.curve.load_at(desk.now_ms) == 11_000


def test_a_session_that_ended_while_the_process_was_down_is_completed_and_freed(desk: Desk) -> None:
    (placed,) = desk.ask(place("a", seconds=100))
    assert placed.session
    desk.stop()
    desk.pass_time(11)
    desk.start()
    (found,) = desk.ask(Find(placed.session.session_id))
    assert found.session
    assert (found.session.state, found.session.delivered_j) == (State.COMPLETED, 1_100_000)
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
    assert desk.ask(other)[0].outcome is Outcome.WRONG_BOOK
    restart(desk)
    assert desk.ask(other)[0].outcome is Outcome.WRONG_BOOK
    assert desk.journal.by_key("b") is None
    assert desk.ask(place("b"))[0].outcome is Outcome.PLACED


def test_a_commit_that_finds_no_room_leaves_no_trace(desk: Desk) -> None:
    (kept,) = desk.ask(place("kept"))
    assert kept.session
    before = desk.ledger.curve()
    desk.fill_the_disk()
    bulky = dataclasses.replace(place("bulky"), vehicle_id=BULKY)
    answers = desk.ask(
        place("small"), Stop(kept.session.session_id), bulky, Find(kept.session.session_id), Find("nobody")
    )
    assert [a.outcome for a in answers] == ["unavailable"] * 3 + ["found", "not_found"]
    assert desk.writer.published.full
    assert desk.ledger.curve() == before
    assert desk.journal.by_key("small") is None
    restart(desk)
    assert desk.ledger.curve() == before


def test_a_book_is_not_bound_by_a_commit_that_failed(desk: Desk) -> None:
    desk.fill_the_disk()
    bulky = dataclasses.replace(place("bulky"), vehicle_id=BULKY, book_id="book-b")
    assert desk.ask(bulky)[0].outcome is Outcome.UNAVAILABLE
    desk.make_room()
    assert desk.ask(place("a"))[0].outcome is Outcome.PLACED


def test_a_probe_that_is_written_ends_the_full_state(desk: Desk) -> None:
    desk.fill_the_disk()
    desk.ask(dataclasses.replace(place("bulky"), vehicle_id=BULKY))
    desk.make_room()
    desk.ask(Find("nobody"))
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
    desk.ask(Stop(full.session.session_id), place("early"))
    desk.ask(place("late", attempt=1))
    assert [s.vehicle_id for s in page(desk).sessions] == ["car-full", "car-early", "car-late"]


def test_ending_a_session_does_not_move_it_to_another_page(desk: Desk) -> None:
    placed = desk.ask(place("a"), place("b"))
    assert placed[0].session
    desk.ask(Stop(placed[0].session.session_id))
    assert [s.vehicle_id for s in page(desk).sessions] == ["car-a", "car-b"]


def test_every_start_has_a_higher_epoch_even_when_the_wall_clock_was_set_back(desk: Desk) -> None:
    first = desk.journal.station()
    desk.unix_s -= 1_000_000
    restart(desk)
    second = desk.journal.station()
    assert second.epoch == first.epoch + 1
    assert second.journal_id == first.journal_id


def test_a_journal_of_another_substation_is_refused(desk: Desk, tmp_path: Path) -> None:
    desk.stop()
    with pytest.raises(StoreUnusable, match="belongs to substation-1, not to substation-2"):
        Journal(tmp_path / "journal.sqlite", "substation-2", 0)
    desk.start()
    assert desk.journal.station().substation_id == SUBSTATION


def test_totals_that_outgrow_the_journal_s_integers_do_not_end_the_process(desk: Desk) -> None:
    """At 1 GW, 64 bits of watt-milliseconds last for 106 days; a counter may then start again."""
    totals = Usage(2**63 - 1000, 2**63 - 1000, 2**63 - 1000)
    with desk.journal.transaction():
        desk.journal.stamp(0, int(desk.unix_s * 1000), totals)
    restart(desk)
    (placed,) = desk.ask(place("a"))
    assert placed.session
    desk.pass_time(1)
    assert [a.outcome for a in desk.ask(Stop(placed.session.session_id), place("b"))] == ["stopped", "placed"]
    restart(desk)
    assert 0 <= desk.journal.station().usage.ended_j < 2**63
