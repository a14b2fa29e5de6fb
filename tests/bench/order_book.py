"""Row 11, of the order book: commits among many claims, and how fast claims that have expired are dropped."""

import asyncio
import contextlib
import secrets
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from balancer import wiring
from balancer.book.embedded import EmbeddedBook
from tests.bench import cost
from tests.bench.cost import CommitMeter, Cost
from tests.bench.table import Row, Say, figure

CLIENTS = 64

# In the order of their keys, which is fast; a new random key falls between them. All have expired.
FILL = """
WITH RECURSIVE n (i) AS (VALUES (0) UNION ALL SELECT i + 1 FROM n WHERE i + 1 < :count)
INSERT INTO claim
SELECT 'anonymous:' || printf('%016x', i * (4611686018427387904 / :count) * 2) || printf('%016x', i),
    printf('%064x', i * 7919), 0, 'substation-' || (i % 3), :expired_ms + i * 7919 % :count, 'journal'
FROM n
"""


def fill(book: EmbeddedBook, count: int) -> None:
    """Add claims that expired long ago."""
    store = book._store
    with store.transaction():
        store.run(FILL, {"count": count, "expired_ms": book._now_ms() - 10**9})
    store.rows("PRAGMA wal_checkpoint(TRUNCATE)")


async def claim(book: EmbeddedBook) -> Callable[[], Awaitable[object]]:
    """Claim a new key for each client at once; returns what drops the claims again, so that there are as many as before."""
    keys = [f"anonymous:{secrets.token_hex(16)}" for _ in range(CLIENTS)]
    found = await asyncio.gather(*(book.claim(key, "f" * 64, "substation-1", "journal") for key in keys))
    if not all(each and each.fresh for each in found):
        raise RuntimeError("a new key was claimed before")
    return lambda: book._do(
        lambda store: [store.run("DELETE FROM claim WHERE key = ?", (key,)) for key in keys]
    )


async def pruning(book: EmbeddedBook, seconds: float) -> tuple[float, float]:
    """Return how many claims a second are dropped, by the balancer's own chore, and how many are made meanwhile."""
    rows = "SELECT count(*) FROM claim WHERE expires_unix_ms < ?"
    before_ms = book._now_ms()
    before: int = book._store.rows(rows, (before_ms,))[0][0]
    made, began_s = 0, time.monotonic()
    chore = asyncio.create_task(wiring._prune(book))
    try:
        while time.monotonic() < began_s + seconds:
            await claim(book)
            made += CLIENTS
    finally:
        chore.cancel()
    took_s = time.monotonic() - began_s
    left = await book._do(lambda store: store.rows(rows, (before_ms,))[0][0])
    return (before - left) / took_s, made / took_s


async def measure(folder: Path, count: int, rounds: int, seconds: float, say: Say) -> list[Row]:
    """Measure in interleaved rounds."""
    async with contextlib.AsyncExitStack() as stack:
        full, empty = (EmbeddedBook(folder / name / "orders.sqlite") for name in ("full", "empty"))
        for book in (full, empty):
            stack.push_async_callback(book.close)
        say(f"an order book with {count:,} claims")
        fill(full, count)
        say("claims")
        meters = [CommitMeter(book._commits) for book in (full, empty)]
        works = [
            lambda m=meter, b=book: m.of(lambda: claim(b))
            for meter, book in zip(meters, (full, empty), strict=True)
        ]
        among, alone = await cost.interleaved(works, rounds)
        say("claims are dropped")
        dropped, made = await pruning(full, seconds)
    return [
        Row(
            11,
            f"{CLIENTS} claims at once among {count:,}, against an empty order book",
            [a.ms / b.ms for a, b in zip(among, alone, strict=True)],
            must=1.1,
            note="; ".join(str(Cost.median(each)) for each in (among, alone)),
        ),
        Row(
            11,
            "claims dropped by an order book, against claims made meanwhile",
            [dropped / made],
            must=1.0,
            higher_is_better=True,
            note=f"{figure(dropped, '/s')}, {figure(made, '/s')}",
        ),
    ]


def rows(folder: Path, say: Say, *, quick: bool) -> list[Row]:
    """Measure, and return row 11 of the order book."""
    count, rounds, seconds = (200_000, 5, 3.0) if quick else (1_000_000, 31, 20.0)
    return asyncio.run(measure(folder, count, rounds, seconds, say))
