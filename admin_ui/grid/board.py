"""The state of the fleet, assembled from the balancer's frames, with the history of each substation.

Pure: time comes as seconds of a monotonic clock, for history as unix seconds. Rules:

- a frame out of order is never applied: the stream starts again with a snapshot;
- when the stream is lost, the last known state stays shown with its age, and is called stale;
- history is recorded once a second; a stale value leaves a gap;
- an impossible figure, infinite or beyond MOST, is replaced by 0, and its row is stale.
"""

from collections.abc import Mapping
from typing import Any

from admin_ui.grid.history import HISTORY_S, History, Loads
from admin_ui.grid.means import FLEET as WHOLE_FLEET
from admin_ui.grid.means import Figures
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
from runtime.changes import HEARTBEAT_S, Table

CONSOLE = Table("state", FLEET.rows, FLEET.key, FLEET.age)
HICCUP_S = 3.0  # how much longer than a heartbeat a silence may last before the stream counts as lost
STALE_AFTER_S = HEARTBEAT_S + HICCUP_S
STALE_POLLS = 3  # a report that is older than this many polls is stale; the balancer ejects at the same age
MOST = 1e9  # the highest possible figure of a row: kW, seconds, sessions
FIGURES = (
    "capacity_kw",
    "rated_kw",
    "load_kw",
    "base_load_kw",
    "headroom_kw",
    "utilization",
    "sessions",
    "paused",
    FLEET.age,
)
POLL_S = 1.0  # until the balancer reports its own interval

Row = dict[str, Any]


class OutOfOrder(Exception):
    """A frame was lost; nothing can be applied until the next snapshot."""


class Board:
    """The fleet as the balancer's stream reports it."""

    def __init__(self) -> None:
        self.rows: dict[str, Row] = {}
        self.rest: dict[str, Any] = {}
        self.histories: dict[str, History] = {}
        self.fleet = History()
        self.connected = False
        self._seq = 0
        self._age_at_s: dict[str, float] = {}  # when the age of a row was reported
        self._changes = StateChanges()
        self._odd: set[str] = set()  # substations with an impossible figure
        self._heard_s: float | None = None  # when the last frame came
        self._heard_second: int | None = None
        self._second = 0

    def connect(self) -> None:
        """Start a new stream; its first frame must be a snapshot."""
        self._seq = 0

    def lose(self) -> None:
        """Record that the stream has ended."""
        self.connected = False

    def apply(self, frame: Mapping[str, Any], now_s: float) -> None:
        """Apply one frame of `/fleet/stream`; raises OutOfOrder."""
        self._seq += 1
        kind = frame["kind"]
        if frame["seq"] != self._seq or (kind == "snapshot") != (self._seq == 1):
            raise OutOfOrder(f"frame {frame['seq']} ({kind}) came where frame {self._seq} was expected")
        if kind == "snapshot":
            fleet = frame[FLEET.whole]
            self.rows.clear()
            self._age_at_s.clear()
            self._odd.clear()
            self.rest = {name: value for name, value in fleet.items() if name != FLEET.rows}
            self._take(fleet[FLEET.rows], now_s)
            self.connected = True
        else:
            self._change(frame, now_s)
        self._heard_s = now_s

    def stale(self, now_s: float) -> bool:
        """Whether the stream has been silent for so long that nobody may act on what is shown."""
        return self._heard_s is None or now_s - self._heard_s > STALE_AFTER_S

    def current(self, now_s: float) -> bool:
        """Whether the figures are current; charts have a gap while they are not."""
        return self.connected and self._heard_s is not None and now_s - self._heard_s <= 2 * HEARTBEAT_S

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
        if self._heard_s is not None:
            self._heard_second = int(unix_s - (now_s - self._heard_s))
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

    def age_s(self, name: str, now_s: float) -> float:
        """Return the age of a substation's report in seconds."""
        return float(self.rows[name][FLEET.age]) + now_s - self._age_at_s[name]

    def _stale_row(self, name: str) -> bool:
        """Whether a report was stale when the last frame came; a later silence is the stream's, not the row's."""
        if name not in self.rows or name in self._odd:
            return True
        age_s = self.age_s(name, self._heard_s or 0.0)
        return age_s > float(self.rest.get("poll_s", POLL_S)) * STALE_POLLS

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

    def _change(self, frame: Mapping[str, Any], now_s: float) -> None:
        self._take(frame.get(FLEET.rows, []), now_s)
        for name in frame.get("gone", []):
            self.rows.pop(name, None)
            self._age_at_s.pop(name, None)
            self._odd.discard(name)
        known = {"seq", "kind", "gone", FLEET.rows, FLEET.age}
        self.rest |= {name: value for name, value in frame.items() if name not in known}
        for name, age_s in frame.get(FLEET.age, {}).items():
            self.rows[name][FLEET.age] = age_s if _possible(age_s) else MOST
            self._age_at_s[name] = now_s

    def _take(self, rows: list[Row], now_s: float) -> None:
        for row in rows:
            name = row[FLEET.key]
            odd = {figure: 0 for figure in FIGURES if not _possible(row.get(figure, 0))}
            self.rows[name] = row | odd
            self._age_at_s[name] = now_s
            self._changes.note(name, row, self._second)
            (self._odd.add if odd else self._odd.discard)(name)


def _loads(row: Row) -> Loads:
    return Loads(row["load_kw"], row.get("base_load_kw", 0.0), row["capacity_kw"], rated_kw(row))


def _figures(row: Row) -> Figures:
    return Figures(*_loads(row)[:3], row["sessions"], rated_kw(row))


def _possible(figure: float) -> bool:
    """Whether a figure is possible; NaN is not. Raises TypeError when it is not a number."""
    return -MOST <= figure <= MOST
