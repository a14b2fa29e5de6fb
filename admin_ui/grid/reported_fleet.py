"""The fleet as the stream of one balancer reports it.

Pure: time comes as seconds of a monotonic clock. Rules:

- a frame out of order is never applied: the stream starts again with a snapshot;
- an impossible figure, infinite or beyond MOST, is replaced by 0, and its row is stale.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from balancer.contract import FLEET
from runtime.changes import HEARTBEAT_S

HICCUP_S = 3.0  # how much longer than a heartbeat a silence may last before the stream counts as lost
STALE_AFTER_S = HEARTBEAT_S + HICCUP_S
STALE_POLLS = 3  # a report that is older than this many polls is stale; the balancer ejects at the same age
POLL_S = 1.0  # until the balancer reports its own interval
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
PROCESS = "balancer"  # the member of a fleet that is about the balancer, and not about the fleet

Row = dict[str, Any]


class OutOfOrder(Exception):
    """A frame was lost; nothing can be applied until the next snapshot."""


class ReportedFleet:
    """The rows of one balancer, and what else it reports."""

    def __init__(self) -> None:
        self.rows: dict[str, Row] = {}
        self.rest: dict[str, Any] = {}
        self.process: Mapping[str, Any] = {}  # what the balancer says of itself
        self.connected = False
        self.heard_s: float | None = None  # when the last frame came
        self.connected_s = 0.0  # when the last snapshot came
        self._seq = 0
        self._age_at_s: dict[str, float] = {}  # when the age of a row was reported
        self._odd: set[str] = set()  # substations with an impossible figure

    def connect(self) -> None:
        """Start a new stream; its first frame must be a snapshot."""
        self._seq = 0

    def lose(self) -> None:
        """Record that the stream has ended."""
        self.connected = False

    def apply(self, frame: Mapping[str, Any], now_s: float) -> Iterable[str]:
        """Apply one frame of `/fleet/stream`; returns the substations that it has rows of. Raises OutOfOrder."""
        self._seq += 1
        kind = frame["kind"]
        if frame["seq"] != self._seq or (kind == "snapshot") != (self._seq == 1):
            raise OutOfOrder(f"frame {frame['seq']} ({kind}) came where frame {self._seq} was expected")
        begins = kind == "snapshot"
        touched = self._begin(frame[FLEET.whole], now_s) if begins else self._change(frame, now_s)
        self.heard_s = now_s
        return touched

    def stale(self, now_s: float) -> bool:
        """Whether the stream has been silent for so long that nobody may act on what is shown."""
        return self.heard_s is None or now_s - self.heard_s > STALE_AFTER_S

    def current(self, now_s: float) -> bool:
        """Whether the figures are current; charts have a gap while they are not."""
        return self.connected and self.heard_s is not None and now_s - self.heard_s <= 2 * HEARTBEAT_S

    def age_s(self, name: str, now_s: float) -> float:
        """Return the age of a substation's report in seconds."""
        return float(self.rows[name][FLEET.age]) + now_s - self._age_at_s[name]

    def reported_s(self, name: str) -> float:
        """Return when a substation has made its newest report."""
        return self._age_at_s[name] - float(self.rows[name][FLEET.age])

    def old(self, name: str) -> bool:
        """Whether a report was stale when the last frame came; a later silence is the stream's, not the row's."""
        if name not in self.rows or name in self._odd:
            return True
        age_s = self.age_s(name, self.heard_s or 0.0)
        return age_s > float(self.rest.get("poll_s", POLL_S)) * STALE_POLLS

    def _begin(self, fleet: Mapping[str, Any], now_s: float) -> Iterable[str]:
        self.rows.clear()
        self._age_at_s.clear()
        self._odd.clear()
        self._tell({name: value for name, value in fleet.items() if name != FLEET.rows}, anew=True)
        touched = self._take(fleet[FLEET.rows], now_s)
        self.connected, self.connected_s = True, now_s
        return touched

    def _change(self, frame: Mapping[str, Any], now_s: float) -> Iterable[str]:
        touched = self._take(frame.get(FLEET.rows, []), now_s)
        for name in frame.get("gone", []):
            self.rows.pop(name, None)
            self._age_at_s.pop(name, None)
            self._odd.discard(name)
        known = {"seq", "kind", "gone", FLEET.rows, FLEET.age}
        self._tell({name: value for name, value in frame.items() if name not in known})
        for name, age_s in frame.get(FLEET.age, {}).items():
            self.rows[name][FLEET.age] = age_s if possible(age_s) else MOST
            self._age_at_s[name] = now_s
        return touched

    def _tell(self, rest: dict[str, Any], *, anew: bool = False) -> None:
        """Take what a frame has besides rows."""
        process = rest.pop(PROCESS, {} if anew else self.process)
        self.process = process if isinstance(process, Mapping) else {}
        self.rest = rest if anew else self.rest | rest

    def _take(self, rows: list[Row], now_s: float) -> list[str]:
        for row in rows:
            name = row[FLEET.key]
            odd = {figure: 0 for figure in FIGURES if not possible(row.get(figure, 0))}
            self.rows[name] = row | odd
            self._age_at_s[name] = now_s
            (self._odd.add if odd else self._odd.discard)(name)
        return [row[FLEET.key] for row in rows]


def possible(figure: float) -> bool:
    """Whether a figure is possible; NaN is not. Raises TypeError when it is not a number."""
    return -MOST <= figure <= MOST
