"""The grid as the console knows it at this moment: the fleet that the balancer reports, and the gateway's rates.

Pure: time comes as seconds of a monotonic clock.
"""

from typing import Any

from admin_ui.grid.board import Board
from admin_ui.grid.rates import Rates


class GridView:
    """The grid as the console shows it; alarms are judged by the same view."""

    def __init__(self) -> None:
        self.board = Board()
        self.rates = Rates()

    def shown(self, now_s: float) -> dict[str, Any]:
        """Return the fleet and the gateway's rates as browsers get them."""
        return self.board.shown(now_s) | {"gateway": self.rates.shown(now_s)}

    def waiting_for(self) -> list[str]:
        """Return what must come before the console is ready."""
        return [] if self.board.connected else ["the balancer's stream"]
