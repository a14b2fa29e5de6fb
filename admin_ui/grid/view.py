"""The grid as the console knows it at this moment: the balancers' fleet, the gateway's rates, the sources of base loads.

Pure: time comes as seconds of a monotonic clock.
"""

import dataclasses
from typing import Any

from admin_ui.grid.balancer_rows import DecisionCounts, rows
from admin_ui.grid.balancers import Balancers
from admin_ui.grid.board import Board
from admin_ui.grid.merged_fleet import UNREACHED
from admin_ui.grid.rates import Rates
from balancer.contract import FLEET


@dataclasses.dataclass(frozen=True, slots=True)
class BaseLoadSource:
    """What a substation says of its base load: whether its meter is silent, its weekday and time of day, and what counts."""

    stale: bool
    grid_time: str
    basis: str


@dataclasses.dataclass(frozen=True, slots=True)
class ExpectedPeak:
    """The highest base load that is expected soon, and the weekday and time of day when."""

    base_load_kw: float
    grid_time: str


class GridView:
    """The grid as the console shows it; alarms are judged by the same view."""

    def __init__(self) -> None:
        self.board = Board()
        self.balancers = Balancers()
        self.decision_counts = DecisionCounts()
        self.rates = Rates()
        self.base_load_sources: dict[str, BaseLoadSource] = {}
        self.expected_peaks: dict[str, ExpectedPeak] = {}

    def sample(self, unix_s: float, now_s: float) -> None:
        """Record this second: the loads of the substations, and the decisions of the balancers."""
        self.board.sample(unix_s, now_s)
        self.decision_counts.sample(self.board.reported, now_s)

    def shown(self, now_s: float) -> dict[str, Any]:
        """Return the fleet and the gateway's rates as browsers get them."""
        state = self.board.shown(now_s)
        for row in state[FLEET.rows]:
            if source := self.base_load_sources.get(row[FLEET.key]):
                row |= {
                    "base_load_stale": source.stale,
                    "base_load_basis": source.basis,
                    "grid_time": source.grid_time,
                }
            if peak := self.expected_peaks.get(row[FLEET.key]):
                row |= {"expected_base_load_kw": peak.base_load_kw, "expected_at": peak.grid_time}
            if blind := row.get(UNREACHED):
                row[UNREACHED] = [
                    self.balancers.by_url[url].name for url in blind if url in self.balancers.by_url
                ]
        state["balancers"] = rows(
            self.balancers, self.board.reported, self.board.unreached, self.decision_counts
        )
        return state | {"gateway": self.rates.shown(now_s)}

    def waiting_for(self) -> list[str]:
        """Return what must come before the console is ready."""
        return [] if self.board.connected else ["the balancer's stream"]
