"""Upgrades: a grid starts with the files of a released version, and everything that they hold is still true."""

import contextlib
import json
import sqlite3
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.soak import released
from tests.support.grid import LIMIT_S, Grid, until

NUMBERS = range(1, released.SUBSTATIONS + 1)
LATEST = {kind: len(migrations) for kind, migrations in released.MIGRATIONS.items()}


def eras() -> list[tuple[int, list[int]]]:
    """Return a version of the order book with those of the three journals, until every version has been there."""
    journals, books = released.versions("journal"), released.versions("book")
    return [
        (book, [journals[(at * len(NUMBERS) + number) % len(journals)] for number in range(len(NUMBERS))])
        for at, book in enumerate(books)
    ]


def restore(data: Path, book: int, journals: list[int]) -> None:
    """Write the files of these versions into a data folder, as if they had been left a moment ago."""
    now_ms = int(time.time() * 1000)
    released.restore("book", book, data / "balancer" / "orders.sqlite", now_ms)
    for number, version in zip(NUMBERS, journals, strict=True):
        name = f"substation-{number}"
        released.restore("journal", version, data / name / "journal.sqlite", now_ms, name)


def upgraded(data: Path, book: int, journals: list[int], make: Callable[..., Grid] = Grid) -> list[str]:
    """Start a grid with the files of these versions, use it and stop it; returns what was not as it should be."""
    restore(data, book, journals)
    grid = make(data)
    grid.start()
    try:
        grid.wait()
        faults = [*_kept(grid), *_pruned(grid)]
    finally:
        code = grid.stop()
    faults += [f"it stopped with exit code {code}"] if code else []
    faults += [
        f"{path.parent.name}/{path.name} has schema {found}, not {LATEST[kind]}"
        for kind, path in _files(data)
        if (found := _version(path)) != LATEST[kind]
    ]
    return [f"from order book {book} and journals {journals}: {fault}" for fault in faults]


def _kept(grid: Grid) -> list[str]:
    """Repeat the request of each open session under its key: the answer is that session."""
    faults = []
    for number in NUMBERS:
        for key in released.keys(f"substation-{number}"):
            status, answer = charge(grid.gateway, released.body(key), key)
            if (status, answer.get("session_id")) != (201, f"substation-{number}.{key}"):
                faults.append(f"{key}: {status} {answer}")
    return faults


def _pruned(grid: Grid) -> list[str]:
    """Wait until what ended ten days ago is dropped; what ended two hours ago must be there."""

    def ids() -> set[str]:
        return {session["session_id"].partition(".")[2] for session in grid.sessions()}

    until(lambda: not any(each.startswith("old-") for each in ids()))
    recent = {f"recent-substation-{number}-{each}" for number in NUMBERS for each in range(released.RECENT)}
    return [f"dropped too early: {sorted(recent - ids())}"] if recent - ids() else []


def charge(gateway: str, body: dict[str, object], key: str) -> tuple[int, Any]:
    """POST a keyed request; returns the status and the document of the answer."""
    headers = {"Content-Type": "application/json", "Idempotency-Key": key}
    request = urllib.request.Request(f"{gateway}/charge", json.dumps(body).encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=LIMIT_S) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read())


def _files(data: Path) -> list[tuple[str, Path]]:
    journals = [data / f"substation-{number}" / "journal.sqlite" for number in NUMBERS]
    return [("book", data / "balancer" / "orders.sqlite"), *(("journal", path) for path in journals)]


def _version(path: Path) -> int:
    with contextlib.closing(sqlite3.connect(path)) as database:
        return int(database.execute("PRAGMA user_version").fetchone()[0])
