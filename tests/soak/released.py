"""Journals and order books as each released version of the program left them, for upgrades to the present one.

`python -m tests.soak.released` writes the files of versions that have none yet, from the migrations up to that version.
A file that is there is never written again: it is what is out there, whatever becomes of the migrations.
"""

import contextlib
import re
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from balancer.book import schema as book_schema
from gateway.charge import charge
from substation import schema as journal_schema
from substation.rows import NEVER_MS

FOLDER = Path(__file__).with_name("released")
MIGRATIONS = {"journal": journal_schema.MIGRATIONS, "book": book_schema.MIGRATIONS}
FROM, BOOK = "substation-1", "b00cb00cb00cb00c"
UNIX_MS, GRID_MS, DAY_MS, HOUR_MS = 1_764_000_000_000, 30 * 24 * 3_600_000, 24 * 3_600_000, 3_600_000
SCALE = 120  # of the grid that left them
KEPT, OLD, RECENT = 6, 40, 5  # open sessions, sessions that ended ten days ago, and two hours ago
SUBSTATIONS = 3
PAUSES_SINCE, HELD_SINCE = 5, 6  # versions of the journal and of the book


def keys(substation_id: str) -> list[str]:
    """Return the keys of the sessions that are open in the journal of a substation."""
    return [f"kept-{substation_id}-{number}" for number in range(KEPT)]


def body(key: str) -> dict[str, object]:
    """Return the request that a key was used for: 100 hours of grid time."""
    return {"vehicle_id": f"car-{key}", "energy_kwh": 100, "max_power_kw": 1}


def versions(kind: str) -> list[int]:
    """Return the versions of which there is a file, of 'journal' or 'book'."""
    return sorted(int(path.stem.partition("-")[2]) for path in FOLDER.glob(f"{kind}-*.sql"))


def schema(database: sqlite3.Connection) -> list[tuple[str, str]]:
    """Return the names and the statements of all tables and indexes, in an order of their own."""
    return sorted(database.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL"))


def migrated(kind: str, version: int) -> sqlite3.Connection:
    """Return an empty database of a version, in memory."""
    database = sqlite3.connect(":memory:", isolation_level=None)
    _migrate(database, MIGRATIONS[kind][:version])
    return database


def restore(kind: str, version: int, path: Path, now_ms: int, substation_id: str = FROM) -> None:
    """Write the file of a version as if the program had ended at a wall time, as that of a substation."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = (FOLDER / f"{kind}-{version}.sql").read_text(encoding="utf-8")
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.executescript(text.replace(FROM, substation_id) if kind == "journal" else text)
        for table, column in _wall_times(database):
            database.execute(
                f'UPDATE "{table}" SET "{column}" = "{column}" + ? WHERE "{column}" > 0', (now_ms - UNIX_MS,)
            )


def _wall_times(database: sqlite3.Connection) -> list[tuple[str, str]]:
    tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    return [
        (table, column)
        for table in tables
        for _, column, *_ in database.execute(f'PRAGMA table_info("{table}")')
        if column.endswith(("unix_ms", "book_ms"))
    ]


def _migrate(database: sqlite3.Connection, scripts: Sequence[str]) -> None:
    for script in scripts:
        database.executescript(script)


def _journal(version: int) -> sqlite3.Connection:
    """Return the journal of a version: written by version 1, and used by those in between."""
    database = migrated("journal", 1)
    database.execute(
        "INSERT INTO station VALUES (1, ?, ?, ?, 1763999999, ?, ?, 0, 0, 0, 0)",
        (FROM, f"journal-of-{FROM}", BOOK, GRID_MS, UNIX_MS),
    )
    for key in keys(FROM):
        _session(database, key, began_before_ms=HOUR_MS, wall_before_ms=HOUR_MS // SCALE)
    for number in range(OLD):
        _session(database, f"old-{FROM}-{number}", 20 * DAY_MS, 10 * DAY_MS)
    for number in range(RECENT):
        _session(database, f"recent-{FROM}-{number}", 10 * DAY_MS, 2 * HOUR_MS)
    for number in range(3):
        sql = "INSERT INTO record (key, attempt, state) VALUES (?, 1, 'refused')"
        database.execute(sql, (f"anonymous:refused-{FROM}-{number}",))
    _migrate(database, journal_schema.MIGRATIONS[1:version])
    if version >= PAUSES_SINCE:
        database.execute(
            "UPDATE record SET state = 'paused', end_ms = ?, paused_ms = ?, paused_unix_ms = ? WHERE key = ?",
            (NEVER_MS, GRID_MS - 60_000, UNIX_MS - 500, f"anonymous:{keys(FROM)[0]}"),
        )
    return database


def _session(database: sqlite3.Connection, key: str, began_before_ms: int, wall_before_ms: int) -> None:
    """Write a session of 100 hours that began so long before the end of the journal, in grid and in wall time."""
    asked = charge(body(key), key)
    plan, start_ms = asked.plan, GRID_MS - began_before_ms
    end_ms = start_ms + plan.energy_j * 1000 // plan.power_w
    began_ms = UNIX_MS - wall_before_ms
    database.execute(
        "INSERT INTO record (key, attempt, state, session_id, vehicle_id, energy_j, power_w, stay_ms, start_ms, end_ms,"
        " started_unix_ms, expected_end_unix_ms, ended_ms, ended_unix_ms)"
        " VALUES (?, 0, 'charging', ?, ?, ?, ?, 0, ?, ?, ?, ?, -1, 0)",
        (
            *(asked.key, f"{FROM}.{key}", asked.vehicle_id, plan.energy_j, plan.power_w, start_ms, end_ms),
            *(began_ms, began_ms + (end_ms - start_ms) // SCALE),
        ),
    )


def _book(version: int) -> sqlite3.Connection:
    """Return the order book of a version: written by version 1, and used by those in between."""
    database = migrated("book", 1)
    database.execute("INSERT INTO book VALUES (1, ?)", (BOOK,))
    for number in range(1, SUBSTATIONS + 1):
        target = f"substation-{number}"
        for key in keys(target):
            asked = charge(body(key), key)
            values = (asked.key, asked.fingerprint, target, UNIX_MS + DAY_MS)
            database.execute("INSERT INTO claim VALUES (?, ?, 0, ?, ?)", values)
    for number in range(OLD):
        values = (f"anonymous:old-{number}", "of old", FROM, UNIX_MS - DAY_MS)
        database.execute("INSERT INTO claim VALUES (?, ?, 0, ?, ?)", values)
    _migrate(database, book_schema.MIGRATIONS[1:version])
    if version >= HELD_SINCE:
        database.execute(
            "INSERT INTO hold VALUES ('anonymous:of old', 'of old', 0, ?, '', ?)", (FROM, UNIX_MS - DAY_MS)
        )
    return database


def _dump(database: sqlite3.Connection, version: int) -> str:
    lines = [line for line in database.iterdump() if not re.match(r"BEGIN|COMMIT", line)]
    return "\n".join(["BEGIN;", *lines, f"PRAGMA user_version={version};", "COMMIT;", ""])


def main() -> None:
    """Write the files of the versions that have none."""
    FOLDER.mkdir(exist_ok=True)
    for kind, make in (("journal", _journal), ("book", _book)):
        for version in range(1, len(MIGRATIONS[kind]) + 1):
            path = FOLDER / f"{kind}-{version}.sql"
            if not path.exists():
                path.write_text(_dump(make(version), version), encoding="utf-8")


if __name__ == "__main__":
    main()
