"""The substations that can be the least loaded during the next moments: in a large fleet a decision looks at these alone.

Pure: time comes as seconds of a monotonic clock. Between two reports of a substation its estimate only falls, by its schedule, and what is
on its way to it is never below 0. So a substation can't have less than its schedule leaves at the end of those moments, unless it
reports. A short list holds all that can be below its bar. It lasts for KEPT_S, or until one is chosen that is not below the bar: then
all are looked at again.
"""

import heapq
import math
from collections.abc import Sequence

from balancer.fleet.member import Member

KEPT_S = 0.1
LEAST_FLEET = 64  # a smaller one is looked at whole in the same time
SHARE = 32  # one of so many is on the list, and MORE
MORE = 24  # the record of a decision holds 12
MOST_GROWTH = 4  # times as many, by reports of substations that were above the bar
MOST_LISTS = 8  # one for each power that is asked for often
MOST_REPORTED = 20_000  # since the oldest list
WORTH = 4  # a list that served fewer decisions took more time than it saved
SLACK = 1 - 1e-9  # for rounding


class ShortList:
    """Members with their ids, among which are all whose utilization with a demand can be below `bar` before `until_s`."""

    __slots__ = ("_demand_w", "_known", "_most", "_reports", "bar", "members", "names", "served", "until_s")

    def __init__(
        self, names: Sequence[str], members: Sequence[Member], demand_w: int, now_s: float, reports: int
    ) -> None:
        """`reports` is how many were noted until now."""
        until_s = self.until_s = now_s + KEPT_S
        floors = [
            (m.line_w - m.falls_w_s * (until_s - m.since_s) + demand_w) / m.limit_w
            if m.since_s <= until_s < m.until_s
            else (m.taken_by_plans_w(until_s) + demand_w) / m.report.capacity_w
            for m in members
        ]
        count = MORE + len(members) // SHARE
        lowest = heapq.nsmallest(count, floors)[-1]
        near = [index for index, floor in enumerate(floors) if floor < lowest]
        self.bar = lowest * SLACK
        self.names = [names[index] for index in near]
        self.members = [members[index] for index in near]
        self.served = 0
        self._known = set(self.names)
        self._most = MOST_GROWTH * count
        self._demand_w = demand_w
        self._reports = reports

    def learn(self, reported: Sequence[Member]) -> bool:
        """Add those that can be below the bar now; `reported` are all that reported since the first list was made.

        Returns whether the list is still short.
        """
        known = self._known
        for member in reported[self._reports :]:
            report = member.report
            name = report.substation_id
            if name in known:
                continue
            floor_w = member.taken_by_plans_w(self.until_s) + self._demand_w
            if floor_w < self.bar * report.capacity_w:
                known.add(name)
                self.names.append(name)
                self.members.append(member)
        self._reports = len(reported)
        return len(self.names) <= self._most


class ShortLists:
    """The short lists of a fleet, by the power that is asked for."""

    def __init__(self) -> None:
        self._lists: dict[int, ShortList] = {}
        self._looked_s: dict[int, float] = {}  # by demand, when all members were looked at last
        self._reported: list[Member] = []

    def clear(self) -> None:
        """Forget all lists, because a member came or went."""
        self._lists.clear()
        self._reported.clear()

    def reported(self, member: Member) -> None:
        """Note that a report of a member is taken."""
        if self._lists:
            self._reported.append(member)
            if len(self._reported) > MOST_REPORTED:  # there were no decisions for long
                self.clear()

    def find(self, demand_w: int, now_s: float) -> ShortList | None:
        """Return the list for a demand, None when there is none of this moment."""
        found = self._lists.get(demand_w)
        if not found:
            return None
        if now_s >= found.until_s or not found.learn(self._reported):
            del self._lists[demand_w]
            return None
        found.served += 1
        return found

    def looked_at(self, names: Sequence[str], members: Sequence[Member], demand_w: int, now_s: float) -> None:
        """Note that a decision looked at all members; make a list when another decision did so a moment ago.

        A list that was of little use is not replaced before its time is over.
        """
        former = self._lists.pop(demand_w, None)
        looked_s, self._looked_s[demand_w] = self._looked_s.pop(demand_w, -math.inf), now_s
        if former and former.served < WORTH and now_s < former.until_s:
            self._looked_s[demand_w] = former.until_s
        elif 0 <= now_s - looked_s < KEPT_S:
            self._make(names, members, demand_w, now_s)
        if len(self._looked_s) > MOST_LISTS:
            oldest = next(iter(self._looked_s))
            del self._looked_s[oldest]
            self._lists.pop(oldest, None)

    def _make(self, names: Sequence[str], members: Sequence[Member], demand_w: int, now_s: float) -> None:
        if not self._lists or len(self._reported) > len(members):
            self.clear()
        self._lists[demand_w] = ShortList(names, members, demand_w, now_s, len(self._reported))
