"""The embedded store: versions, its lock, and a full disk, on real files."""

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from runtime.store import Store, StoreFull, StoreUnusable

FIRST = "CREATE TABLE thing (name TEXT NOT NULL UNIQUE) STRICT"
SECOND = "ALTER TABLE thing ADD COLUMN size INTEGER NOT NULL DEFAULT 7"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "store.sqlite"


def insert(store: Store, *names: str) -> None:
    with store.transaction():
        for name in names:
            store.run("INSERT INTO thing VALUES (?)", (name,))


def test_a_file_and_its_folder_are_made(path: Path) -> None:
    store = Store(path, [FIRST])
    assert store.run("INSERT INTO thing VALUES ('a')") == 1
    store.close()
    assert path.exists()


def test_what_an_older_version_left_beside_a_file_is_for_its_owner_alone_too(path: Path) -> None:
    log = path.with_name("store.sqlite-wal")
    path.parent.mkdir()
    former = sqlite3.connect(path, isolation_level=None)
    former.execute("PRAGMA journal_mode=WAL")
    former.execute("CREATE TABLE thing (name TEXT)")
    kept = log.read_bytes()
    former.close()
    log.write_bytes(kept)  # as after a kill
    log.chmod(0o644)
    store = Store(path, [])
    assert log.stat().st_mode & 0o777 == 0o600
    store.close()


def test_an_older_version_is_migrated_and_keeps_its_rows(path: Path) -> None:
    store = Store(path, [FIRST])
    store.run("INSERT INTO thing VALUES ('a')")
    store.close()
    store = Store(path, [FIRST, SECOND])
    assert [tuple(row) for row in store.rows("SELECT name, size FROM thing")] == [("a", 7)]
    store.close()


def test_a_newer_version_is_refused_and_left_as_it_is(path: Path) -> None:
    Store(path, [FIRST, SECOND]).close()
    before = path.read_bytes()
    with pytest.raises(StoreUnusable, match="has schema 2, this program knows up to 1"):
        Store(path, [FIRST])
    assert path.read_bytes() == before


def test_a_migration_that_fails_changes_nothing(path: Path) -> None:
    Store(path, [FIRST]).close()
    with pytest.raises(StoreUnusable):
        Store(path, [FIRST, "CREATE TABLE other (x INTEGER); CREATE TABLE thing (y INTEGER)"])
    store = Store(path, [FIRST])
    assert store.one("SELECT 1 FROM sqlite_schema WHERE name = 'other'") is None
    store.close()


def test_another_process_can_t_use_it_meanwhile(path: Path) -> None:
    store = Store(path, [FIRST])
    code = f"import pathlib, runtime.store as s; s.Store(pathlib.Path({str(path)!r}), [])"
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert other.returncode == 1
    assert "StoreUnusable" in other.stderr
    assert "is another process using it" in other.stderr
    store.run("INSERT INTO thing VALUES ('still mine')")
    store.close()


def test_a_file_that_is_no_store_is_refused(path: Path) -> None:
    path.parent.mkdir()
    path.write_text("not a database, but long enough to be looked at as if it were one" * 20)
    with pytest.raises(StoreUnusable, match="not a database"):
        Store(path, [FIRST])


def test_an_unusable_file_is_not_kept_locked(path: Path) -> None:
    Store(path, [FIRST, SECOND]).close()
    with pytest.raises(StoreUnusable) as refused:
        Store(path, [FIRST])
    Store(path, [FIRST, SECOND]).close()
    del refused  # held the frames, and so the connection, alive until here


def test_a_transaction_that_raises_is_undone_whole(path: Path) -> None:
    store = Store(path, [FIRST])
    with pytest.raises(sqlite3.IntegrityError):
        insert(store, "a", "a")
    assert store.rows("SELECT * FROM thing") == []
    store.close()


def test_a_full_disk_is_a_state_of_its_own_and_undoes_the_transaction(path: Path) -> None:
    store = Store(path, [FIRST])
    store.rows("PRAGMA max_page_count = 1")  # SQLite keeps to what the file has
    with pytest.raises(StoreFull):
        insert(store, "small", "x" * 100_000)
    assert store.rows("SELECT * FROM thing") == []
    insert(store, "small")
    store.close()


def test_a_commit_is_synced_and_exclusive(path: Path) -> None:
    store = Store(path, [FIRST])
    pragmas = ("journal_mode", "synchronous", "locking_mode")
    assert [store.rows(f"PRAGMA {name}")[0][0] for name in pragmas] == ["wal", 2, "exclusive"]
    store.close()
