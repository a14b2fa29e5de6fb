"""The shared state of all balancers in PostgreSQL: policy, rush hour, decommissioned journals, addresses."""

import json
from typing import Any

import asyncpg

from balancer.book.lease import MOST_TTL_S, MS_PER_S, Lease
from balancer.book.postgres import statements
from balancer.book.postgres.connecting import Connection
from balancer.book.protocol import Address, Control


def control_from_row(row: "asyncpg.Record", unix_ms: int) -> Control:
    """Return what the statement CONTROL has found; `unix_ms` is the wall time of this balancer."""
    rush = json.loads(row["rushhour"]) if row["rushhour"] else None
    return Control(
        row["policy"] or "",
        frozenset((name, journal) for name, journal in _list(row["decommissioned"])),
        Lease(rush[0], unix_ms + rush[1]) if rush else None,
        frozenset(Address(*each) for each in _list(row["addresses"])),
        frozenset(_list(row["former"])),
    )


async def take_rushhour(connection: Connection, wanted: Lease, unix_ms: int) -> Lease:
    """Take or renew the rush hour if no other run holds it; return the lease that is then in the book.

    It lasts as long by the database's clock as `wanted` does by that of this balancer.
    """
    most_ms = int(MOST_TTL_S * MS_PER_S)
    lasts_ms = wanted.until_unix_ms - unix_ms
    await connection.execute(statements.TAKE_RUSHHOUR, wanted.run_id, lasts_ms, most_ms)
    row = await connection.fetchrow(statements.READ_RUSHHOUR)
    return Lease(row["run_id"], unix_ms + row["left_ms"]) if row else wanted


def _list(text: str | None) -> list[Any]:
    return json.loads(text) if text else []
