"""What an error means is decided by its extended code, and made by SQLite itself where it can be."""

import resource
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from runtime.sqlite_errors import MEANINGS, Meaning, meaning
from runtime.store import Store, StoreDamaged, StoreFull, StoreUnusable

THING = "CREATE TABLE thing (name TEXT NOT NULL UNIQUE) STRICT"


def coded(name: str) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError(name)
    error.sqlite_errorcode = getattr(sqlite3, name)
    return error


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("SQLITE_FULL", Meaning.FULL),
        ("SQLITE_IOERR_WRITE", Meaning.FULL),
        ("SQLITE_IOERR_FSYNC", Meaning.BROKEN),
        ("SQLITE_IOERR_DIR_FSYNC", Meaning.BROKEN),
        ("SQLITE_IOERR_READ", Meaning.DAMAGED),
        ("SQLITE_IOERR_SHORT_READ", Meaning.DAMAGED),
        ("SQLITE_CORRUPT", Meaning.DAMAGED),
        ("SQLITE_CORRUPT_INDEX", Meaning.DAMAGED),  # by its primary code
        ("SQLITE_NOTADB", Meaning.DAMAGED),
        ("SQLITE_READONLY_DBMOVED", Meaning.BROKEN),
        ("SQLITE_BUSY_RECOVERY", Meaning.BUSY),
        ("SQLITE_CONSTRAINT_UNIQUE", Meaning.BROKEN),
        ("SQLITE_ERROR", Meaning.BROKEN),
    ],
)
def test_an_extended_code_is_looked_up_before_its_primary_one(name: str, expected: Meaning) -> None:
    assert meaning(coded(name)) is expected


def test_an_error_without_a_code_is_a_fault_of_the_program() -> None:
    assert meaning(sqlite3.ProgrammingError("Cannot operate on a closed database.")) is Meaning.BROKEN


def test_only_what_leaves_nothing_in_doubt_is_tried_again() -> None:
    """A sync that failed, above all, must never be taken for a full disk."""
    again = {code for code, what in MEANINGS.items() if what in {Meaning.FULL, Meaning.BUSY}}
    assert again & {sqlite3.SQLITE_IOERR, sqlite3.SQLITE_IOERR_FSYNC, sqlite3.SQLITE_NOMEM} == set()


@contextmanager
def no_growth(beyond: int) -> Iterator[None]:
    """Let this process write no file beyond a size: the write fails with EFBIG, as with a used up quota."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (beyond, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_write_that_fails_for_another_reason_than_enospc_is_undone_and_tried_again(tmp_path: Path) -> None:
    store = Store(tmp_path / "store.sqlite", [THING])
    with store.transaction():
        store.run("INSERT INTO thing VALUES ('before')")
    size = (tmp_path / "store.sqlite-wal").stat().st_size
    with no_growth(size), pytest.raises(StoreFull, match="disk I/O error"), store.transaction():
        store.run("INSERT INTO thing VALUES ('during')")
    assert [row[0] for row in store.rows("SELECT name FROM thing")] == ["before"]
    with store.transaction():
        store.run("INSERT INTO thing VALUES ('after')")
    store.close()
    store = Store(tmp_path / "store.sqlite", [THING], checked=True)
    assert [row[0] for row in store.rows("SELECT name FROM thing ORDER BY name")] == ["after", "before"]
    store.close()


def garbled(path: Path, page: int) -> None:
    with path.open("r+b") as file:
        file.seek((page - 1) * 4096)
        file.write(b"\xa5" * 4096)


def test_a_garbled_page_is_damage_wherever_it_is_met(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    store = Store(path, [THING])
    with store.transaction():
        store.run("INSERT INTO thing VALUES ('a')")
    store.close()
    garbled(path, 2)
    store = Store(path, [THING])
    for reading in (store.rows, store.one, store.run):
        with pytest.raises(StoreDamaged):
            reading("SELECT name FROM thing NOT INDEXED")
    with pytest.raises(StoreDamaged), store.transaction():
        store.run("INSERT INTO thing VALUES ('b')")
    store.close()
    with pytest.raises(StoreUnusable, match=r"is damaged: .*The files as they were are in"):
        Store(path, [THING], checked=True)


def test_an_index_that_does_not_fit_its_table_is_damage(tmp_path: Path) -> None:
    """A key that the index lacks would be taken for a new one."""
    path = tmp_path / "store.sqlite"
    Store(path, [THING]).close()
    raw = sqlite3.connect(path, isolation_level=None)
    raw.execute("INSERT INTO thing VALUES ('a')")
    (name,) = raw.execute("SELECT name FROM sqlite_schema WHERE type = 'index'").fetchone()
    raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    page = raw.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", (name,)).fetchone()[0]
    raw.close()
    with path.open("r+b") as file:
        file.seek((page - 1) * 4096)
        head = bytearray(file.read(8))
        head[3:5] = b"\0\0"  # the number of its cells
        file.seek((page - 1) * 4096)
        file.write(head)
    with pytest.raises(StoreUnusable, match="row 1 missing from index"):
        Store(path, [THING], checked=True)
