"""The choice by the peak to come: the same as a full look at every quarter hour of every substation, and why."""

import dataclasses
import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from balancer.fleet.member import Demand, released_w
from balancer.placing.policies import PolicySwitch
from balancer.placing.predictive.choice import NOW_SHARE, ForecastChoice
from balancer.placing.predictive.grid_time import GridTime
from balancer.placing.predictive.peaks import SHARPNESS, BaseForecast, Outlook
from substation.contract import RELEASES_WITHIN_S, Report
from tests.support.examples import examples
from tests.unit.balancer.fleets import KW, Fleet, releases, report, url

SCALE = 60.0  # a quarter hour takes 15 s
HOUR_MS = 3_600_000
AT_18 = GridTime(18 * HOUR_MS, 0.0, SCALE)
FIRST = 18 * 4


def choice(fleet: Fleet, **forecasts_kw: tuple[float, ...]) -> ForecastChoice:
    """A choice at 18:00, by forecasts from that quarter hour on; the last value goes on for a day."""
    chosen = ForecastChoice(fleet.roster.members)
    chosen.show(Outlook(AT_18, {name: forecast(*loads) for name, loads in forecasts_kw.items()}))
    return chosen


def forecast(*loads_kw: float) -> BaseForecast:
    watts = [load * KW for load in loads_kw]
    return BaseForecast(FIRST, tuple(watts + [watts[-1]] * (96 - len(watts))))


def picked(fleet: Fleet, chosen: ForecastChoice, kw: float, hours: float, now_s: float = 0.0) -> str | None:
    candidates = fleet.view.candidates((), int(kw * KW), now_s, surely=False)
    demand = Demand(int(kw * KW), int(hours * HOUR_MS), now_s)
    return chosen.choose(candidates, lambda _: True, random.Random(1), demand)


def test_a_car_that_stays_goes_where_the_evening_is_lower_and_one_that_leaves_before_it_where_the_load_is() -> (
    None
):
    fleet = Fleet(report("a", 0, base_load_w=20 * KW), report("b", 0, base_load_w=40 * KW))
    chosen = choice(fleet, a=(20, 20, 80), b=(40, 40, 50))
    assert picked(fleet, chosen, 10, hours=3) == "b"
    assert picked(fleet, chosen, 10, hours=0.5) == "a"  # it ends where the third quarter hour starts


def test_power_that_known_plans_free_before_the_peak_does_not_count_there() -> None:
    freed = releases({30.0: 50 * KW}, 50 * KW)  # by 18:30
    fleet = Fleet(report("a", 50, releases_w=freed), report("b", 40))
    chosen = choice(fleet, a=(0, 0, 0, 45), b=(0, 0, 0, 45))
    assert picked(fleet, chosen, 10, hours=2) == "a"
    assert picked(fleet, chosen, 10, hours=0.4) == "b"


def test_what_is_on_its_way_and_what_paused_sessions_are_owed_count_in_the_peak() -> None:
    fleet = Fleet(report("a", 0), report("b", 0))
    chosen = choice(fleet, a=(0, 60), b=(0, 65))
    assert picked(fleet, chosen, 10, hours=2) == "a"
    with fleet.view.holding("a", 10 * KW):
        assert picked(fleet, chosen, 10, hours=2) == "b"
    fleet.poll(report("a", 0, seq=2, owed_w=10 * KW, paused=1, sessions=1), 0.0)
    assert picked(fleet, chosen, 10, hours=2) == "b"


def test_where_peaks_are_equal_the_lower_load_of_this_moment_decides() -> None:
    """A plan that ends before the peak."""
    fleet = Fleet(
        report("a", 30, releases_w=releases({30.0: 30 * KW}, 30 * KW)),
        report("b", 20, releases_w=releases({30.0: 20 * KW}, 20 * KW)),
    )
    chosen = choice(fleet, a=(0, 0, 0, 80), b=(0, 0, 0, 80))
    assert picked(fleet, chosen, 10, hours=2) == "b"


def test_a_substation_without_a_forecast_counts_with_its_base_load_of_now() -> None:
    others = [report(name, 90) for name in "xyz"]
    fleet = Fleet(report("a", 0, base_load_w=50 * KW), report("b", 0, base_load_w=20 * KW), *others)
    chosen = choice(fleet, a=(50, 50), x=(0,), y=(0,), z=(0,))
    assert not chosen.doubt(0.0)
    assert picked(fleet, chosen, 10, hours=3) == "b"


def test_with_a_third_of_the_fleet_without_a_good_forecast_none_is_used() -> None:
    fleet = Fleet(*(report(name, 0) for name in "abcd"))
    every = {name: forecast(10) for name in "abcd"}
    chosen = ForecastChoice(fleet.roster.members)
    assert chosen.doubt(0.0) == "the grid's time is not known yet"
    chosen.show(Outlook(AT_18, every, frozenset("a")))
    assert not chosen.doubt(0.0)
    chosen.show(Outlook(AT_18, every, frozenset("ab")))
    assert chosen.doubt(0.0) == "2 of 4 substations have no good forecast"
    chosen.show(Outlook(AT_18, {name: every[name] for name in "abc"}, frozenset("c")))
    assert chosen.doubt(0.0) == "2 of 4 substations have no good forecast"
    chosen.show(Outlook(AT_18, every))
    assert not chosen.doubt(0.0)
    assert chosen.doubt(24 * 60.0) == "4 of 4 substations have no good forecast"  # it has passed
    chosen.show(Outlook(AT_18, {name: every[name] for name in "ab"}))
    fleet.roster.addresses.watch(url("e"))
    fleet.poll(report("e", 0), 0.0)
    assert chosen.doubt(0.0) == "3 of 5 substations have no good forecast"


def test_the_policy_says_the_peak_or_why_it_goes_by_the_load_of_now() -> None:
    fleet = Fleet(report("a", 5, base_load_w=20 * KW), report("b", 0, base_load_w=30 * KW))
    chosen = choice(fleet, a=(20, 20, 81), b=(30, 30, 30))
    policy, demand = PolicySwitch(random.Random(1), chosen), Demand(5 * KW, 3 * HOUR_MS, 0.0)
    candidates = fleet.view.candidates((), 5 * KW, 0.0, surely=False)
    assert policy.use("predictive")
    assert policy.choose(candidates, lambda _: True, demand) == "b"
    assert policy.reason("a", demand) == "predictive among those with room: peak 91 % at 18:30"
    assert policy.reason("b", demand) == "predictive among those with room: peak 35 % now"
    chosen.show(Outlook(AT_18, {"a": forecast(0)}))
    assert policy.choose(candidates, lambda _: True, demand) == "a"
    assert policy.reason("a", demand) == (
        "predictive among those with room, by least_loaded: 1 of 2 substations have no good forecast"
    )
    assert policy.use("least_loaded")
    assert policy.reason("a", demand) == "least_loaded among those with room"


def test_ties_are_broken_at_random_among_the_usable() -> None:
    fleet = Fleet(*(report(name, 0) for name in "abcd"))
    chosen = choice(fleet, **dict.fromkeys("abcd", (10.0, 30.0)))
    candidates, rng = fleet.view.candidates((), KW, 0.0, surely=False), random.Random(2)
    demand = Demand(KW, 2 * HOUR_MS, 0.0)
    found = [chosen.choose(candidates, lambda name: name != "d", rng, demand) for _ in range(300)]
    assert {name: found.count(name) > 70 for name in set(found)} == dict.fromkeys("abc", True)
    assert chosen.choose(candidates, lambda _: False, rng, demand) is None


@dataclasses.dataclass(frozen=True)
class Moment:
    """A report that comes, if it does, and then a car."""

    passes_s: float
    reports: int | None
    load_kw: int
    kw: int
    hours: float


LOADS = st.integers(0, 70)
MOMENTS = st.builds(
    Moment,
    st.sampled_from((0.0, 0.4, 1.0, 15.0)),
    st.one_of(st.none(), st.integers(0, 11)),
    LOADS,
    st.integers(1, 20),
    st.sampled_from((0.1, 0.5, 2.6, 9, 30)),
)
FORECASTS = st.lists(st.lists(st.integers(0, 60), min_size=1, max_size=30), min_size=12, max_size=12)
NAMES = "abcdefghijkl"  # so many that they are not all looked at


@settings(max_examples=examples(150))
@given(
    loads=st.lists(LOADS, min_size=12, max_size=12),
    courses=FORECASTS,
    moments=st.lists(MOMENTS, min_size=4, max_size=12),
    unusable=st.sets(st.sampled_from(NAMES), max_size=5),
)
def test_the_choice_is_that_of_a_full_look_whatever_came_before(
    loads: list[int], courses: list[list[int]], moments: list[Moment], unusable: set[str]
) -> None:
    fleet = Fleet(*(shown(name, load, 1) for name, load in zip(NAMES, loads, strict=True)))
    chosen = choice(
        fleet, **{name: tuple(map(float, course)) for name, course in zip(NAMES, courses, strict=True)}
    )
    now_s = 0.0
    for number, moment in enumerate(moments):
        now_s += moment.passes_s
        if moment.reports is not None:
            fleet.poll(shown(NAMES[moment.reports], moment.load_kw, number + 2), now_s)
        demand = Demand(moment.kw * KW, int(moment.hours * HOUR_MS), now_s)
        candidates = fleet.view.candidates((), demand.power_w, now_s, surely=False)
        shares = {name: full_look(fleet, chosen, name, demand) for _, name in candidates}
        costs = {
            name: max(now, soft_maximum(shares[name][1:])) + NOW_SHARE * now
            for now, name in candidates
            if name not in unusable
        }
        found = chosen.choose(candidates, lambda name: name not in unusable, random.Random(1), demand)
        if not costs:
            assert found is None
            continue
        assert found
        assert costs[found] == pytest.approx(min(costs.values()), rel=1e-9)
        said = float(chosen.explain(found, demand).split()[1])
        assert said == pytest.approx(100 * max(shares[found]), abs=0.51)


def soft_maximum(shares: list[float]) -> float:
    """As the formula says it, without the recurrence by which the peaks are found."""
    return math.log(sum(math.exp(SHARPNESS * share) for share in shares)) / SHARPNESS if shares else 0.0


def full_look(fleet: Fleet, chosen: ForecastChoice, name: str, demand: Demand) -> list[float]:
    """The load of this moment and those of every quarter hour of the stay, with the car, as shares of the limit."""
    member, until_s = fleet.roster.members[name], demand.now_s + demand.stay_ms / 1000 / SCALE
    seen, ahead = member.report, chosen.outlook.forecasts[name]
    loads = [member.estimate_w(demand.now_s)]
    for slot in range(FIRST, FIRST + 400):
        start_s = (slot - FIRST) * 15.0
        if start_s >= until_s:
            break
        if demand.now_s < start_s:
            freed_w = released_w(seen.releases_w, start_s - member.received_s)
            loads.append(ahead.at(slot) + seen.load_w + seen.owed_w - freed_w + member.outstanding_w)
    return [(load + demand.power_w) / seen.capacity_w for load in loads]


def shown(name: str, load_kw: int, seq: int) -> Report:
    load_w = load_kw * KW
    freed = tuple(int(load_w * min(1.0, within_s / 90)) for within_s in RELEASES_WITHIN_S)
    return report(name, load_kw, seq=seq, releases_w=freed, base_load_w=5 * KW)
