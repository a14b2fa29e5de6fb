"""Fields of a document, each read as one kind of value.

Pure. A document can be of an interrupted run or of an older version, or it was edited by hand. So a field that is
absent, null or of another kind reads as None or as nothing. It never raises.
"""

import datetime as dt
import math
from collections.abc import Mapping
from typing import Any

EMPTY: Mapping[str, Any] = {}


def number(value: object) -> float | None:
    """Return a finite number; None for everything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if math.isfinite(found) else None


def text(value: object) -> str:
    """Return a value as text; "" for None."""
    return "" if value is None else str(value)


def moment(value: object) -> str:
    """Return an ISO 8601 time with an offset as all pages write it, "2026-12-01 13:29:06 UTC"; other text unchanged."""
    try:
        at = dt.datetime.fromisoformat(text(value))
    except ValueError:
        return text(value)
    return at.astimezone(dt.UTC).strftime("%Y-%m-%d %H:%M:%S UTC") if at.tzinfo else text(value)


def mapping(value: object) -> Mapping[str, Any]:
    """Return a mapping; an empty one for everything else."""
    return value if isinstance(value, Mapping) else EMPTY


def mappings(value: object) -> list[Mapping[str, Any]]:
    """Return the mappings of a list; [] for everything else."""
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []


def numbers(value: object) -> dict[str, float]:
    """Return the numbers of a mapping; {} for everything else."""
    return {text(key): found for key, each in mapping(value).items() if (found := number(each)) is not None}
