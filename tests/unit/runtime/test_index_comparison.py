"""Indexes against their table: what integrity_check finds in one go is found in pieces."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime.index_comparison import IndexComparison
from runtime.store import Store, StoreDamaged, StoreUnusable

SCHEMA = """
CREATE TABLE {0} (number INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, name TEXT UNIQUE, due INTEGER) STRICT;
CREATE INDEX by_due_{0} ON {0} (due, name);
CREATE INDEX soon_{0} ON {0} (due) WHERE due < 50 AND name IS NOT NULL;
"""
ROWS = 100


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A store with two equal tables."""
    store = Store(tmp_path / "things.sqlite", [SCHEMA.format("thing") + SCHEMA.format("other")])
    for number in range(ROWS):
        row = (number - 50, f"key-{number}", f"name-{number}" if number % 3 else None, number % 70)
        for table in ("thing", "other"):
            store.run(f"INSERT INTO {table} VALUES (?, ?, ?, ?)", row)
    store.close()
    return tmp_path / "things.sqlite"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    store = Store(path, [""])
    yield store
    store.close()


def compare_all(store: Store) -> None:
    comparison = IndexComparison(store, "thing")
    comparison.count()
    for _ in range(ROWS // 7 + 2):
        comparison.compare(7)
    assert comparison.done


def show_the_other(path: Path, index: str, change: str) -> None:
    """Change the other table, and let the thing's index be the other's: it shows what the change made."""
    store = Store(path, [""])
    store.run(change)
    store.run("PRAGMA writable_schema = ON")
    store.run(
        "UPDATE sqlite_schema SET rootpage = (SELECT rootpage FROM sqlite_schema WHERE name = ?) WHERE name = ?",
        (index.format("other"), index.format("thing")),
    )
    store.close()


def test_sound_indexes_are_compared_to_the_end(store: Store) -> None:
    compare_all(store)


def test_an_empty_table_has_sound_indexes(store: Store) -> None:
    store.run("DELETE FROM thing")
    compare_all(store)


def test_rows_that_come_and_go_meanwhile_do_no_harm(store: Store) -> None:
    comparison = IndexComparison(store, "thing")
    for number in range(60):
        comparison.compare(5)
        store.run("DELETE FROM thing WHERE number = ?", (number - 20,))
        store.run("INSERT INTO thing VALUES (?, ?, NULL, 3)", (1000 + number, f"new-{number}"))
    for _ in range(2):
        comparison.compare(5)
    assert comparison.done


@pytest.mark.parametrize("index", ["sqlite_autoindex_{}_1", "sqlite_autoindex_{}_2", "by_due_{}", "soon_{}"])
@pytest.mark.parametrize(
    "change",
    [
        "UPDATE other SET key = key || 'x', name = name || 'x', due = due + 1 WHERE number = -19",
        "DELETE FROM other WHERE number = -19",
        "INSERT INTO other VALUES (7000, 'new', 'new', 1)",
    ],
)
def test_a_row_that_an_index_does_not_show_as_it_is_is_found(path: Path, index: str, change: str) -> None:
    show_the_other(path, index, change)
    store = Store(path, [""])
    assert store.rows("PRAGMA integrity_check")[0][0] != "ok"
    with pytest.raises((StoreDamaged, StoreUnusable), match="index"):
        compare_all(store)
    store.close()


@pytest.mark.parametrize("index", ["sqlite_autoindex_{}_1", "sqlite_autoindex_{}_2", "by_due_{}", "soon_{}"])
@pytest.mark.parametrize(
    "change",
    ["DELETE FROM other WHERE number = -19", "INSERT INTO other VALUES (7000, 'new', 'new', 1)"],
)
def test_the_entries_of_each_index_are_counted_and_not_those_of_another(
    path: Path, index: str, change: str
) -> None:
    show_the_other(path, index, change)
    store = Store(path, [""])
    with pytest.raises(StoreUnusable, match=f"the index {index.format('thing')} has"):
        IndexComparison(store, "thing").count()
    store.close()
