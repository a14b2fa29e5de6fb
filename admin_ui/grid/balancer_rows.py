"""What is shown of each balancer: whether it is up, its share of the decisions, what it has to do, whom it can't reach.

Pure: time comes as seconds of a monotonic clock. With one balancer nothing is shown: the grid's link says how it stands.
"""

import collections
import itertools
from collections.abc import Iterable, Mapping
from typing import Any

from admin_ui.grid.balancers import Balancers, FollowedBalancer
from admin_ui.grid.reported_fleet import ReportedFleet

SPAN_S = 60.0  # decisions are counted over this time
MOST_NAMED = 5  # substations out of reach
REPORTED = ("version", "started_unix_ms", "waiting", "in_flight")


class DecisionCounts:
    """The decisions of each balancer in the last SPAN_S."""

    def __init__(self) -> None:
        self._samples: dict[str, collections.deque[tuple[float, int, int]]] = {}

    def sample(self, fleets: Mapping[str, ReportedFleet], now_s: float) -> None:
        """Take the counters of this second; decisions of a process that was started anew add to those before."""
        for url, fleet in fleets.items():
            samples = self._samples.setdefault(url, collections.deque())
            if fleet.connected and "decided" in fleet.process:
                samples.append((now_s, int(fleet.process["started_unix_ms"]), int(fleet.process["decided"])))
            while samples and now_s - samples[0][0] > SPAN_S:
                samples.popleft()
        for url in self._samples.keys() - fleets.keys():
            del self._samples[url]

    def of(self, url: str) -> int:
        """Return how many decisions a balancer made in that time."""
        samples, made = list(self._samples.get(url, ())), 0
        for (_, started, decided), (_, anew, more) in itertools.pairwise(samples):
            made += max(more - decided, 0) if started == anew else more
        return made


def rows(
    balancers: Balancers,
    fleets: Mapping[str, ReportedFleet],
    unreached: Mapping[str, Iterable[str]],
    counts: DecisionCounts,
) -> list[dict[str, Any]]:
    """Return a row for each balancer, by address; none where there is only one."""
    if not balancers.several:
        return []
    made = {url: counts.of(url) for url in balancers.by_url}
    total = sum(made.values())
    found = [
        _row(each, fleets.get(url), sorted(unreached.get(url, ())), made[url], total)
        for url, each in balancers.by_url.items()
    ]
    return sorted(found, key=lambda row: str(row["name"]))


def _row(
    balancer: FollowedBalancer,
    fleet: ReportedFleet | None,
    unreached: list[str],
    made: int,
    total: int,
) -> dict[str, Any]:
    """Return one row; what a lost balancer said last is not shown, because it is not so any more."""
    process = fleet.process if fleet and balancer.up else {}
    heard = balancer.heard_unix_s
    return {
        "name": balancer.name,
        "url": balancer.url,
        "state": _state(balancer, process),
        "why": balancer.why or "; ".join(map(str, process.get("waiting_for", ()))),
        "heard_unix_s": None if balancer.up or heard is None else round(heard),
        "decisions": made,
        "share": round(made / total, 3) if total else None,
        "book_id": fleet.rest.get("book_id") if fleet and balancer.up else None,
        "book_fault": "; ".join(map(str, process.get("book_waiting_for", ()))),
        "unreached": unreached[:MOST_NAMED],
        "unreached_count": len(unreached),
    } | {name: process.get(name) for name in REPORTED}


def _state(balancer: FollowedBalancer, process: Mapping[str, Any]) -> str:
    """Return `up`, `waiting` when it can place no car, or `lost`."""
    if not balancer.up:
        return "lost"
    return "waiting" if process.get("waiting_for") else "up"
