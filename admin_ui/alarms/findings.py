"""What the alarm rules find in the state that the console shows.

Pure: it judges one state as browsers see it.

- Between the limit that raises and the one that clears lies a deadband, in which nothing changes
  (ISA-18.2, EEMUA 191);
- what can't be known now is not judged: with the balancer's stream lost, the fleet's alarms stay as they are;
- one cause, one alarm: what follows from another alarm is not reported as well.
"""

import dataclasses
import enum
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from admin_ui.alarms.rules import OF_THE_FLEET

State = Mapping[str, Any]
Row = Mapping[str, Any]
Key = tuple[str, str]  # the rule, and the substation ('' for the whole grid)

OVERLOADED = (1.0, 1.005)  # utilization: at most the first clears, more than the second raises
FULL = (0.9, 0.95)
TO_LIMIT_S = (120.0, 60.0)
RISKY = 0.7  # utilization below which a rising load is what a day begins with
UNBALANCED = (1.15, 1.25)  # highest over mean utilization
BUSY = (0.2, 0.3)  # mean utilization: at least the second, or a difference is a car or two
REFUSED = (0.02, 0.05)  # share of the requests
REFUSED_PER_S = 0.3  # fewer is one in five seconds
NO_ROOM = (0.05, 0.02)  # share of the capacity that is open: at least the first clears
# A report is at most one poll old where all is well; fewer polls than this are late on a busy machine.
OLD_POLLS = 5
FRESH = 0.7  # of the age that makes a report stale
PLACED = frozenset({"healthy", "suspect", "probing"})


class Judgement(enum.Enum):
    """How things stand by one rule."""

    FINE = enum.auto()
    BETWEEN = enum.auto()  # within the deadband: whatever was, stays
    BAD = enum.auto()


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    """What a rule finds now, with the figures in words; `size` compares findings of one rule."""

    verdict: Judgement
    said: str
    size: float = 0.0


def unknown(state: State) -> frozenset[str]:
    """Return the names of the rules that can't be judged now."""
    silent = {"RefusalRateHigh"} if state["gateway"]["requests_per_s"] is None else set()
    return frozenset(OF_THE_FLEET | silent if state["link"]["stale"] else silent)


def old_from_s(wanted_s: float, state: State) -> float:
    """Return from which age on a report is old: as wanted, but never before OLD_POLLS of the balancer's own polls."""
    return max(wanted_s, OLD_POLLS * float(state.get("poll_s") or 0.0))


def findings(state: State, stale_s: float) -> dict[Key, Finding]:
    """Return what the rules say of a state; what is not in it is fine. From `stale_s` on, a report is old."""
    rows = state["substations"]
    found = {(name, row["substation_id"]): finding for row in rows for name, finding in _of_one(row, stale_s)}
    found |= {
        ("SubstationUnseen", address): Finding(Judgement.BAD, f"No substation was ever seen at {address}")
        for address in state.get("unseen", [])
    }
    fleet: dict[str, Callable[[State], Finding | None]] = {
        "LoadImbalance": _imbalance,
        "RefusalRateHigh": _refusals,
        "NoHeadroom": _headroom,
        "BalancerStreamLost": _stream,
        "GatewayUnreachable": _gateway,
    }
    whole = {(name, ""): judged for name, judge in fleet.items() if (judged := judge(state))}
    return found | whole


def _of_one(row: Row, stale_s: float) -> Iterator[tuple[str, Finding]]:
    """Yield what is said of one substation."""
    state, name = row["state"], row["substation_id"]
    expected = state == "gone" and row["draining"] and not row["sessions"]  # taken away in good order
    if state == "conflict":
        yield "IdentityConflict", Finding(Judgement.BAD, f"Two journals or addresses claim to be {name}")
    elif state in {"ejected", "gone"} and not expected:
        told = (
            "It does not answer the balancer"
            if state == "ejected"
            else "Its address is no longer in the list"
        )
        yield "SubstationDown", Finding(Judgement.BAD, f"{told}; open sessions there: {row['sessions']}")
    elif state == "probing":
        yield "SubstationDown", Finding(Judgement.BETWEEN, "It answers again, and is being tried")
    elif state == "suspect":
        yield "SubstationSuspect", Finding(Judgement.BAD, "Polls of it fail, or its stream is down")
    if state not in PLACED:
        return
    yield "SubstationOverload", _overload(row)
    yield "OverloadPredicted", _prediction(row)
    age_s = row["report_age_s"]
    verdict = _above(age_s, (stale_s * FRESH, stale_s))
    yield "ReportsStale", Finding(verdict, f"The newest report is {age_s:.0f} s old", age_s)


def _overload(row: Row) -> Finding:
    over_kw = row["load_kw"] - row["capacity_kw"]
    said = f"{row['load_kw']:,.0f} kW of {row['capacity_kw']:,.0f} kW: {over_kw:,.0f} kW too much"
    return Finding(_above(row["utilization"], OVERLOADED), said, row["utilization"])


def _prediction(row: Row) -> Finding:
    """Tell what is near its limit, or will be soon by its trend; above it another alarm tells, and drained it only falls."""
    used, room_kw, trend_kw_s = row["utilization"], max(row["headroom_kw"], 0.0), row["trend_kw_s"] or 0.0
    if used > OVERLOADED[1] or row["draining"]:
        return Finding(Judgement.FINE, "")
    left_s = room_kw / trend_kw_s if trend_kw_s > 0 and used >= RISKY else math.inf
    said = f"{used * 100:.0f} % of {row['capacity_kw']:,.0f} kW"
    if left_s < TO_LIMIT_S[0]:
        said += f", {trend_kw_s * 60:+,.0f} kW a minute: at the limit in {_about(left_s)}"
    verdict = _worse(_above(used, FULL), _above(-left_s, (-TO_LIMIT_S[0], -TO_LIMIT_S[1])))
    return Finding(verdict, said, used)


def _imbalance(state: State) -> Finding | None:
    open_ = [row for row in state["substations"] if row["state"] == "healthy" and not row["draining"]]
    mean = sum(row["utilization"] for row in open_) / len(open_) if open_ else 0.0
    if len(open_) < 2 or mean < BUSY[0]:  # noqa: PLR2004 - one alone is even
        return None
    most = max(open_, key=lambda row: row["utilization"])
    if most["utilization"] > OVERLOADED[1]:
        return None  # told as such
    ratio = most["utilization"] / mean
    verdict = _above(ratio, UNBALANCED)
    if verdict is Judgement.BAD and mean < BUSY[1]:
        verdict = Judgement.BETWEEN
    said = f"{most['substation_id']} is at {most['utilization'] * 100:.0f} %, the mean at {mean * 100:.0f} %: {ratio:.2f} times"
    return Finding(verdict, said, ratio)


def _refusals(state: State) -> Finding | None:
    asked, refused = state["gateway"]["requests_per_s"], state["gateway"]["refused_per_s"]
    if not asked or refused is None:
        return None
    verdict = _above(refused / asked, REFUSED)
    if verdict is Judgement.BAD and refused < REFUSED_PER_S:
        verdict = Judgement.BETWEEN
    said = f"{refused:.1f} of {asked:.1f} requests a second: {refused / asked * 100:.0f} %"
    return Finding(verdict, said, refused / asked)


def _headroom(state: State) -> Finding | None:
    totals = state["totals"]
    if not state["substations"]:
        return None
    if not totals["usable"]:
        return Finding(Judgement.BAD, "No substation takes cars: each is drained or lost", 0.0)
    share = totals["headroom_kw"] / totals["capacity_kw"] if totals["capacity_kw"] else 0.0
    said = f"{totals['headroom_kw']:,.0f} kW of {totals['capacity_kw']:,.0f} kW that take cars is open: {share * 100:.0f} %"
    return Finding(_above(-share, (-NO_ROOM[0], -NO_ROOM[1])), said, -share)


def _stream(state: State) -> Finding | None:
    return Finding(Judgement.BAD, "Its stream is lost") if state["link"]["stale"] else None


def _gateway(state: State) -> Finding | None:
    silent = state["gateway"]["requests_per_s"] is None
    return Finding(Judgement.BAD, "Its counters can't be read") if silent else None


def _above(value: float, limits: tuple[float, float]) -> Judgement:
    """Judge a value by the limit up to which it is fine, and the one above which it is bad."""
    if value > limits[1]:
        return Judgement.BAD
    return Judgement.BETWEEN if value > limits[0] else Judgement.FINE


def _worse(one: Judgement, other: Judgement) -> Judgement:
    return max(one, other, key=lambda verdict: verdict.value)


def _about(seconds: float) -> str:
    """Return a time as steps that don't change with every look."""
    return f"{math.ceil(seconds / 10) * 10} s" if seconds < TO_LIMIT_S[1] else f"{seconds / 60:.0f} min"
