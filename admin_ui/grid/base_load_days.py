"""The base load of a substation by the quarter hour: as it was measured, and as it is expected.

Pure. The balancer's history and forecast are in watts; people are shown kW.
"""

from collections.abc import Mapping, Sequence
from typing import Any

DAY = 96  # quarter hours
W_PER_KW = 1000
BOUNDS = ("mean", "p10", "p90")

Row = Mapping[str, Any]  # a quarter hour of the balancer


def hours_json(measured: Sequence[Row], expected: Sequence[Row]) -> dict[str, list[dict[str, Any]]]:
    """Return both as browsers get them; a quarter hour without a measured base load is left out."""
    known = [each for each in measured if each["base_load_w"] is not None]
    return {
        "measured": [_when(each) | {"kw": _kw(each["base_load_w"])} for each in known],
        "expected": [_when(each) | {f"{name}_kw": _kw(each[name]) for name in BOUNDS} for each in expected],
    }


def _when(row: Row) -> dict[str, Any]:
    return {name: row[name] for name in ("slot", "weekday", "time")}


def _kw(watts: float) -> float:
    return round(watts / W_PER_KW, 3)
