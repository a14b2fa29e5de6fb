"""Requests under way: duplicates in flight wait for one answer."""

import asyncio
import dataclasses
from collections.abc import Callable, Coroutine
from typing import Any

from balancer.contract import BalancerAnswer, Charge


@dataclasses.dataclass(slots=True)
class Flight:
    """One request under way; times are seconds of the monotonic clock.

    It is to be answered by `until_s`, and waits for room until `room_until_s`. `callers` is how many callers wait
    for the answer. `waiting` is whether it waits for room now, so that it may be dropped when the last one goes. `given_up`
    is whether it asks nobody any more because all have gone: who comes then begins anew.
    """

    charge: Charge
    until_s: float
    room_until_s: float
    callers: int = 0
    waiting: bool = False
    given_up: bool = False


class Flights:
    """The keyed requests under way, by key and fingerprint.

    A different request under the same key is not a duplicate and has its own flight. Only the order book
    decides which of them owns the key.
    """

    def __init__(self) -> None:
        self._flights: dict[tuple[str, str], tuple[Flight, asyncio.Task[BalancerAnswer]]] = {}

    def tasks(self) -> "list[asyncio.Task[BalancerAnswer]]":
        """Return the tasks of the requests under way."""
        return [task for _, task in self._flights.values()]

    async def join(
        self, flight: Flight, place: Callable[[Flight], Coroutine[Any, Any, BalancerAnswer]]
    ) -> BalancerAnswer:
        """Return the answer to a request. Calls `place` unless the request is already in flight.

        When a caller hangs up, the others go on waiting. When the last one hangs up while the request waits for
        room, the flight ends.
        """
        which = flight.charge.key, flight.charge.fingerprint
        joined, task = self._flights.get(which, (flight, None))
        if task is None or task.cancelling() or joined.given_up:
            joined, task = flight, asyncio.create_task(place(flight))
            self._flights[which] = joined, task
            task.add_done_callback(lambda done: self._landed(which, done))
        joined.callers += 1
        try:
            return await asyncio.shield(task)
        finally:
            joined.callers -= 1
            if not joined.callers and joined.waiting:
                task.cancel()

    def _landed(self, which: tuple[str, str], task: "asyncio.Task[BalancerAnswer]") -> None:
        if (found := self._flights.get(which)) and found[1] is task:
            del self._flights[which]
