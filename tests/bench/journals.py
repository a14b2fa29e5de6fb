"""Journals with many sessions in them, made by SQL alone: a million sessions take seconds."""

import time
from pathlib import Path

from substation.clock import ClockReading
from substation.journal import Journal
from substation.plan import Plan

SUBSTATION = "substation-1"
J_PER_KWH = 3_600_000
PLANS = tuple(
    Plan(kwh * J_PER_KWH, power_w) for kwh, power_w in ((22, 11_000), (9, 3_700), (40, 22_000), (15, 7_400))
)
VEHICLES = 100_003  # that charge again and again
GRID_MS = 24 * 3600 * 1000
DAY_MS = 24 * 3600 * 1000

# Ids of sessions rise, as those of the service do. Every other session has a key of a client, spread evenly among all
# keys, between which a new random one falls. Starts of open sessions are spread over nine tenths of their duration.
FILL = """
WITH RECURSIVE n (i) AS (VALUES (0) UNION ALL SELECT i + 1 FROM n WHERE i + 1 < :count),
    plan (p, energy_j, power_w, duration_ms) AS (VALUES {plans}),
    session AS (
        SELECT *, printf('%012x%04x', :settled_ms * 16 + :first + i, i * 7919 % 65536) AS hex,
            printf('%016x', (:first + i) * (4611686018427387904 / :all) * 2) AS spread,
            :grid_ms - CASE WHEN :open THEN duration_ms * (i * 7919 % 900) / 1000 ELSE duration_ms + 1 END AS start_ms
        FROM n JOIN plan ON p = i % {many})
INSERT INTO record (key, attempt, state, session_id, vehicle_id, energy_j, power_w, stay_ms, taper, start_ms, end_ms,
    started_unix_ms, expected_end_unix_ms, ended_ms, ended_unix_ms, settled_unix_ms, caller)
SELECT iif(i % 2, '~00' || hex || hex, 'anonymous:' || spread || spread), 0, 'charging', '{substation}.' || hex,
    'car-' || (i * 7919 % {vehicles}), energy_j, power_w, 0, 1, start_ms, start_ms + duration_ms, :unix_ms,
    :unix_ms + duration_ms, -1, 0, :settled_ms + i, 'anonymous'
FROM session
"""


def fill(path: Path, *, opened: int, ended: int, substation_id: str = SUBSTATION) -> None:
    """Make a journal with so many open sessions, and so many that ended four days ago and may be dropped."""
    unix_ms = int(time.time() * 1000)
    journal = Journal(path, substation_id, unix_ms)
    store = journal._store
    # An index that is built at once has full pages, and each of them is split by its next entry. That of vehicles is
    # changed in random places, so it must be as full as it is after a long time of use.
    indexes = store.rows(
        "SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL AND name <> 'by_vehicle'"
    )
    plans = ", ".join(f"({at}, {p.energy_j}, {p.power_w}, {p.duration_ms})" for at, p in enumerate(PLANS))
    sql = FILL.format(plans=plans, many=len(PLANS), vehicles=VEHICLES, substation=substation_id)
    with journal.transaction():
        for index in indexes:
            store.run(f"DROP INDEX {index['name']}")
        for first, count, are_open in ((0, ended, False), (ended, opened, True)):
            if count:
                store.run(
                    sql,
                    {
                        "first": first,
                        "count": count,
                        "all": ended + opened,
                        "open": are_open,
                        "grid_ms": GRID_MS,
                        "unix_ms": unix_ms,
                        "settled_ms": unix_ms if are_open else unix_ms - 4 * DAY_MS,
                    },
                )
        for index in indexes:
            store.run(index["sql"])
        journal.stamp(ClockReading(GRID_MS, unix_ms, 1.0), journal.station().usage, 0)
    store.rows("PRAGMA wal_checkpoint(TRUNCATE)")
    journal.close()
