"""The most power that promises leave to waiting requests, so that those whom promises keep out are not tried one by one.

Pure: time comes as seconds of a monotonic clock.

Without it, each look for room tries every waiter that is small enough for the free power, and finds anew for each that
earlier promises need that power: with 1,000 waiters, milliseconds at every substation.

Why one waiter speaks for others. The room that promises leave at a substation falls with each promise that counts. For
a request that was refused later, and stays at least as long, all promises count that count for the reference, and maybe
more. So what is too much for the reference's room is too much for that request.

Why the room is kept. Between two points of a substation's schedule, without a new report and without a change of its
promises, time only makes more promises due. So the room that was found is still the most that there can be.
"""

import math
from collections.abc import Mapping

from balancer.contract import Charge
from balancer.placing.returns.promised_returns import PromisedReturns


class PromiseBound:
    """A bound of the room for all that were refused after a reference request and stay as long."""

    def __init__(self, promised_returns: PromisedReturns) -> None:
        self._promised_returns = promised_returns
        self._reference: Charge | None = None
        self._found: dict[str, tuple[object, float]] = {}  # by substation: its version, and the room in watts
        self._most_w = math.inf
        self._order, self._stay_ms = math.inf, 0  # of the reference

    def learn(self, charge: Charge, free_w: Mapping[str, float], now_s: float) -> None:
        """Take a request that was not served as the reference; `free_w` is the power that is free at each substation."""
        self.forget()
        self._reference, self._stay_ms = charge, charge.plan.duration_ms
        self.refresh(free_w, now_s)

    def refresh(self, free_w: Mapping[str, float], now_s: float) -> None:
        """Find the bound again where something has changed; `free_w` is the power that is free now."""
        if not self._reference:
            return
        self._most_w, self._order = 0.0, self._promised_returns.order(self._reference)
        for name, watts in free_w.items():
            version = self._promised_returns.version(name, now_s)
            known = self._found.get(name)
            if not known or known[0] != version:
                known = (version, self._promised_returns.room_w(name, self._reference, now_s))
                self._found[name] = known
            self._most_w = max(self._most_w, min(watts, known[1]))

    def forget(self) -> None:
        """Exclude nobody until the next request is learnt: somebody was served, so promises no longer count."""
        self._reference, self._most_w = None, math.inf
        self._found.clear()

    def excludes(self, demand_w: int, stay_ms: int, order: float) -> bool:
        """Whether promises are sure to leave no room, at any substation, for a request of this order and stay.

        They are numbers, because a look asks this for each of the waiting requests.
        """
        return demand_w > self._most_w and stay_ms >= self._stay_ms and order >= self._order
