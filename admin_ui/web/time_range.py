"""The time range of a page: from a moment to another, as its address has them.

Pure.
"""

import datetime as dt
from collections.abc import Mapping

FIRST_MS, LAST_MS = 0, 253_402_300_799_999  # 1970 and the end of 9999
ACCEPTED = "a time such as 2026-01-31T14:05, of UTC, or with a zone as in 2026-01-31T14:05+01:00, is accepted"
QUICK_S = {"last hour": 3600, "last 24 hours": 86_400, "last 7 days": 604_800}


def bounds(wanted: Mapping[str, str]) -> tuple[int, int]:
    """Return the unix milliseconds of `from` and `to`; raises ValueError, which says what is accepted.

    `from` belongs to the range, `to` does not; without one of them there is no bound on that side.
    """
    first, last = _unix_ms("from", wanted["from"], FIRST_MS), _unix_ms("to", wanted["to"], LAST_MS)
    if first >= last:
        raise ValueError("from must be before to")
    return first, last


def quick(now_unix_s: float) -> dict[str, str]:
    """Return the beginnings of the ranges that one click chooses, by their names."""
    return {
        name: dt.datetime.fromtimestamp(now_unix_s - seconds, dt.UTC).strftime("%Y-%m-%dT%H:%M")
        for name, seconds in QUICK_S.items()
    }


def shown(text: str) -> str:
    """Return a bound as a field of a form has it: without seconds and zone, in UTC; '' for none."""
    if not text:
        return ""
    return dt.datetime.fromtimestamp(_unix_ms("", text, 0) / 1000, dt.UTC).strftime("%Y-%m-%dT%H:%M")


def _unix_ms(name: str, text: str, otherwise: int) -> int:
    if not text:
        return otherwise
    try:
        at = dt.datetime.fromisoformat(text)
        at = at if at.tzinfo else at.replace(tzinfo=dt.UTC)
        unix_ms = round(at.timestamp() * 1000)
    except (ValueError, OverflowError):
        unix_ms = -1
    if not FIRST_MS <= unix_ms <= LAST_MS:
        raise ValueError(f"{name}: {ACCEPTED}")
    return unix_ms
