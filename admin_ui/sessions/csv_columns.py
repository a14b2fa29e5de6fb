"""The columns of the files of sessions.

Pure. A time that is given is formatted in UTC.
"""

import datetime as dt
from typing import Any

from runtime.csv_text import inert

OPEN = (
    "session",
    "vehicle",
    "substation",
    "state",
    "power_now_kw",
    "power_at_most_kw",
    "delivered_kwh",
    "energy_kwh",
    "started",
    "planned_end",
)
ENDED = (
    "session",
    "vehicle",
    "substation",
    "state",
    "started",
    "ended",
    "delivered_kwh",
    "energy_kwh",
    "power_at_most_kw",
)
TEXTS = ("session_id", "vehicle_id", "substation_id", "state")


def open_cells(session: dict[str, Any]) -> tuple[str, ...]:
    """Return the cells of an open session, in the order of OPEN."""
    figures = (session[name] for name in ("draw_kw", "power_kw", "delivered_kwh", "energy_kwh"))
    times = (session[name] for name in ("started_unix_ms", "expected_end_unix_ms"))
    return (*_texts(session), *map(_figure, figures), *map(_iso, times))


def ended_cells(session: dict[str, Any]) -> tuple[str, ...]:
    """Return the cells of an ended session, in the order of ENDED."""
    times = (session[name] for name in ("started_unix_ms", "ended_unix_ms"))
    figures = (session[name] for name in ("delivered_kwh", "energy_kwh", "power_kw"))
    return (*_texts(session), *map(_iso, times), *map(_figure, figures))


def _texts(session: dict[str, Any]) -> list[str]:
    return [inert(session[name]) for name in TEXTS]


def _figure(value: float) -> str:
    return f"{value:.3f}"


def _iso(unix_ms: int) -> str:
    return dt.datetime.fromtimestamp(unix_ms / 1000, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
