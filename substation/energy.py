"""Draw and energy of all sessions, evaluated in pieces when there are many, so that the event loop stays free.

Both follow from every session's own plan, and 100,000 sessions take 0.5 s. Prometheus may ask every second.
"""

import asyncio
import dataclasses
from collections.abc import Callable
from itertools import islice

from substation.curve import Curve

MOST_AT_ONCE = 2_000  # sessions that are evaluated at the moment of the question: 10 ms
PIECE = 200  # sessions: 1 ms
PIECE_PAUSE_S = 0.005
PAUSE_S = 10.0


@dataclasses.dataclass(frozen=True, slots=True)
class Energy:
    """Watts drawn at a moment, and joules delivered up to it."""

    draw_w: float
    delivered_j: int


class EnergyMeter:
    """Draw and energy at the moment of the question; of over MOST_AT_ONCE sessions, as `follow` last found them."""

    def __init__(self, moment: Callable[[], tuple[Curve, int]]) -> None:
        """`moment` returns the published curve and the grid time."""
        self._moment = moment
        self._found: Energy | None = None
        self._shown_j = 0

    def draw_w(self) -> float:
        """Return the watts that the cars draw; at most the load of this moment."""
        curve, now_ms = self._moment()
        found = self._of_many(curve, now_ms)
        return min(found.draw_w, curve.load_at(now_ms)) if found else curve.draw_at(now_ms)

    def delivered_j(self) -> int:
        """Return the joules delivered; never fewer than before."""
        curve, now_ms = self._moment()
        found = self._of_many(curve, now_ms)
        self._shown_j = max(self._shown_j, found.delivered_j if found else curve.delivered_at(now_ms))
        return self._shown_j

    async def follow(self) -> None:
        """Evaluate all sessions again and again, while there are many."""
        while True:
            curve, now_ms = self._moment()
            if curve.sessions > MOST_AT_ONCE:
                self._found = await in_pieces(curve, now_ms)
            await asyncio.sleep(PAUSE_S)

    def _of_many(self, curve: Curve, now_ms: int) -> Energy | None:
        """Return what was found last, None when there are few sessions; the first time it is evaluated at once."""
        if curve.sessions <= MOST_AT_ONCE:
            self._found = None
        elif not self._found:
            self._found = Energy(curve.draw_at(now_ms), curve.delivered_at(now_ms))
        return self._found


async def in_pieces(curve: Curve, now_ms: int) -> Energy:
    """Return draw and energy at one grid time, with a pause after each piece; the curve doesn't change meanwhile."""
    draw_w, delivered_j = 0.0, curve.usage.ended_j
    sessions = curve.open_sessions()
    while piece := list(islice(sessions, PIECE)):
        draw_w += sum(entry.draw_w(now_ms) for entry in piece)
        delivered_j += sum(entry.delivered_j(now_ms) for entry in piece)
        await asyncio.sleep(PIECE_PAUSE_S)
    return Energy(draw_w, delivered_j)
