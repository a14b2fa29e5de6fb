"""What sessions reserve, by their plans: (start, end, watts) for each part of the power."""

import datetime as dt
import sqlite3
from typing import Any

from substation.plan import Plan

ROUNDING_MS = 3


def promised(body: dict[str, Any]) -> list[tuple[int, int, int]]:
    """Return what a client knows from its 201, in unix ms."""
    start, end = (
        round(dt.datetime.fromisoformat(body[name]).timestamp() * 1000)
        for name in ("started_at", "expected_end")
    )
    stay_ms = round((body["stay_minutes"] or 0) * 60_000)
    plan = Plan(round(body["energy_kwh"] * 3_600_000), round(body["power_kw"] * 1000), stay_ms)
    wall = (end - start) / plan.duration_ms
    return [(start, start + int(after * wall) - ROUNDING_MS, freed) for after, freed in plan.releases()]


def journaled(row: sqlite3.Row) -> list[tuple[int, int, int]]:
    """Return what a journal's row says, in grid ms."""
    plan = Plan(row["energy_j"], row["power_w"], row["stay_ms"], bool(row["taper"]))
    parts = [(row["start_ms"], row["start_ms"] + after, freed) for after, freed in plan.releases()]
    if row["ended_ms"] >= 0:
        parts = [(start, min(end, row["ended_ms"]), freed) for start, end, freed in parts]
    return parts
