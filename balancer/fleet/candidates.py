"""The substations among which a policy chooses, each with the utilization that it would have.

Pure. Each decision looks at a whole fleet, so what is done for each substation is one expression over numbers that the
member holds ready. What else a substation is like is asked by the policy, of the few that it would choose.
"""

import heapq
import itertools
import math
from collections.abc import Callable, Iterator, Sequence

from balancer.fleet.member import Member
from balancer.fleet.takers import Takers

FULL = 1.0  # the highest utilization with which there is room
SORTED = 500  # so many numbers are sorted faster than they are searched for the lowest dozen
SCANS = 4  # for the next lowest utilization; if it takes more of them, they are sorted


class Candidates:
    """Substations by their ids, and in the same order their utilizations with the demand: above FULL there is no room.

    It iterates over those with room, as pairs of (utilization, id). `members` are empty where the policy needs none. It may hold
    only some of the `pool`: then all others have at least the utilization `bar`, and `whole` returns all.
    """

    __slots__ = ("_whole", "bar", "members", "names", "pool", "shares")

    def __init__(
        self,
        names: Sequence[str],
        shares: list[float],
        members: Sequence[Member] = (),
        *,
        bar: float = math.inf,
        pool: Takers | None = None,
        whole: Callable[[], "Candidates"] | None = None,
    ) -> None:
        self.names = names
        self.shares = shares
        self.members = members
        self.bar = bar
        self.pool = pool
        self._whole: Candidates | Callable[[], Candidates] = whole or self

    @property
    def whole(self) -> "Candidates":
        """The candidates without anything left out."""
        if not isinstance(self._whole, Candidates):
            self._whole = self._whole()
        return self._whole

    def __iter__(self) -> Iterator[tuple[float, str]]:
        """Yield those with room."""
        whole = self.whole
        return ((share, name) for share, name in zip(whole.shares, whole.names, strict=True) if share <= FULL)

    def only_one(self) -> bool:
        """Whether at most one has room."""
        here = (True for share in self.shares if share <= FULL)
        return next(itertools.islice(here, 1, None), None) is None and (
            self.whole is self or self.whole.only_one()
        )

    def rising(self) -> Iterator[list[str]]:
        """Yield the ids of those with room by rising utilization, equal ones together."""
        names, shares = self.whole.names, self.whole.shares
        lowest = min(shares, default=math.inf)
        for _ in range(SCANS):
            if lowest > FULL:
                return
            if shares.count(lowest) == 1:
                yield [names[shares.index(lowest)]]
            else:
                yield [name for share, name in zip(shares, names, strict=True) if share == lowest]
            lowest = min([share for share in shares if share > lowest], default=math.inf)
        rest = sorted((pair for pair in self if pair[0] >= lowest), key=_share)
        for _, equal in itertools.groupby(rest, key=_share):
            yield [name for _, name in equal]

    def lowest(self, most: int) -> list[str]:
        """Return the ids of those with room and the lowest utilizations, at most `most` of them."""
        shares, bar = self.shares, FULL
        if len(shares) > most:
            lowest = sorted(shares)[:most] if len(shares) <= SORTED else heapq.nsmallest(most, shares)
            bar = min(bar, lowest[-1])
        if bar >= self.bar:
            return self.whole.lowest(most)
        pairs = [pair for pair in zip(shares, self.names, strict=True) if pair[0] <= bar]
        return [name for _, name in sorted(pairs)[:most]]

    def only(self, name: str) -> "Candidates":
        """Return the candidates without all others."""
        whole = self.whole
        at = [index for index, each in enumerate(whole.names) if each == name]
        members = [whole.members[index] for index in at] if whole.members else ()
        return Candidates([name] * len(at), [whole.shares[index] for index in at], members)


def utilizations(members: Sequence[Member], demand_w: int, now_s: float) -> list[float]:
    """Return the utilization of each member with a demand, by its estimate at a moment."""
    # As `Member.estimate_w`, written out, because a call takes as long as all of it.
    return [
        (m.line_w - m.falls_w_s * (now_s - m.since_s) + m.outstanding_w + demand_w) / m.limit_w
        if m.since_s <= now_s < m.until_s
        else (m.estimate_w(now_s) + demand_w) / m.report.capacity_w
        for m in members
    ]


def _share(candidate: tuple[float, str]) -> float:
    return candidate[0]
