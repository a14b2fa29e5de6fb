"""The findings of the alarm rules in the state that the console shows.

Pure: it judges one state as browsers see it. Rules:

- between the limit that raises an alarm and the one that clears it lies a deadband, in which nothing changes (ISA-18.2,
  EEMUA 191);
- unknown figures are not judged: while the balancer's stream is lost, the fleet's alarms stay as they are;
- one cause has one alarm: the consequences of an alarm are not reported as well.
"""

import dataclasses
import enum
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from admin_ui.alarms.rules import OF_THE_FLEET
from admin_ui.grid.usable_capacity import carried_kw

State = Mapping[str, Any]
Row = Mapping[str, Any]
Key = tuple[str, str]  # the rule, and the substation ('' for the whole grid)

OVERLOADED = (1.0, 1.005)  # utilization: up to the first the alarm clears, above the second it is raised
FULL = (0.9, 0.95)
EXPECTED = (0.97, 1.0)  # utilization, by the cars of now and the base load that is expected within 2 h
TO_LIMIT_S = (120.0, 60.0)
RISKY = 0.7  # utilization; below it, a rising load is normal at the start of a day
UNBALANCED = (1.15, 1.25)  # highest over mean utilization
BUSY = (0.2, 0.3)  # mean utilization; below the second, one or two cars make the whole difference
REFUSED = (0.02, 0.05)  # share of the requests
REFUSED_PER_S = 0.3  # below it, a single refusal in five seconds would raise the alarm
NO_ROOM = (0.05, 0.02)  # share of the capacity that is free: from the first on the alarm clears
# Normally a report is at most one poll old, but a busy machine delays some polls.
OLD_POLLS = 5
FRESH = 0.7  # share of the stale age below which a report is fresh again
PLACED = frozenset({"healthy", "suspect", "probing"})


class Judgement(enum.Enum):
    """The state of a rule."""

    FINE = enum.auto()
    BETWEEN = enum.auto()  # within the deadband: the alarm stays as it is
    BAD = enum.auto()


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    """The finding of a rule: its judgement, the figures in words, and a size that orders the findings of a rule."""

    judgement: Judgement
    said: str
    size: float = 0.0


def unknown(state: State) -> frozenset[str]:
    """Return the names of the rules that can't be judged now."""
    silent = {"RefusalRateHigh"} if state["gateway"]["requests_per_s"] is None else set()
    if all(row["state"] == "lost" for row in state.get("balancers", [])):
        silent.add("BalancerLost")  # none goes on: BalancerStreamLost will report it
    return frozenset(OF_THE_FLEET | silent if state["link"]["stale"] else silent)


def old_from_s(wanted_s: float, state: State) -> float:
    """Return the age in seconds from which a report is old: `wanted_s`, but at least OLD_POLLS of the balancer's polls."""
    return max(wanted_s, OLD_POLLS * float(state.get("poll_s") or 0.0))


def findings(state: State, stale_s: float) -> dict[Key, Finding]:
    """Return the findings in a state; a rule without one is fine. A report is old from `stale_s` on."""
    rows = state["substations"]
    found = {(name, row["substation_id"]): finding for row in rows for name, finding in _of_one(row, stale_s)}
    found |= {
        ("SubstationUnseen", address): Finding(Judgement.BAD, f"No substation was ever seen at {address}")
        for address in state.get("unseen", [])
    }
    found |= {("BalancerLost", row["name"]): _balancer(row) for row in state.get("balancers", [])}
    fleet: dict[str, Callable[[State], Finding | None]] = {
        "LoadImbalance": _imbalance,
        "RefusalRateHigh": _refusals,
        "NoHeadroom": _headroom,
        "BalancerStreamLost": _stream,
        "GatewayUnreachable": _gateway,
    }
    whole = {(name, ""): finding for name, judge in fleet.items() if (finding := judge(state))}
    return found | whole


def _of_one(row: Row, stale_s: float) -> Iterator[tuple[str, Finding]]:
    """Yield the findings of one substation with their rules."""
    state, name = row["state"], row["substation_id"]
    expected = state == "gone" and row["draining"] and not row["sessions"]  # it was drained and then removed
    if state == "conflict":
        yield "IdentityConflict", Finding(Judgement.BAD, f"Two journals or addresses claim the id {name}")
    elif state in {"ejected", "gone"} and not expected:
        reason = (
            "It does not answer the balancer"
            if state == "ejected"
            else "Its address is no longer in the list"
        )
        yield "SubstationDown", Finding(Judgement.BAD, f"{reason}; open sessions there: {row['sessions']}")
    elif state == "probing":
        yield "SubstationDown", Finding(Judgement.BETWEEN, "It answers again, and the balancer is testing it")
    elif state == "suspect":
        yield "SubstationSuspect", Finding(Judgement.BAD, "Its polls fail, or its stream is down")
    if state not in PLACED:
        return
    yield "SubstationOverload", _overload(row)
    yield "OverloadPredicted", _prediction(row)
    yield "SessionsPaused", _pauses(row)
    if row.get("base_load_stale"):
        said = (
            f"No reading of its meter has come for three intervals; {row['base_load_kw']:,.0f} kW are assumed"
        )
        yield "BaseLoadStale", Finding(Judgement.BAD, said)
    age_s = row["report_age_s"]
    judgement = _above(age_s, (stale_s * FRESH, stale_s))
    yield "ReportsStale", Finding(judgement, f"The newest report is {age_s:.0f} s old", age_s)


def _overload(row: Row) -> Finding:
    base_load_kw, limit_kw = row.get("base_load_kw", 0.0), row["capacity_kw"]
    over_kw = carried_kw(row) - limit_kw
    said = f"{carried_kw(row):,.0f} kW of {limit_kw:,.0f} kW: {over_kw:,.0f} kW too much"
    if base_load_kw > limit_kw:
        said += "; the base load alone is above the limit"
    elif base_load_kw:
        said += f"; the base load is {base_load_kw:,.0f} kW of it"
    return Finding(_above(row["utilization"], OVERLOADED), said, row["utilization"])


def _pauses(row: Row) -> Finding:
    """Judge the sessions that wait for room that the base load has taken."""
    paused = row.get("paused", 0)
    if not paused:
        return Finding(Judgement.FINE, "")
    said = (
        f"Paused: {paused} of {row['sessions']} sessions. The base load is {row['base_load_kw']:,.0f} kW of"
        f" {row['capacity_kw']:,.0f} kW"
    )
    return Finding(Judgement.BAD, said, paused)


def _prediction(row: Row) -> Finding:
    """Judge how near a substation is to its limit now, or will be soon by its trend or by the forecast of its base load.

    Above the limit, SubstationOverload reports it, and SessionsPaused while sessions make way for the base load. What
    cars reserve at a drained substation only falls.
    """
    used, room_kw, trend_kw_s = row["utilization"], max(row["headroom_kw"], 0.0), row["trend_kw_s"] or 0.0
    if used > OVERLOADED[1] or row["draining"] or row.get("paused"):
        return Finding(Judgement.FINE, "")
    left_s = room_kw / trend_kw_s if trend_kw_s > 0 and used >= RISKY else math.inf
    said = f"{used * 100:.0f} % of {row['capacity_kw']:,.0f} kW"
    if left_s < TO_LIMIT_S[0]:
        said += f", {trend_kw_s * 60:+,.0f} kW a minute: at the limit in {_about(left_s)}"
    judgement = _worse(_above(used, FULL), _above(-left_s, (-TO_LIMIT_S[0], -TO_LIMIT_S[1])))
    if expected_kw := row.get("expected_base_load_kw"):
        ahead = (row["load_kw"] + expected_kw) / row["capacity_kw"]
        if ahead > EXPECTED[0]:
            said += (
                f"; by the forecast the base load is {expected_kw:,.0f} kW at {row['expected_at']}: {ahead * 100:.0f} %"
                " if the cars stay"
            )
        judgement = _worse(judgement, _above(ahead, EXPECTED))
    return Finding(judgement, said, used)


def _imbalance(state: State) -> Finding | None:
    open_ = [row for row in state["substations"] if row["state"] == "healthy" and not row["draining"]]
    mean = sum(row["utilization"] for row in open_) / len(open_) if open_ else 0.0
    if len(open_) < 2 or mean < BUSY[0]:
        return None
    most = max(open_, key=lambda row: row["utilization"])
    if most["utilization"] > OVERLOADED[1]:
        return None  # SubstationOverload reports it
    if max(row.get("base_load_kw", 0.0) / row["capacity_kw"] for row in open_) > UNBALANCED[0] * mean:
        return None  # the base load makes it uneven, and no placement of cars can even it
    ratio = most["utilization"] / mean
    judgement = _above(ratio, UNBALANCED)
    if judgement is Judgement.BAD and mean < BUSY[1]:
        judgement = Judgement.BETWEEN
    said = f"{most['substation_id']} is at {most['utilization'] * 100:.0f} %, the mean at {mean * 100:.0f} %: {ratio:.2f} times"
    return Finding(judgement, said, ratio)


def _refusals(state: State) -> Finding | None:
    requests, refused = state["gateway"]["requests_per_s"], state["gateway"]["refused_per_s"]
    if not requests or refused is None:
        return None
    judgement = _above(refused / requests, REFUSED)
    if judgement is Judgement.BAD and refused < REFUSED_PER_S:
        judgement = Judgement.BETWEEN
    said = f"{refused:.1f} of {requests:.1f} requests a second: {refused / requests * 100:.0f} %"
    return Finding(judgement, said, refused / requests)


def _headroom(state: State) -> Finding | None:
    totals = state["totals"]
    if not state["substations"]:
        return None
    if not totals["usable"]:
        return Finding(Judgement.BAD, "No substation takes cars: all are drained or lost", 0.0)
    share = totals["headroom_kw"] / totals["capacity_kw"] if totals["capacity_kw"] else 0.0
    said = f"{totals['headroom_kw']:,.0f} kW of {totals['capacity_kw']:,.0f} kW that take cars is free: {share * 100:.0f} %"
    return Finding(_above(-share, (-NO_ROOM[0], -NO_ROOM[1])), said, -share)


def _stream(state: State) -> Finding | None:
    return Finding(Judgement.BAD, "The balancer's stream is lost") if state["link"]["stale"] else None


def _balancer(row: Row) -> Finding:
    """Judge one of several balancers; while all are lost, BalancerStreamLost reports it, and this one is not judged."""
    if row["state"] != "lost":
        return Finding(Judgement.FINE, "")
    return Finding(Judgement.BAD, f"The other balancers go on without it: {row['why']}")


def _gateway(state: State) -> Finding | None:
    silent = state["gateway"]["requests_per_s"] is None
    return Finding(Judgement.BAD, "The gateway's counters can't be read") if silent else None


def _above(value: float, limits: tuple[float, float]) -> Judgement:
    """Judge a value: it is fine up to the first limit, and bad above the second."""
    if value > limits[1]:
        return Judgement.BAD
    return Judgement.BETWEEN if value > limits[0] else Judgement.FINE


def _worse(one: Judgement, other: Judgement) -> Judgement:
    return max(one, other, key=lambda judgement: judgement.value)


def _about(seconds: float) -> str:
    """Return a time in words, in steps so coarse that it does not change with every look."""
    return f"{math.ceil(seconds / 10) * 10} s" if seconds < TO_LIMIT_S[1] else f"{seconds / 60:.0f} min"
