"""In a large fleet most decisions look at a short list: the choice, and its record, are those of a look at all."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from balancer.fleet.member import Demand
from balancer.fleet.short_list import KEPT_S, LEAST_FLEET, MOST_REPORTED, ShortLists
from balancer.fleet.view import Hold
from balancer.placing.predictive.choice import NOW_SHARE, ForecastChoice
from balancer.placing.predictive.peaks import Outlook
from substation.contract import RELEASES_WITHIN_S, Report
from tests.unit.balancer.fleets import KW, POLL_S, Fleet, report
from tests.unit.balancer.placing.predictive.test_choice import (
    AT_18,
    HOUR_MS,
    forecast,
    full_look,
    soft_maximum,
)

COUNT = LEAST_FLEET + 20
NAMES = [f"s-{number:02}" for number in range(COUNT)]
POWERS_KW = (1, *[11] * 6)
SEEN = 12


class Day:
    """A fleet that reports, gets requests and gives power back, by chance."""

    def __init__(self, seed: int, spread_kw: int) -> None:
        self.rng = random.Random(seed)
        self._spread_kw = spread_kw
        self.fleet = Fleet(*(self.shown(name) for name in NAMES), seed=seed)
        self.choice = ForecastChoice(self.fleet.roster.members)
        courses = {name: forecast(*self.rng.choices(range(30), k=8)) for name in NAMES}
        self.choice.show(Outlook(AT_18, courses))
        self.now_s = 0.0
        self.holds: list[Hold] = []

    def shown(self, name: str, seq: int = 1) -> Report:
        load_kw = self.rng.randint(70 - self._spread_kw, 70)
        freed = tuple(int(load_kw * KW * min(1.0, within_s / 20)) for within_s in RELEASES_WITHIN_S)
        limit_kw = self.rng.choice((100, 100, 100, 120))
        draining = self.rng.random() < 0.02
        return report(name, load_kw, seq=seq, releases_w=freed, capacity_w=limit_kw * KW, draining=draining)

    def pass_time(self, step: int) -> None:
        """Let some time pass, some substations report, and some requests end."""
        self.now_s += self.rng.choice((0.0, 0.001, 0.01, 0.01, KEPT_S / 2, 0.3))
        for _ in range(self.rng.choice((0, 1, 3))):
            self.fleet.poll(self.shown(self.rng.choice(NAMES), step + 2), self.now_s)
        for name, member in self.fleet.roster.members.items():
            if self.now_s - member.received_s > POLL_S:
                self.fleet.poll(self.shown(name, step + 2), self.now_s)
        while self.holds and self.rng.random() < 0.5:
            self.holds.pop(0).close()

    def demand(self) -> Demand:
        kw, hours = self.rng.choice(POWERS_KW), self.rng.choice((0.1, 1, 3))
        return Demand(kw * KW, int(hours * HOUR_MS), self.now_s)

    def shares(self, demand: Demand) -> dict[str, float]:
        """The utilization of each that takes cars and has room, by a look at all."""
        members = self.fleet.roster.members.items()
        return {
            name: share
            for name, member in members
            if not member.report.draining
            and (share := (member.estimate_w(self.now_s) + demand.power_w) / member.report.capacity_w) <= 1
        }


DAYS = st.builds(Day, st.integers(0, 10**6), st.sampled_from((0, 5, 40)))


@settings(max_examples=5)
@given(day=DAYS, few_usable=st.booleans())
def test_the_least_loaded_and_the_record_are_those_of_a_look_at_all(day: Day, few_usable: bool) -> None:
    view = day.fleet.view
    for step in range(65):
        if not 15 < step < 60:  # else it is a burst at one moment, which fills those on the list
            day.pass_time(step)
        demand = day.demand()
        shares = day.shares(demand)
        usable = set(day.rng.sample(NAMES, 30) if few_usable and step % 5 == 0 else NAMES)
        candidates = view.candidates((), demand.power_w, day.now_s, surely=False)
        chosen = view.pick(candidates, demand, usable.__contains__)
        left = [share for name, share in shares.items() if name in usable]
        assert (shares[chosen] if chosen else None) == pytest.approx(min(left, default=None), rel=1e-9)
        if step % 3 == 0:
            noted = [shares[name] for name in candidates.lowest(SEEN)]
            assert noted == pytest.approx(sorted(shares.values())[:SEEN], rel=1e-9)
            assert candidates.only_one() == (len(shares) <= 1)
            assert sorted(name for _, name in candidates) == sorted(shares)
        if chosen:
            day.holds.append(view.holding(chosen, demand.power_w))


@settings(max_examples=5)
@given(day=DAYS, few_usable=st.booleans())
def test_the_lowest_peak_is_that_of_a_look_at_all(day: Day, few_usable: bool) -> None:
    view = day.fleet.view
    for step in range(25):
        day.pass_time(step)
        demand = day.demand()
        usable = set(day.rng.sample(NAMES, 30) if few_usable and step % 5 == 0 else NAMES)
        costs = {
            name: max(share, soft_maximum(full_look(day.fleet, day.choice, name, demand)[1:]))
            + NOW_SHARE * share
            for name, share in day.shares(demand).items()
            if name in usable
        }
        candidates = view.candidates((), demand.power_w, day.now_s, surely=False)
        chosen = day.choice.choose(candidates, usable.__contains__, day.rng, demand)
        assert (costs[chosen] if chosen else None) == pytest.approx(
            min(costs.values(), default=None), rel=1e-9
        )
        if chosen:
            day.holds.append(view.holding(chosen, demand.power_w))


def test_most_decisions_of_a_busy_fleet_look_at_few_substations() -> None:
    day, looked_at = Day(1, 40), list[int]()
    for step in range(400):
        day.now_s = step / 1000
        if step % 10 == 0:
            day.fleet.poll(day.shown(day.rng.choice(NAMES), step + 2), day.now_s)
        candidates = day.fleet.view.candidates((), KW, day.now_s, surely=False)
        day.fleet.view.pick(candidates, Demand(KW, HOUR_MS, day.now_s))
        looked_at.append(len(candidates.names))
    assert sum(count < COUNT / 2 for count in looked_at) > 380
    assert max(looked_at) <= COUNT


def test_a_fleet_of_equals_is_looked_at_whole_and_ties_are_broken_among_all() -> None:
    fleet = Fleet(*(report(name, 0) for name in NAMES))
    chosen = set()
    for step in range(600):
        candidates = fleet.view.candidates((), KW, step / 1000, surely=False)
        chosen.add(fleet.view.pick(candidates, Demand(KW, HOUR_MS, step / 1000)))
    assert len(chosen) > COUNT * 0.95


def test_reports_are_not_remembered_for_ever_while_nobody_decides() -> None:
    fleet = Fleet(*(report(name, number % 7) for number, name in enumerate(NAMES)))
    members, lists = list(fleet.roster.members.values()), ShortLists()
    for now_s in (0.0, 0.001):
        lists.looked_at(NAMES, members, KW, now_s)
    assert lists.find(KW, 0.002)
    for number in range(MOST_REPORTED + 1):
        lists.reported(members[number % COUNT])
    assert lists.find(KW, 0.003) is None
