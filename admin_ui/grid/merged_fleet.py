"""One fleet out of those that several balancers report.

Pure: time comes as seconds of a monotonic clock. Rules:

- only balancers whose figures are current count; while none is, what all of them said last is shown;
- of each substation, the newest report wins, of the balancers that reach it: one that can't says nothing of its load;
- a duplicate id that one balancer has noticed is shown, whoever else has not;
- what is not of a substation, such as the policy, is that of the first of these balancers.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

from admin_ui.grid.reported_fleet import POLL_S, ReportedFleet, Row

REACHES = frozenset({"healthy", "suspect", "probing"})  # the states of a substation that a balancer reaches
SETTLED_S = 5.0  # after its start or its return, a balancer may still look for substations
UNREACHED = "unreached_by"


@dataclasses.dataclass(frozen=True, slots=True)
class MergedFleet:
    """The rows by substation, the balancer that each is of, and what is not of a substation.

    `unreached` has, by balancer, the substations that others reach and it does not. Where all rows are of one balancer,
    that is `lone`, and `sources` is empty.
    """

    rows: dict[str, Row]
    sources: Mapping[str, str]
    rest: dict[str, Any]
    unreached: Mapping[str, tuple[str, ...]]
    lone: str | None = None


def merged(fleets: Mapping[str, ReportedFleet], now_s: float) -> MergedFleet:
    """Return one fleet; `fleets` are by balancer, and its rows have `unreached_by` where a balancer lacks them."""
    counted = {name: each for name, each in fleets.items() if each.current(now_s)} or dict(fleets)
    sources = _sources(counted)
    rows = {name: counted[of].rows[name] for name, of in sources.items()}
    unreached: dict[str, list[str]] = {}
    for balancer, fleet in counted.items():
        if fleet.connected and now_s - fleet.connected_s >= SETTLED_S:
            for name in _lacking(fleet, rows):
                unreached.setdefault(balancer, []).append(name)
                rows[name] = rows[name] | {UNREACHED: [*rows[name].get(UNREACHED, ()), balancer]}
    told = {balancer: tuple(sorted(names)) for balancer, names in unreached.items()}
    return MergedFleet(rows, sources, _rest(counted, rows), told)


def _sources(fleets: Mapping[str, ReportedFleet]) -> dict[str, str]:
    """Return the balancer whose row is shown, by substation."""
    best: dict[str, tuple[bool, bool, float]] = {}
    sources: dict[str, str] = {}
    for balancer, fleet in fleets.items():
        for name, row in fleet.rows.items():
            state = row["state"]
            rank = state == "conflict", state in REACHES, fleet.reported_s(name)
            if name not in best or rank > best[name]:
                best[name], sources[name] = rank, balancer
    return sources


def _lacking(fleet: ReportedFleet, rows: Mapping[str, Row]) -> list[str]:
    """Return the substations that others reach and this balancer does not."""
    return [
        name
        for name, row in rows.items()
        if row["state"] in REACHES
        and (own := fleet.rows.get(name, {}).get("state")) not in REACHES
        and own != "conflict"
    ]


def _rest(fleets: Mapping[str, ReportedFleet], rows: Mapping[str, Row]) -> dict[str, Any]:
    """Return what is not of a substation; an address where one balancer has never seen a substation may be known to another."""
    told = [each.rest for each in fleets.values() if each.rest]
    if not told:
        return {}
    seen = {row["url"] for row in rows.values()}
    unseen = dict.fromkeys(address for each in told for address in each.get("unseen", ()))
    poll_s = max(float(each.get("poll_s", POLL_S)) for each in told)
    return told[0] | {"poll_s": poll_s, "unseen": [each for each in unseen if each not in seen]}
