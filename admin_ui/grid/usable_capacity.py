"""The part of the fleet's capacity that new cars can use, and what is left out of it.

Pure. Rules:

- capacity is usable while its substation takes new cars; a substation that is draining, ejected, gone or in
  conflict takes none;
- load, limit, headroom and utilization of the fleet count only the usable part, so that they fit together;
- the sums always say how much is left out, and why, also where a limit is below what a substation is rated for;
- the firm capacity (N-1) is what carries the cars when the largest usable substation is lost.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from balancer.contract import TAKES_NO_CARS, left_out

REASONS = ("draining", *sorted(TAKES_NO_CARS))
LOWERED = "lowered"  # why a part of the rated capacity of usable substations can't be used
UNREACHED = frozenset({"gone", "conflict"})  # their sessions are not counted
MOST_NAMES = 3  # that the sums list for a reason
LEAST_KW = 0.0005  # less than a watt is rounding

Row = Mapping[str, Any]


def why_left_out(row: Row) -> str:
    """Return why a substation takes no new cars: 'draining', 'ejected', 'gone' or 'conflict'; '' when it does."""
    return left_out(row["state"], draining=row["draining"])


def usable(row: Row) -> bool:
    """Whether a substation takes new cars."""
    return not why_left_out(row)


def headroom_kw(row: Row) -> float:
    """Return the headroom of a substation in kW: negative above its limit, 0 while it takes no new cars."""
    return float(row["headroom_kw"]) if usable(row) else 0.0


def carried_kw(row: Row) -> float:
    """Return what a substation carries in kW: cars and base load. A row of an earlier balancer has no base load."""
    return float(row["load_kw"] + row.get("base_load_kw", 0.0))


def rated_kw(row: Row) -> float:
    """Return what a substation, or the fleet, is rated for in kW; a row of an earlier balancer says only its limit."""
    return float(max(row.get("rated_kw", 0.0), row["capacity_kw"]))


def firm_kw(rows: Sequence[Row]) -> float:
    """Return the firm capacity (N-1) for cars in kW: that of the usable substations without the largest one.

    It is what their base loads leave, because houses stay where they are when a substation is lost.
    """
    for_cars = [row["capacity_kw"] - row.get("base_load_kw", 0.0) for row in rows if usable(row)]
    return float(sum(for_cars) - max(for_cars, default=0.0))


def totals(rows: Sequence[Row]) -> dict[str, Any]:
    """Return the sums over the usable substations, their number, and the capacity that is left out, by reason.

    `rated_kw` is what all substations together are rated for. `n1_margin_kw` is how much more the cars could take so that N-1 still holds; negative when it does not hold.
    """
    used = [row for row in rows if usable(row)]
    lowered = [row for row in used if _lowered_by_kw(row) > LEAST_KW]
    capacity_kw, load_kw = sum(row["capacity_kw"] for row in used), sum(row["load_kw"] for row in used)
    base_load_kw = sum(row.get("base_load_kw", 0.0) for row in used)
    return {
        "capacity_kw": round(capacity_kw, 1),
        "rated_kw": round(sum(map(rated_kw, rows)), 1),
        "load_kw": round(load_kw, 1),
        "base_load_kw": round(base_load_kw, 1),
        "headroom_kw": round(sum(max(headroom_kw(row), 0.0) for row in used), 1),
        "n1_margin_kw": round(firm_kw(rows) - load_kw, 1),
        "utilization": round((load_kw + base_load_kw) / capacity_kw, 4) if capacity_kw else 0.0,
        "sessions": sum(row["sessions"] for row in rows if row["state"] not in UNREACHED),
        "paused": sum(row.get("paused", 0) for row in rows if row["state"] not in UNREACHED),
        "usable": len(used),
        "left_out": [
            _left_out(why, rows) for why in REASONS if any(why_left_out(row) == why for row in rows)
        ],
        LOWERED: {
            "capacity_kw": round(sum(_lowered_by_kw(row) for row in lowered), 1),
            **_named(lowered),
        },
    }


def _lowered_by_kw(row: Row) -> float:
    """Return how far a limit is below what the substation is rated for; 0 when it is not."""
    return rated_kw(row) - float(row["capacity_kw"])


def _named(rows: Sequence[Row]) -> dict[str, Any]:
    names = sorted(str(row["substation_id"]) for row in rows)
    return {"substations": len(names), "names": names[:MOST_NAMES]}


def _left_out(why: str, rows: Sequence[Row]) -> dict[str, Any]:
    found = [row for row in rows if why_left_out(row) == why]
    return {
        "why": why,
        **_named(found),
        "capacity_kw": round(sum(row["capacity_kw"] for row in found), 1),
        "load_kw": round(sum(row["load_kw"] for row in found), 1),
        "base_load_kw": round(sum(row.get("base_load_kw", 0.0) for row in found), 1),
    }
