"""The recent decisions, which explain why each car was sent to its substation.

Pure. The newest `MOST` are kept, fewer in a fleet of many substations, and found by
vehicle and by session.
"""

import collections
import dataclasses
import itertools
from collections.abc import Iterator

from balancer.fleet.snapshot import Snapshot

MOST = 10_000
MOST_OPTIONS = 100_000  # in all of them: some 16 MB


@dataclasses.dataclass(slots=True)
class Decision:
    """One choice by the policy, and its outcome.

    `options` are the substations as they were at that moment, `left_out` more are not recorded; `chosen` is None when
    no substation was asked;
    `reason` says in words why; `outcome` is the substation's answer, '' while it is awaited or when no substation
    was asked, "known" when the order book named another place, and for a request that waited how the waiting ended.
    """

    unix_ms: int
    vehicle_id: str
    demand_w: int
    policy: str
    attempt: int
    options: Snapshot
    chosen: str | None
    reason: str
    outcome: str = ""
    session_id: str = ""
    number: int = 0
    left_out: int = 0


class Decisions:
    """A ring of decisions; numbers rise and are never used twice."""

    def __init__(self, most: int = MOST, most_options: int = MOST_OPTIONS) -> None:
        self._ring: collections.deque[Decision] = collections.deque()
        self._most = most
        self._most_options = most_options
        self._options = 0
        self.noted = 0  # how many, which is the number of the newest one

    def note(self, decision: Decision) -> Decision:
        """Keep a decision under the next number; returns it, to be completed when the answer is there."""
        self.noted += 1
        decision.number = self.noted
        self._ring.append(decision)
        self._options += decision.options.count
        while len(self._ring) > self._most or self._options > self._most_options:
            self._options -= self._ring.popleft().options.count
        return decision

    def newest(self) -> Iterator[Decision]:
        """Return all that are kept, newest first."""
        return reversed(self._ring)

    def find(
        self, after: int = 0, limit: int = 100, vehicle_id: str = "", session_id: str = ""
    ) -> list[Decision]:
        """Return up to `limit` of the newest past number `after`, newest first; '' is any."""
        found = (
            decision
            for decision in reversed(self._ring)
            if decision.number > after
            and (not vehicle_id or decision.vehicle_id == vehicle_id)
            and (not session_id or decision.session_id == session_id)
        )
        return list(itertools.islice(found, limit))
