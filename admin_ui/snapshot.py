"""What the console knows of the fleet: the balancer's frames put together, and the last quarter of an hour.

Pure: time comes as seconds of a monotonic clock, for history also as unix seconds. Rules:

- a frame that is out of its order is never applied: the stream begins anew with a snapshot;
- what was last known stays shown when the stream is lost, with its age, and is called stale;
- history is taken once a second, also of what is stale: a gap is None, never a value made up.
"""

import array
import math
from collections.abc import Mapping
from typing import Any

from balancer.contract import FLEET
from runtime.changes import Table

CONSOLE = Table("state", FLEET.rows, FLEET.key, FLEET.age)
HISTORY_S = 900
TREND_S = 10
STALE_AFTER_S = 3.0  # a hiccup of the stream shorter than this is no loss

Row = dict[str, Any]


class OutOfOrder(Exception):  # noqa: N818 - a state of the stream
    """A frame was lost; nothing can be applied until the next snapshot."""


class Ring:
    """The newest HISTORY_S values of one figure, one a second; NaN where it was not known."""

    def __init__(self) -> None:
        self._values = array.array("f", [math.nan]) * HISTORY_S

    def put(self, second: int, value: float) -> None:
        """Set the value of a second; the same second again replaces it."""
        self._values[second % HISTORY_S] = value

    def at(self, second: int) -> float:
        """Return what is kept in the place of a second: its own value, or that of a round before; NaN if none."""
        return self._values[second % HISTORY_S]

    def newest(self, second: int, count: int) -> list[float | None]:
        """Return `count` values up to and with `second`, oldest first; None where there is none."""
        values = (self._values[each % HISTORY_S] for each in range(second - count + 1, second + 1))
        return [None if math.isnan(value) else round(value, 1) for value in values]


class History:
    """Load and capacity of one substation in kW, the highest load kept, and how fast it changes."""

    def __init__(self) -> None:
        self.load_kw = Ring()
        self.capacity_kw = Ring()
        self.peak_kw = 0.0
        self.trend_kw_s = 0.0
        self.known_second = 0

    def put(self, second: int, row: Mapping[str, Any] | None) -> None:
        """Keep a second; None is a gap."""
        leaving = self.load_kw.at(second) >= self.peak_kw > 0
        self.load_kw.put(second, row["load_kw"] if row else math.nan)
        self.capacity_kw.put(second, row["capacity_kw"] if row else math.nan)
        if leaving:  # what is replaced may be the peak
            kept = self.load_kw.newest(second, HISTORY_S)
            self.peak_kw = max((value for value in kept if value is not None), default=0.0)
        if row:
            self.known_second = second
            self.peak_kw = max(self.peak_kw, self.load_kw.at(second))
        self.trend_kw_s = trend_kw_s(self.load_kw.newest(second, TREND_S))


class Board:
    """The fleet as the balancer's stream tells it."""

    def __init__(self) -> None:
        self.rows: dict[str, Row] = {}
        self.rest: dict[str, Any] = {}
        self.histories: dict[str, History] = {}
        self.connected = False
        self._seq = 0
        self._heard_s: dict[str, float] = {}  # when a row's age was told
        self._lost_s: float | None = None
        self._second = 0

    def connect(self) -> None:
        """A new stream begins; its first frame must be a snapshot."""
        self._seq = 0

    def lose(self, now_s: float) -> None:
        """The stream ended."""
        if self.connected:
            self._lost_s = now_s
        self.connected = False

    def apply(self, frame: Mapping[str, Any], now_s: float) -> None:
        """Take one frame of `/fleet/stream`; raises OutOfOrder."""
        self._seq += 1
        kind = frame["kind"]
        if frame["seq"] != self._seq or (kind == "snapshot") != (self._seq == 1):
            message = f"frame {frame['seq']} ({kind}) came where {self._seq} was due"
            raise OutOfOrder(message)
        match kind:
            case "snapshot":
                fleet = frame[FLEET.whole]
                self.rows.clear()
                self._take(fleet[FLEET.rows], now_s)
                self.rest = {name: value for name, value in fleet.items() if name != FLEET.rows}
                self.connected, self._lost_s = True, None
            case "changes":
                self._take(frame[FLEET.rows], now_s)
                for name in frame["gone"]:
                    self.rows.pop(name, None)
                self.rest |= {
                    name: value
                    for name, value in frame.items()
                    if name not in {"seq", "kind", "gone", FLEET.rows}
                }
            case "heartbeat":
                for name, age_s in frame[FLEET.age].items():
                    self.rows[name][FLEET.age] = age_s
                    self._heard_s[name] = now_s

    def stale(self, now_s: float) -> bool:
        """Whether the stream has been lost for so long that nothing shown may be acted on."""
        if self.connected:
            return False
        return self._lost_s is None or now_s - self._lost_s > STALE_AFTER_S

    def sample(self, unix_s: float) -> None:
        """Keep this second in the history."""
        self._second = int(unix_s)
        for name in self.histories.keys() | self.rows.keys():
            history = self.histories.setdefault(name, History())
            history.put(self._second, self.rows.get(name) if self.connected else None)
        for name in [n for n, h in self.histories.items() if self._second - h.known_second > HISTORY_S]:
            del self.histories[name]

    def history(self, seconds: int) -> dict[str, Any]:
        """Return the last `seconds` of every substation: columns of one value a second, oldest first."""
        columns = {
            name: {
                "load_kw": history.load_kw.newest(self._second, seconds),
                "capacity_kw": history.capacity_kw.newest(self._second, seconds),
            }
            for name, history in sorted(self.histories.items())
        }
        return {"until_unix_s": self._second, "seconds": seconds, FLEET.rows: columns}

    def shown(self, now_s: float) -> dict[str, Any]:
        """Return the fleet as browsers see it at a moment."""
        rows = [self._row(name, row, now_s) for name, row in sorted(self.rows.items())]
        return {
            **self.rest,
            FLEET.rows: rows,
            "totals": totals(rows),
            "link": {"connected": self.connected, "stale": self.stale(now_s)},
        }

    def _row(self, name: str, row: Row, now_s: float) -> Row:
        history = self.histories.get(name)
        return row | {
            FLEET.age: row[FLEET.age] + now_s - self._heard_s[name],
            "peak_kw": max(history.peak_kw if history else 0.0, row["load_kw"]),
            "trend_kw_s": history.trend_kw_s if history else 0.0,
        }

    def _take(self, rows: list[Row], now_s: float) -> None:
        for row in rows:
            self.rows[row[FLEET.key]] = dict(row)
            self._heard_s[row[FLEET.key]] = now_s


def totals(rows: list[Row]) -> dict[str, float]:
    """Return the sums over the substations that are there; one that is gone has no room."""
    there = [row for row in rows if row["state"] not in {"gone", "conflict"}]
    capacity_kw, load_kw = sum(row["capacity_kw"] for row in there), sum(row["load_kw"] for row in there)
    open_kw = sum(
        max(row["headroom_kw"], 0) for row in there if not row["draining"] and row["state"] != "ejected"
    )
    return {
        "capacity_kw": round(capacity_kw, 1),
        "load_kw": round(load_kw, 1),
        "headroom_kw": round(open_kw, 1),
        "utilization": round(load_kw / capacity_kw, 4) if capacity_kw else 0.0,
        "sessions": sum(row["sessions"] for row in there),
    }


def trend_kw_s(values: list[float | None]) -> float:
    """Return how fast a figure changes, in kW a second: the slope of a least-squares line; 0 when unknown."""
    points = [(second, value) for second, value in enumerate(values) if value is not None]
    if len(points) < 3:  # noqa: PLR2004 - two points are noise
        return 0.0
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    return round(sum((x - mean_x) * (y - mean_y) for x, y in points) / spread, 2)
