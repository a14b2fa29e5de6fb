"""The files of released versions: each version has them, and no migration that made them is ever changed."""

import contextlib
import sqlite3
import time
from pathlib import Path

import pytest

from balancer.book.embedded import EmbeddedBook
from substation.journal import Journal
from tests.soak import released

KINDS = [(kind, number) for kind, each in released.MIGRATIONS.items() for number in range(1, len(each) + 1)]


@pytest.mark.parametrize("kind", released.MIGRATIONS)
def test_every_version_has_a_file(kind: str) -> None:
    """A new script needs one more: `python -m tests.soak.released` writes it."""
    assert released.versions(kind) == list(range(1, len(released.MIGRATIONS[kind]) + 1))


@pytest.mark.parametrize(("kind", "version"), KINDS)
def test_a_released_file_is_what_the_migrations_up_to_it_make(
    kind: str, version: int, tmp_path: Path
) -> None:
    released.restore(kind, version, tmp_path / "restored", released.UNIX_MS)
    with (
        contextlib.closing(sqlite3.connect(tmp_path / "restored")) as database,
        contextlib.closing(released.migrated(kind, version)) as made,
    ):
        assert released.schema(database) == released.schema(made)
        assert database.execute("PRAGMA user_version").fetchone() == (version,)


@pytest.mark.parametrize("version", released.versions("journal"))
def test_a_restored_journal_is_of_now_and_of_the_substation_that_is_named(
    version: int, tmp_path: Path
) -> None:
    now_ms = int(time.time() * 1000)
    released.restore("journal", version, tmp_path / "journal.sqlite", now_ms, "substation-3")
    with contextlib.closing(Journal(tmp_path / "journal.sqlite", "substation-3", now_ms)) as journal:
        station = journal.station()
        assert (station.moment.unix_ms, station.book_id) == (now_ms, released.BOOK)
        kept = {entry.session_id for entry in journal.open_at(station.grid_ms)}
    assert kept == {f"substation-3.{key}" for key in released.keys("substation-3")}


@pytest.mark.gen_test
@pytest.mark.parametrize("version", released.versions("book"))
async def test_a_restored_book_knows_its_claims_and_drops_those_that_have_expired(
    version: int, tmp_path: Path
) -> None:
    path = tmp_path / "orders.sqlite"
    released.restore("book", version, path, int(time.time() * 1000))
    book = EmbeddedBook(path)
    try:
        assert book.book_id == released.BOOK
        for number in range(1, released.SUBSTATIONS + 1):
            for key in released.keys(f"substation-{number}"):
                claim = await book.claim(f"anonymous:{key}", "", None)
                assert claim
                assert claim.target == f"substation-{number}"
        assert await book.claim("anonymous:old-0", "", None)
        assert await book.prune() == released.OLD + (version >= released.HELD_SINCE)
        assert await book.claim("anonymous:old-0", "", None) is None
    finally:
        await book.close()
