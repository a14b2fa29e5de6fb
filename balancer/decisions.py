"""The recent decisions: why was this car sent there?

Pure, bounded: the newest `MOST` are kept, and found by vehicle and by session.
"""

import collections
import dataclasses
import itertools

from balancer.fleet import Option

MOST = 10_000


@dataclasses.dataclass(slots=True)
class Decision:
    """One question put to the policy and what became of it.

    `options` is how the fleet stood; `chosen` is None when nobody was asked; `reason` says in words
    why; `outcome` is the substation's answer, '' while it is awaited or when nobody was asked.
    """

    unix_ms: int
    vehicle_id: str
    demand_w: int
    policy: str
    attempt: int
    options: tuple[Option, ...]
    chosen: str | None
    reason: str
    outcome: str = ""
    session_id: str = ""
    number: int = 0


class Decisions:
    """A ring of decisions; numbers rise and are never used twice."""

    def __init__(self, most: int = MOST) -> None:
        self._ring: collections.deque[Decision] = collections.deque(maxlen=most)
        self._numbers = itertools.count(1)

    def note(self, decision: Decision) -> Decision:
        """Keep a decision under the next number; returns it, to be completed when the answer is there."""
        decision.number = next(self._numbers)
        self._ring.append(decision)
        return decision

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
