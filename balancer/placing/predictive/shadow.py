"""Compares `predictive` with another policy on the requests that come: where they differ, and whose peak was lower afterwards.

Pure: time comes as seconds of a monotonic clock. One of SAMPLE choices is made by both policies. Where they differ, both substations are
looked at again and again until the stay is over. The car counts as there also at the substation that it did not go to. At most MOST
comparisons go on at once; more choices are not compared meanwhile.
"""

import dataclasses
from collections.abc import Mapping
from typing import NamedTuple

from balancer.fleet.member import Demand, Member

SAMPLE = 10
MOST = 200


class ShadowCounts(NamedTuple):
    """How many choices were made by both policies, and what came of those that differed and whose stays are over."""

    compared: int = 0
    differed: int = 0
    predictive_lower: int = 0
    other_lower: int = 0
    equal: int = 0


@dataclasses.dataclass(slots=True)
class _Comparison:
    """Two choices for a car; `taken` is the one to which it went. Peaks are shares of the limits."""

    predictive: str
    other: str
    taken: str
    demand_w: int
    until_s: float
    peaks: dict[str, float] = dataclasses.field(default_factory=dict)


class Shadow:
    """Follows the choices of two policies among the members of a fleet."""

    def __init__(self, members: Mapping[str, Member]) -> None:
        self.counts = ShadowCounts()
        self._members = members
        self._going_on: list[_Comparison] = []
        self._since = 0

    def due(self) -> bool:
        """Whether the next choice is to be made by both policies; counts the choices."""
        self._since += 1
        if self._since < SAMPLE or len(self._going_on) >= MOST:
            return False
        self._since = 0
        return True

    def compare(self, predictive: str, other: str, taken: str, demand: Demand, stay_s: float) -> None:
        """Note what the two policies chose for a car that stays for `stay_s`; it goes to `taken`."""
        counts = self.counts
        differ = predictive != other
        self.counts = counts._replace(compared=counts.compared + 1, differed=counts.differed + differ)
        if differ:
            until_s = demand.now_s + stay_s
            self._going_on.append(_Comparison(predictive, other, taken, demand.power_w, until_s))

    def look(self, now_s: float) -> None:
        """Take the loads of this moment, and count the comparisons whose stay is over."""
        going_on = []
        for each in self._going_on:
            if each.until_s <= now_s:
                self._judge(each)
            elif self._add(each, now_s):
                going_on.append(each)
        self._going_on = going_on

    def _add(self, each: _Comparison, now_s: float) -> bool:
        """Raise the peaks of a comparison; returns whether both substations are still there."""
        for name in (each.predictive, each.other):
            member = self._members.get(name)
            if not member:
                return False
            load_w = member.estimate_w(now_s) + (0 if name == each.taken else each.demand_w)
            share = load_w / member.report.capacity_w
            each.peaks[name] = max(each.peaks.get(name, 0.0), share)
        return True

    def _judge(self, each: _Comparison) -> None:
        if not each.peaks:  # it was never looked at
            return
        mine, others, counts = each.peaks[each.predictive], each.peaks[each.other], self.counts
        if mine < others:
            self.counts = counts._replace(predictive_lower=counts.predictive_lower + 1)
        elif others < mine:
            self.counts = counts._replace(other_lower=counts.other_lower + 1)
        else:
            self.counts = counts._replace(equal=counts.equal + 1)
