"""The effects of an order, shown before the order is given.

Pure. Rules:

- a preview is of one state of the grid, which `basis` names; an order that follows it is given in that state only;
- figures are of this moment; what is not known, such as when a load will have fallen, is called unknown;
- the effect of an order, followed by that of its undo, is the state from before.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from admin_ui.grid.usable_capacity import carried_kw, firm_kw, usable
from admin_ui.orders.order import DRAIN, FLEET, LOWER, RESTORE, STOP, SWITCH, Order
from balancer.contract import TAKES_NO_CARS

GROWTH_S = 120.0  # room for less than so many seconds of the present growth is too little
EVENLY = {"round_robin": "in turn", "random": "at random"}  # these do not look at the load
BY_FORECAST = "predictive"  # places by load while the fleet has a `forecast_doubt`
SAME_KW = 0.0005

Row = Mapping[str, Any]
Fleet = Mapping[str, Any]  # as `/fleet` shows it
Releases = Sequence[tuple[float, float]]  # (within so many seconds, kW freed until then)


def basis(fleet: Fleet) -> str:
    """Return a digest of the state that orders change: policy, limits, drains, and which substations can be used."""
    state = [
        (row["substation_id"], float(row["capacity_kw"]), row["draining"], row["state"] in TAKES_NO_CARS)
        for row in sorted(fleet["substations"], key=lambda row: str(row["substation_id"]))
    ]
    return hashlib.sha256(json.dumps([fleet["policy"], state]).encode()).hexdigest()[:16]


def effect(fleet: Fleet, order: Order) -> dict[str, Any]:
    """Return the fleet as it is right after an order is carried out."""
    rows = [
        _changed(row, order) if row["substation_id"] == order.target else row for row in fleet["substations"]
    ]
    return {
        **fleet,
        "policy": order.value if order.kind == SWITCH else fleet["policy"],
        "substations": rows,
    }


def _changed(row: Row, order: Order) -> dict[str, Any]:
    if order.kind == LOWER:
        return {**row, "capacity_kw": row["rated_kw"] if order.value is None else order.value}
    return {**row, "draining": order.kind == DRAIN}


def shows(fleet: Fleet, order: Order) -> bool:
    """Whether the fleet is in the state that the order asks for."""
    return find(fleet, order.target) is not None and basis(fleet) == basis(effect(fleet, order))


def undo(fleet: Fleet, order: Order) -> Order | None:
    """Return the order that takes an order back, given in this state; None when there is none."""
    row = find(fleet, order.target) or {}
    if order.kind == SWITCH:
        return Order(SWITCH, order.target, str(fleet["policy"]))
    if order.kind == LOWER and row:
        rated = abs(row["capacity_kw"] - row["rated_kw"]) < SAME_KW
        return Order(LOWER, order.target, None if rated else row["capacity_kw"])
    opposite = {DRAIN: RESTORE, RESTORE: DRAIN}.get(order.kind)
    return Order(opposite, order.target) if opposite else None


def why_not(fleet: Fleet, order: Order) -> str:
    """Return why an order can't be given in this state, '' when it can be given."""
    if order.kind == SWITCH:
        if order.value not in fleet["policies"]:
            return f"There is no policy {order.value}. There are {', '.join(fleet['policies'])}."
        return f"The policy is {order.value} already." if order.value == fleet["policy"] else ""
    row = find(fleet, order.target)
    if row is None:
        return f"The balancer shows no {order.target}."
    if order.kind in {DRAIN, RESTORE} and row["draining"] == (order.kind == DRAIN):
        return f"{order.target} is {'draining' if row['draining'] else 'not drained'} already."
    if order.kind == LOWER:
        return _why_no_limit(row, order)
    return ""


def preview(
    fleet: Fleet, order: Order, growth_kw_s: float | None = None, releases: Releases = ()
) -> dict[str, Any]:
    """Return the effects of an order; `growth_kw_s` is how fast the fleet's load grows now, None when it is not known.

    `releases` is the power that the plans of the target's sessions will release, () when that is not known.
    """
    start: dict[str, Any] = order.document() | {
        "basis": basis(fleet),
        "refused": why_not(fleet, order),
        "policy": fleet["policy"],
    }
    if start["refused"]:
        return start
    after = effect(fleet, order)
    back = undo(fleet, order)
    return start | {
        "figures": [
            {"name": name, "before": before, "after": figures(after)[name]}
            for name, before in figures(fleet).items()
        ],
        "arrivals": arrivals(after),
        "effects": [*_effects(fleet, after, order, releases), _next_car(after)],
        "warnings": _warnings(fleet, after, growth_kw_s),
        "undo": back.document() if back else None,
    }


def preview_stop(session: Mapping[str, Any], reserved_kw: float) -> dict[str, Any]:
    """Return the effects of stopping a session that reserves `reserved_kw` now."""
    name, state = session["session_id"], session["state"]
    start = Order(STOP, name).document() | {"basis": state, "undo": None}
    if state not in {"charging", "paused"}:
        return start | {"refused": f"The session has ended already: {state}."}
    delivered = f"{session['delivered_kwh']:.1f} of {session['energy_kwh']:g} kWh"
    paused = state == "paused"
    effects = [
        f"{session['vehicle_id']} {'will not resume' if paused else 'stops charging now'}. It has {delivered}.",
        f"{session['substation_id']} no longer keeps room for it."
        if paused
        else f"{session['substation_id']} gets {reserved_kw:g} kW of room back at once.",
        "Nobody else is touched. The same car may ask again.",
    ]
    cannot = "This can't be undone: the car must ask again, and may get another place or none."
    return start | {"refused": "", "figures": [], "arrivals": [], "effects": effects, "warnings": [cannot]}


def arrivals(fleet: Fleet) -> list[dict[str, Any]]:
    """Return where new cars go until the fleet is full: the room of each substation and its share of the cars, most first.

    A policy that looks at the load uses all room that there is; the others place in turn or at random.
    """
    room = {row["substation_id"]: room_kw(row) for row in fleet["substations"] if room_kw(row) > 0}
    total_kw, evenly = sum(room.values()), fleet["policy"] in EVENLY
    return [
        {"substation_id": name, "room_kw": round(kw, 1), "share": 1 / len(room) if evenly else kw / total_kw}
        for name, kw in sorted(room.items(), key=lambda each: (-each[1], each[0]))
    ]


def below_in_s(releases: Releases, excess_kw: float) -> tuple[float, float] | None:
    """Return between how many seconds from now a load will have fallen by `excess_kw`; None when the plans don't say."""
    earliest_s = 0.0
    for within_s, freed_kw in releases:
        if freed_kw >= excess_kw - SAME_KW:
            return earliest_s, within_s
        earliest_s = within_s
    return None


def find(fleet: Fleet, substation_id: str) -> Row | None:
    """Return the row of a substation, an empty one for the whole fleet, None when there is none."""
    if substation_id == FLEET:
        return {}
    return next((row for row in fleet["substations"] if row["substation_id"] == substation_id), None)


def room_kw(row: Row) -> float:
    """Return the room of a substation for new cars."""
    taken_kw = carried_kw(row) + row.get("owed_kw", 0.0) + row.get("kept_kw", 0.0)
    return float(max(row["capacity_kw"] - taken_kw, 0.0)) if usable(row) else 0.0


def figures(fleet: Fleet) -> dict[str, float]:
    """Return the headroom for new cars, the firm capacity, and how many substations take new cars."""
    rows = fleet["substations"]
    return {
        "headroom_kw": round(sum(room_kw(row) for row in rows), 1),
        "firm_kw": round(firm_kw(rows), 1),
        "open": sum(usable(row) for row in rows),
    }


def _effects(fleet: Fleet, after: Fleet, order: Order, releases: Releases) -> list[str]:
    row = find(after, order.target) or {}
    match order.kind:
        case "drain":
            return [
                f"{order.target} takes no new car. Its {row['sessions']} running sessions go on until they end."
            ]
        case "restore":
            return [f"{order.target} takes new cars again: it has room for {_kw(room_kw(row))}."]
        case "policy":
            return [
                f"New cars are placed by {order.value} instead of {fleet['policy']}. Running sessions stay.",
                "Every balancer on the same order book follows within about a second.",
            ]
        case _:
            return [_limit_effect(row, releases)]


def _limit_effect(row: Row, releases: Releases) -> str:
    name, limit_kw, excess_kw = row["substation_id"], row["capacity_kw"], carried_kw(row) - row["capacity_kw"]
    if excess_kw <= 0:
        return (
            f"{name} admits up to {_kw(limit_kw)}; it carries {_kw(carried_kw(row))} now. Nobody is cut off."
        )
    between = below_in_s(releases, excess_kw)
    when = (
        f"By the plans of its sessions that is in {_span(*between)}."
        if between
        else "When that will be is not known."
    )
    return (
        f"Nobody is cut off. {name} carries {_kw(excess_kw)} more than the new limit of {_kw(limit_kw)},"
        f" and admits nothing until its load is below it. {when}"
    )


def _next_car(after: Fleet) -> str:
    rows = [row for row in after["substations"] if room_kw(row) > 0]
    if not rows:
        return "New cars find no room anywhere: they wait, or are refused with a time to come back."
    if after["policy"] in EVENLY:
        return f"New cars go {EVENLY[after['policy']]} to {_names(rows)}."
    if after["policy"] == BY_FORECAST and not after.get("forecast_doubt"):
        return f"New cars go to {_names(rows)}, each where the peak while it stays is expected to be lowest."
    lowest = min(rows, key=lambda row: carried_kw(row) / row["capacity_kw"])
    share = 100 * carried_kw(lowest) / lowest["capacity_kw"]
    return f"New cars go to {_names(rows)}, first to {lowest['substation_id']}: it stands lowest, at {share:.1f} %."


def _warnings(fleet: Fleet, after: Fleet, growth_kw_s: float | None) -> list[str]:
    rows, warnings = after["substations"], []
    left_kw = figures(after)["headroom_kw"]
    if left_kw > figures(fleet)["headroom_kw"]:
        return []
    if not any(usable(row) for row in rows):
        warnings.append("No substation would be left that takes new cars: every one would be refused.")
    elif not left_kw:
        warnings.append("No room would be left: every new car would wait, or be refused.")
    elif growth_kw_s and growth_kw_s > 0 and left_kw < growth_kw_s * GROWTH_S:
        warnings.append(
            f"The load grows by {growth_kw_s:.1f} kW a second. At that rate the room that is left lasts"
            f" {left_kw / growth_kw_s:.0f} s."
        )
    load_kw, firm = sum(row["load_kw"] for row in rows if usable(row)), firm_kw(rows)
    if firm < min(load_kw, firm_kw(fleet["substations"])):
        warnings.append(
            f"With the largest substation lost as well, {_kw(firm)} would be left for the {_kw(load_kw)} that cars"
            " reserve now at those which take new ones."
        )
    return warnings


def _why_no_limit(row: Row, order: Order) -> str:
    limit_kw = row["rated_kw"] if order.value is None else float(order.value)
    if limit_kw > row["rated_kw"] + SAME_KW:
        return f"{order.target} is rated for {_kw(row['rated_kw'])}: a limit can't be above that."
    if abs(limit_kw - row["capacity_kw"]) < SAME_KW:
        return f"The limit of {order.target} is {_kw(limit_kw)} already."
    return ""


def _names(rows: Sequence[Row]) -> str:
    names = sorted(str(row["substation_id"]) for row in rows)
    most = 4
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def _kw(kw: float) -> str:
    return f"{kw:,.0f} kW" if abs(kw) >= 10 or kw == int(kw) else f"{kw:,.1f} kW"


def _span(low_s: float, high_s: float) -> str:
    if high_s < 120:
        return f"{low_s:g} to {high_s:g} s"
    return f"{low_s / 60:.0f} to {high_s / 60:.0f} min"
