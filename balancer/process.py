"""What a balancer tells of its process to those who follow several: since when it runs, and what it has to do now."""

import time
from collections.abc import Callable
from typing import Any

from balancer.placing.seating.seats import Seats
from balancer.stream import BalancerService
from runtime.version import VERSION

MS_PER_S = 1000


class BalancerProcess:
    """This process; `started_unix_ms` tells it from the one that ran at its address before."""

    def __init__(
        self, seats: Seats, service: BalancerService, book_waits_for: Callable[[], list[str]]
    ) -> None:
        """`book_waits_for` returns in words what keeps the order book from being written."""
        self.started_unix_ms = int(time.time() * MS_PER_S)
        self._seats = seats
        self._service = service
        self._book_waits_for = book_waits_for

    @property
    def recent(self) -> dict[str, Any]:
        """The recent decisions, and which process made them: the arguments of their page."""
        return {"decisions": self._seats.decisions, "started_unix_ms": self.started_unix_ms}

    def shown(self) -> dict[str, object]:
        """Return it as `/fleet` shows it.

        `decided` counts the decisions since the start. `in_flight` are the calls of gateways that are being answered, and
        `waiting` the requests among them that wait for room.
        """
        return {
            "started_unix_ms": self.started_unix_ms,
            "version": VERSION,
            "decided": self._seats.decisions.noted,
            "waiting": len(self._seats.room),
            "in_flight": self._service.in_flight,
            "waiting_for": self._service.waiting_for(),
            "book_waiting_for": self._book_waits_for(),
        }
