"""What a substation answers about its open and its ended sessions, checked and in the units of the pages.

Pure.
"""

import dataclasses
import re
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
PLACE = re.compile(r"[0-9a-f]{16}")
TIME_BITS = 20  # of the place in an id, below its milliseconds: docs/adr/0035
Key = tuple[int | str, str]


@dataclasses.dataclass(frozen=True, slots=True)
class ListedSession:
    """A session as a browser gets it, with the key that sorts it among those of all substations."""

    key: Key
    document: dict[str, Any]


@dataclasses.dataclass(frozen=True, slots=True)
class Listing:
    """A page of one substation; `more` says whether its list goes on.

    `next` is the cursor at which it goes on, '' for that of the last session, and `reached` the key of that place, None where
    only a page without sessions needs it.
    """

    sessions: list[ListedSession]
    counts: dict[str, int]
    more: bool
    next: str = ""
    reached: Key | None = None


def listing_of(answer: Any, substation_id: str, sort: str) -> Listing:
    """Read an answer of `/sessions/open`; raises ValueError for any other."""
    try:
        sessions = [_session(each, substation_id, sort) for each in answer["sessions"]]
        counts = {name: _number(answer, name) for name in COUNTS}
        return Listing(sessions, counts, bool(answer["next"]) and bool(sessions))
    except (LookupError, TypeError) as error:
        raise ValueError(f"its answer can't be read ({type(error).__name__})") from None


def ended_of(answer: Any, substation_id: str) -> Listing:
    """Read an answer of `/sessions/ended`; raises ValueError for any other."""
    try:
        sessions = [_ended(each, substation_id) for each in answer["sessions"]]
        following = answer["next"]
        if following is None:
            return Listing(sessions, {}, more=False)
        reached = place_of(following)
    except (LookupError, TypeError, AttributeError) as error:
        raise ValueError(f"its answer can't be read ({type(error).__name__})") from None
    return Listing(sessions, {}, more=True, next=following, reached=reached)


def place_of(session_id: str) -> Key:
    """Return what sorts ended sessions of all substations: the number that the id ends with, then the substation."""
    substation_id, _, digits = session_id.rpartition(".")
    if not PLACE.fullmatch(digits):
        raise ValueError("its answer can't be read (session_id)")
    return int(digits, 16), substation_id


def _ended(fields: Mapping[str, Any], substation_id: str) -> ListedSession:
    texts = {name: _text(fields, name) for name in ("session_id", "vehicle_id", "state")}
    times = {name: _number(fields, name) for name in ("started_unix_ms", "ended_unix_ms")}
    document = (
        texts
        | times
        | {
            "substation_id": substation_id,
            "power_kw": _number(fields, "power_w") / W_PER_KW,
            "energy_kwh": round(_number(fields, "energy_j") / J_PER_KWH, 3),
            "delivered_kwh": round(_number(fields, "delivered_j") / J_PER_KWH, 3),
        }
    )
    return ListedSession(place_of(texts["session_id"]), document)


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
