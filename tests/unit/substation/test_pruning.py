"""Old records are dropped in the order of numbers: whatever the order of their ends, and whatever stays among them."""

import contextlib
import dataclasses
from pathlib import Path

import pytest

from substation.contract import SessionState
from substation.journal import Journal
from substation.plan import Plan
from substation.pruning import KEEP_MS, MOST_PASSED, MOST_PRUNED
from substation.records import Entry, Record
from substation.schema import MIGRATIONS

NOW_MS = 10**12
OLD_MS = NOW_MS - KEEP_MS - 1
LATER_MS = NOW_MS + 10**9  # the planned end of a long stay
ENTRY = Entry("substation-1.0", "EV-1", Plan(3_600_000, 11_000), 0, OLD_MS, OLD_MS)


@dataclasses.dataclass
class Shelf:
    """A journal, and what is in it."""

    journal: Journal
    ends: list[int] = dataclasses.field(default_factory=list)

    def write(self, end_ms: int, *, started_ms: int = OLD_MS, ended_ms: int = 1) -> None:
        """Write the record of a session with a planned end by the wall clock."""
        self.ends.append(end_ms)
        number = len(self.ends)
        entry = dataclasses.replace(
            ENTRY,
            session_id=f"substation-1.{number}",
            started_unix_ms=started_ms,
            expected_end_unix_ms=end_ms,
            ended_ms=ended_ms,
        )
        state = SessionState.STOPPED if ended_ms >= 0 else SessionState.CHARGING
        self.journal.write(Record(f"key-{number}", 0, state, entry), started_ms)

    def prune(self, grid_ms: int = 2**40) -> int:
        """Make one step."""
        with self.journal.transaction():
            return self.journal.prune(grid_ms, NOW_MS)

    def left(self) -> list[int]:
        """Return the planned ends of the records that are there, in the order of numbers."""
        rows = self.journal._store.rows("SELECT expected_end_unix_ms FROM record ORDER BY number")
        return [row[0] for row in rows]


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(Journal(tmp_path / "journal.sqlite", "substation-1", NOW_MS))


def test_a_round_drops_all_that_is_old_and_passes_what_is_not(shelf: Shelf) -> None:
    with shelf.journal.transaction():
        for number in range(3 * MOST_PASSED):
            shelf.write(OLD_MS if number % 3 else LATER_MS)
        shelf.write(LATER_MS)
    dropped = [shelf.prune() for _ in range(20)]
    assert sum(dropped) == 2 * MOST_PASSED
    assert max(dropped) == MOST_PRUNED
    assert shelf.left() == [end_ms for end_ms in shelf.ends if end_ms != OLD_MS]


def test_what_has_become_old_is_dropped_in_the_next_round(shelf: Shelf) -> None:
    with shelf.journal.transaction():
        for number in range(MOST_PASSED + 10):
            shelf.write(LATER_MS - number)
        shelf.write(LATER_MS)
    assert [shelf.prune() for _ in range(2)] == [0, 0]
    with shelf.journal.transaction():  # their ends are moved, as those of sessions that are stopped never are
        shelf.journal._store.run("UPDATE record SET settled_unix_ms = ? WHERE number IN (1, 5)", (OLD_MS,))
    assert [shelf.prune() for _ in range(4)].count(2) == 1


def test_behind_records_that_are_too_young_the_round_ends(shelf: Shelf) -> None:
    with shelf.journal.transaction():
        shelf.write(LATER_MS)
        for _ in range(2 * MOST_PASSED):
            shelf.write(LATER_MS, started_ms=NOW_MS)
    shelf.prune()  # passes the first record and those beside it
    assert shelf.journal._pruning._passed == MOST_PASSED
    shelf.prune()
    assert shelf.journal._pruning._passed == 0


def test_behind_records_of_a_clock_that_was_ahead_the_round_goes_on(shelf: Shelf) -> None:
    ahead_ms = NOW_MS + 10**10
    with shelf.journal.transaction():
        for _ in range(2 * MOST_PASSED):
            shelf.write(ahead_ms, started_ms=ahead_ms)
        for _ in range(3):
            shelf.write(OLD_MS)
        shelf.write(LATER_MS)
    assert sum(shelf.prune() for _ in range(4)) == 3


def test_one_young_record_among_old_ones_stops_nothing(shelf: Shelf) -> None:
    """As the tombstone of a key that is asked for again and again: it is written anew, and keeps its number."""
    with shelf.journal.transaction():
        shelf.write(LATER_MS, started_ms=NOW_MS)
        shelf.write(OLD_MS)
        shelf.write(LATER_MS)
    assert shelf.prune() == 1


def test_a_step_that_was_undone_is_made_again(shelf: Shelf) -> None:
    with shelf.journal.transaction():
        for _ in range(MOST_PRUNED + 20):
            shelf.write(OLD_MS)
    with contextlib.suppress(KeyboardInterrupt), shelf.journal.transaction():
        assert shelf.journal.prune(2**40, NOW_MS) == MOST_PRUNED
        raise KeyboardInterrupt
    assert [shelf.prune() for _ in range(3)] == [MOST_PRUNED, 19, 0]  # the highest number stays


def test_an_open_session_stays_whatever_the_wall_clock_says(shelf: Shelf) -> None:
    with shelf.journal.transaction():
        shelf.write(OLD_MS, ended_ms=-1)
        shelf.write(OLD_MS)
        shelf.write(LATER_MS)
    assert shelf.prune(grid_ms=ENTRY.end_ms - 1) == 1
    assert len(shelf.left()) == 2
    assert shelf.prune(grid_ms=ENTRY.end_ms) == 1


def test_a_journal_of_before_loses_its_index_of_ends(tmp_path: Path) -> None:
    indexes = [word for script in MIGRATIONS for word in script.split() if word == "settled"]
    assert indexes
    journal = Journal(tmp_path / "journal.sqlite", "substation-1", NOW_MS)
    names = {row["name"] for row in journal._store.rows("PRAGMA index_list(record)")}
    assert "settled" not in names
    assert "by_vehicle" in names
