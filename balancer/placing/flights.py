"""Keyed requests under way: duplicates in flight wait for one answer."""

import asyncio
import dataclasses
from collections.abc import Callable, Coroutine
from typing import Any

from balancer.contract import BalancerAnswer, Charge


@dataclasses.dataclass
class Flight:
    """One request under way, and how many callers wait for it; `idle` while it waits for room."""

    task: "asyncio.Task[BalancerAnswer]"
    callers: int = 0
    idle: bool = False


class Flights:
    """The flights by key and fingerprint.

    A different request under the same key is not a duplicate and has its own flight. Only the order book
    decides which of them owns the key.
    """

    def __init__(self) -> None:
        self._flights: dict[tuple[str, str], Flight] = {}

    def __len__(self) -> int:
        """Return how many are under way."""
        return len(self._flights)

    def find(self, charge: Charge) -> Flight | None:
        """Return the flight of a request, None when there is none."""
        return self._flights.get((charge.key, charge.fingerprint))

    def tasks(self) -> "list[asyncio.Task[BalancerAnswer]]":
        """Return what is under way."""
        return [flight.task for flight in self._flights.values()]

    async def join(
        self, charge: Charge, place: Callable[[], Coroutine[Any, Any, BalancerAnswer]]
    ) -> BalancerAnswer:
        """Return the answer to a request. Calls `place` unless the request is already in flight.

        When a caller hangs up, the others go on waiting. When the last one hangs up while the flight is
        idle, the flight ends.
        """
        which = charge.key, charge.fingerprint
        flight = self._flights.get(which)
        if flight is None or flight.task.cancelling():
            task = asyncio.create_task(place())
            flight = self._flights[which] = Flight(task)
            task.add_done_callback(lambda done: self._landed(which, done))
        flight.callers += 1
        try:
            return await asyncio.shield(flight.task)
        finally:
            flight.callers -= 1
            if not flight.callers and flight.idle:
                flight.task.cancel()

    def _landed(self, which: tuple[str, str], task: "asyncio.Task[BalancerAnswer]") -> None:
        if self._flights[which].task is task:
            del self._flights[which]
