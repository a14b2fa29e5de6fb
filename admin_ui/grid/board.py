"""The state of the fleet, assembled from the frames of the balancers, with the history of each substation.

Pure: time comes as seconds of a monotonic clock, for history as unix seconds. Rules:

- when the streams of all balancers are lost, the last known state stays shown with its age, and is called stale;
- history is recorded once a second; a stale value leaves a gap;
- the fleets of several balancers are merged: see merged_fleet.py.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from admin_ui.grid.history import HISTORY_S, History, Loads
from admin_ui.grid.means import FLEET as WHOLE_FLEET
from admin_ui.grid.means import Figures
from admin_ui.grid.merged_fleet import MergedFleet, merged
from admin_ui.grid.reported_fleet import STALE_AFTER_S, OutOfOrder, ReportedFleet, Row
from admin_ui.grid.state_changes import StateChanges
from admin_ui.grid.usable_capacity import (
    carried_kw,
    headroom_kw,
    rated_kw,
    totals,
    usable,
    why_left_out,
)
from balancer.contract import FLEET
from runtime.changes import Table

__all__ = ["CONSOLE", "STALE_AFTER_S", "Board", "OutOfOrder"]

CONSOLE = Table("state", FLEET.rows, FLEET.key, FLEET.age)


class Board:
    """The fleet as the streams of the balancers report it."""

    def __init__(self) -> None:
        self.histories: dict[str, History] = {}
        self.fleet = History()
        self.reported: dict[str, ReportedFleet] = {}  # by balancer
        self._merged = MergedFleet({}, {}, {}, {})
        self._changes = StateChanges()
        self._heard_second: int | None = None
        self._second = 0

    @property
    def rows(self) -> dict[str, Row]:
        """The rows of the substations, by id."""
        return self._merged.rows

    @property
    def rest(self) -> dict[str, Any]:
        """What the balancers report besides."""
        return self._merged.rest

    @property
    def unreached(self) -> Mapping[str, tuple[str, ...]]:
        """By balancer, the substations that others reach and it does not."""
        return self._merged.unreached

    @property
    def connected(self) -> bool:
        """Whether the stream of a balancer is up."""
        return any(each.connected for each in self.reported.values())

    def connect(self, balancer: str = "") -> None:
        """Start a new stream of a balancer; its first frame must be a snapshot."""
        self.reported.setdefault(balancer, ReportedFleet()).connect()

    def lose(self, balancer: str = "") -> None:
        """Record that the stream of a balancer has ended."""
        if fleet := self.reported.get(balancer):
            fleet.lose()

    def forget(self, balancer: str, now_s: float) -> None:
        """Drop a balancer that is followed no more."""
        if self.reported.pop(balancer, None):
            self._merged = merged(self.reported, now_s)

    def apply(self, frame: Mapping[str, Any], now_s: float, balancer: str = "") -> None:
        """Apply one frame of a balancer's `/fleet/stream`; raises OutOfOrder."""
        fleet = self.reported.setdefault(balancer, ReportedFleet())
        touched: Iterable[str] = fleet.apply(frame, now_s)
        if len(self.reported) == 1:
            self._merged = MergedFleet(fleet.rows, {}, fleet.rest, {}, balancer)
        else:
            self._merged = merged(self.reported, now_s)
            touched = self.rows
        for name in touched:
            self._changes.note(name, self.rows[name], self._second)

    def source(self, name: str) -> str | None:
        """Return the balancer whose report of a substation is shown; None for an unknown substation."""
        if self._merged.lone is not None:
            return self._merged.lone if name in self.rows else None
        return self._merged.sources.get(name)

    def stale(self, now_s: float) -> bool:
        """Whether all streams have been silent for so long that nobody may act on what is shown."""
        return all(each.stale(now_s) for each in self.reported.values())

    def current(self, now_s: float) -> bool:
        """Whether the figures are current; charts have a gap while they are not."""
        return any(each.current(now_s) for each in self.reported.values())

    def trend_kw_s(self) -> float | None:
        """Return how fast the load of the usable substations changes; None when it is not known.

        It is the sum of their trends, because a drained substation leaves the sums at once without a fall in load.
        """
        usable_now = [self.histories.get(name) for name, row in self.rows.items() if usable(row)]
        known = [each.trend_kw_s for each in usable_now if each and each.trend_kw_s is not None]
        return round(sum(known), 1) if known else None

    def sample(self, unix_s: float, now_s: float) -> None:
        """Record this second in the history."""
        self._second = int(unix_s)
        heard = self.current(now_s)
        if (heard_s := self._heard_s) is not None:
            self._heard_second = int(unix_s - (now_s - heard_s))
        for name in self.histories.keys() | self.rows.keys():
            row = self.rows.get(name) if heard and not self._stale_row(name) else None
            history = self.histories.setdefault(name, History())
            history.put(self._second, _loads(row) if row else None)
        self.fleet.put(
            self._second, _loads(totals(list(self.rows.values()))) if heard and self.rows else None
        )
        for name in [n for n, h in self.histories.items() if self._second - h.known_second > HISTORY_S]:
            if name not in self.rows:
                del self.histories[name]
        self._changes.keep(self.rows.keys() | self.histories.keys())

    def figures(self, now_s: float) -> dict[str, Figures]:
        """Return what is known at this second, by name, with the fleet's sums; {} while nothing is."""
        if not self.rows or not self.current(now_s):
            return {}
        known = {name: row for name, row in self.rows.items() if not self._stale_row(name)}
        shown = known | {WHOLE_FLEET: totals(list(self.rows.values()))}
        return {name: _figures(row) for name, row in shown.items()}

    def restore(self, name: str, known: list[tuple[int, int, Loads]]) -> None:
        """Take back what was known before a restart: from a unix second on, for so many seconds, such loads."""
        history = self.fleet if name == WHOLE_FLEET else self.histories.setdefault(name, History())
        for at_s, seconds, loads in known:
            for second in range(at_s, at_s + seconds):
                history.put(second, loads)

    def history(self, seconds: int, names: list[str], step_s: int = 1) -> dict[str, Any]:
        """Return the last `seconds` of the named substations (default: all) and of the fleet's sums, in means of `step_s`."""
        wanted = {
            name: self.histories[name] for name in names or sorted(self.histories) if name in self.histories
        }
        return {
            "until_unix_s": self._second,
            "seconds": seconds,
            "step_s": step_s,
            "fleet": self.fleet.columns(self._second, seconds, step_s),
            FLEET.rows: {name: each.columns(self._second, seconds, step_s) for name, each in wanted.items()},
        }

    def shown(self, now_s: float) -> dict[str, Any]:
        """Return the fleet as browsers get it."""
        rows = [self._row(name, row, now_s) for name, row in sorted(self.rows.items())]
        stale = sum(row["stale"] for row in rows)
        sums = totals(rows)
        peak_kw = round(max(self.fleet.peak_kw, carried_kw(sums)), 1)
        sums |= {"peak_kw": peak_kw, "trend_kw_s": self.trend_kw_s()}
        return {
            **self.rest,
            FLEET.rows: rows,
            "totals": sums | {"stale": stale, "substations": len(rows)},
            "link": {
                "connected": self.connected,
                "stale": self.stale(now_s),
                "current": self.current(now_s),
                "heard_unix_s": None if self.connected else self._heard_second,
            },
        }

    def carriers(self) -> dict[str, str]:
        """Return the addresses of the substations that report a base load, by name."""
        return {name: row["url"] for name, row in self.rows.items() if row.get("base_load_kw")}

    @property
    def _heard_s(self) -> float | None:
        """When the last frame came."""
        return max(
            (each.heard_s for each in self.reported.values() if each.heard_s is not None), default=None
        )

    def age_s(self, name: str, now_s: float) -> float:
        """Return the age of a substation's report in seconds."""
        return self.reported[self.source(name) or ""].age_s(name, now_s)

    def _stale_row(self, name: str) -> bool:
        source = self.source(name)
        return source is None or self.reported[source].old(name)

    def _row(self, name: str, row: Row, now_s: float) -> Row:
        history = self.histories.get(name)
        carried_now_kw = round(carried_kw(row), 1)
        return row | {
            FLEET.age: self.age_s(name, now_s),
            "load_kw": round(row["load_kw"], 1),
            "base_load_kw": round(row.get("base_load_kw", 0.0), 1),
            "headroom_kw": round(headroom_kw(row), 1),
            "left_out": why_left_out(row),
            "peak_kw": round(max(history.peak_kw if history else 0.0, carried_now_kw), 1),
            "trend_kw_s": history.trend_kw_s if history else None,
            "stale": self._stale_row(name),
            "since_unix_s": self._changes.since(name),
        }


def _loads(row: Row) -> Loads:
    return Loads(row["load_kw"], row.get("base_load_kw", 0.0), row["capacity_kw"], rated_kw(row))


def _figures(row: Row) -> Figures:
    return Figures(*_loads(row)[:3], row["sessions"], rated_kw(row))
