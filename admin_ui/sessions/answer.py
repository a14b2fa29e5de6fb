"""What a substation answers about its open sessions, checked and in the units of the pages.

Pure.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

W_PER_KW = 1000
J_PER_KWH = 3_600_000
LONGEST = 600  # characters of a text
VALUES = {  # by order: the field that is sorted by
    "start": "started_unix_ms",
    "power": "power_w",
    "end": "expected_end_unix_ms",
    "vehicle": "vehicle_id",
}
TEXTS = ("session_id", "vehicle_id", "state", "paused_because", "cursor")
NUMBERS = (
    "power_w",
    "draw_w",
    "energy_j",
    "delivered_j",
    "started_unix_ms",
    "expected_end_unix_ms",
    "paused_since_unix_ms",
)
COUNTS = ("matching", "before", "charging", "paused")


@dataclasses.dataclass(frozen=True, slots=True)
class ListedSession:
    """A session as a browser gets it, with the key that sorts it among those of all substations."""

    key: tuple[int | str, str]
    document: dict[str, Any]


@dataclasses.dataclass(frozen=True, slots=True)
class Listing:
    """A page of one substation; `more` says whether sessions come after it."""

    sessions: list[ListedSession]
    counts: dict[str, int]
    more: bool


def listing_of(answer: Any, substation_id: str, sort: str) -> Listing:
    """Read an answer of `/sessions/open`; raises ValueError for any other."""
    try:
        sessions = [_session(each, substation_id, sort) for each in answer["sessions"]]
        counts = {name: _number(answer, name) for name in COUNTS}
        return Listing(sessions, counts, bool(answer["next"]) and bool(sessions))
    except (LookupError, TypeError) as error:
        raise ValueError(f"its answer can't be read ({type(error).__name__})") from None


def _session(fields: Mapping[str, Any], substation_id: str, sort: str) -> ListedSession:
    texts = {name: _text(fields, name) for name in TEXTS}
    numbers = {name: _number(fields, name) for name in NUMBERS}
    value = (texts | numbers)[VALUES[sort]]
    document = texts | {
        "substation_id": substation_id,
        "power_kw": numbers["power_w"] / W_PER_KW,
        "draw_kw": numbers["draw_w"] / W_PER_KW,
        "energy_kwh": round(numbers["energy_j"] / J_PER_KWH, 3),
        "delivered_kwh": round(numbers["delivered_j"] / J_PER_KWH, 3),
        "started_unix_ms": numbers["started_unix_ms"],
        "expected_end_unix_ms": numbers["expected_end_unix_ms"],
        "paused_since_unix_ms": numbers["paused_since_unix_ms"],
    }
    return ListedSession((value, texts["session_id"]), document)


def _text(fields: Mapping[str, Any], name: str) -> str:
    value = fields[name]
    if not isinstance(value, str) or len(value) > LONGEST:
        raise ValueError(f"its answer can't be read ({name})")
    return value


def _number(fields: Mapping[str, Any], name: str) -> int:
    value = fields[name]
    if type(value) is not int or not 0 <= value < 2**53:
        raise ValueError(f"its answer can't be read ({name})")
    return value
