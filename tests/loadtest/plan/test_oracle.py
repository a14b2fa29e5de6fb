"""The oracle never exceeds a capacity, does what it says, and other ways of placing do not beat it."""

import dataclasses
import itertools
import random
from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loadtest.judge.oracle_result import oracle_result
from loadtest.plan.arrivals import Arrival, rush_hour
from loadtest.plan.demand import demand_kw, peak_kw
from loadtest.plan.document import DEFAULT_GRID, GridSize, RunPlan
from loadtest.plan.oracle import Drain, Replay, replay

SCALE = 120.0
CARS = st.builds(
    Arrival,
    at_s=st.integers(0, 4_000).map(lambda ms: ms / 1000),
    vehicle_id=st.just("EV-1-1"),
    energy_kwh=st.sampled_from([0.2, 1.0, 5.0, 20.0]),
    max_power_kw=st.sampled_from([3.7, 7.4, 11.0, 22.0]),
    stay_minutes=st.sampled_from([1.0, 5.0, 60.0]),
    only=st.sampled_from([None, None, "a", "b"]),
)
PLANS = st.lists(CARS, min_size=1, max_size=12).map(lambda cars: sorted(cars, key=lambda car: car.at_s))
CAPACITIES = st.fixed_dictionaries(dict.fromkeys("abc", st.sampled_from([10_000.0, 25_000.0, 50_000.0])))
DRAINS = st.none() | st.builds(Drain, st.sampled_from("abc"), st.integers(0, 4).map(float))


def load_w(cars: list[Arrival], placed: list[str | None], each: str, now_s: float) -> int:
    """Return the load of a substation by looking at every car's plan anew."""
    return sum(
        car.charging().power_w
        - sum(w for after, w in car.charging().releases() if car.at_s + after / (1000 * SCALE) <= now_s)
        for car, where in zip(cars, placed, strict=False)
        if where == each
    )


def by_hand(cars: list[Arrival], capacity_w: Mapping[str, float], drain: Drain | None) -> list[str | None]:
    """Place car by car, written as plainly as can be."""
    placed: list[str | None] = []
    for car in cars:
        demand_w = car.charging().power_w
        options = []
        for each in sorted(capacity_w):
            with_it_w = load_w(cars, placed, each, car.at_s) + demand_w
            drained = drain and drain.substation_id == each and car.at_s >= drain.at_s
            if not drained and car.only in {None, each} and with_it_w <= capacity_w[each]:
                options.append((with_it_w / capacity_w[each], each))
        placed.append(min(options)[1] if options else None)
    return placed


@given(cars=PLANS, capacity_w=CAPACITIES, drain=DRAINS)
@settings(max_examples=200)
def test_it_places_as_a_plain_search_does_and_never_above_a_capacity(
    cars: list[Arrival], capacity_w: dict[str, float], drain: Drain | None
) -> None:
    moments_s = sorted({car.at_s for car in cars} | {5.0, 60.0})
    seen = replay(cars, capacity_w, SCALE, moments_s, drain)
    placed = by_hand(cars, capacity_w, drain)
    assert list(seen.placed) == placed
    for moment_s, loads_w in zip(moments_s, seen.loads_w, strict=True):
        until = [where for car, where in zip(cars, placed, strict=True) if car.at_s <= moment_s]
        assert loads_w == {each: load_w(cars, until, each, moment_s) for each in capacity_w}
        assert all(0 <= loads_w[each] <= capacity_w[each] for each in capacity_w)
    assert seen.refused == placed.count(None)


def test_it_counts_the_base_load_of_each_moment() -> None:
    """Of two substations of 50 kW, one has a base load at first and the other later."""
    cars = [Arrival(at_s, f"EV-{at_s}", 200.0, 11.0, 0) for at_s in (0.0, 1.0, 2.0, 3.0, 4.0)]
    base_w = [{"a": 30_000.0, "b": 0.0}] * 2 + [{"a": 0.0, "b": 30_000.0}] * 3
    seen = replay(cars, {"a": 50_000.0, "b": 50_000.0}, SCALE, [0.0, 1.0, 2.0, 3.0, 4.0], None, base_w)
    assert seen.placed == ("b", "b", "a", "a", "a")
    full = replay(cars, {"a": 50_000.0}, SCALE, [4.0], None, [{"a": 39_001.0}])
    assert full.placed == (None,) * 5


def highest(where: tuple[str, ...], demands_w: list[int]) -> int:
    return max(sum(w for w, at in zip(demands_w, where, strict=True) if at == each) for each in "abc")


@given(powers_kw=st.lists(st.sampled_from([7.4, 11.0, 22.0]), min_size=1, max_size=7))
def test_a_few_cars_at_once_are_spread_nearly_as_well_as_any_search_finds(powers_kw: list[float]) -> None:
    cars = [Arrival(0.0, "EV-1-1", 20.0, power_kw, 60.0) for power_kw in powers_kw]
    demands_w = [car.charging().power_w for car in cars]
    seen = replay(cars, dict.fromkeys("abc", 1e6), SCALE, [0.0])
    best_w = min(highest(where, demands_w) for where in itertools.product("abc", repeat=len(cars)))
    ours_w = max(seen.loads_w[0].values())
    assert best_w <= ours_w <= best_w * (2 - 1 / 3)  # the bound of list scheduling on three machines
    if len(set(powers_kw)) == 1:
        assert ours_w == best_w


@pytest.mark.parametrize("seed", range(5))
def test_no_other_way_of_placing_car_by_car_is_better_balanced(seed: int) -> None:
    cars = rush_hour(seed, 500, 60.0, random.Random(seed))
    moments_s = [quarter / 4 for quarter in range(240)]
    plan = RunPlan("rush-hour", seed, "uniform", 60.0, cars, None)
    oracle = oracle_result(plan, DEFAULT_GRID, moments_s, 60.0)
    assert oracle.balance_ratio
    assert 1 <= oracle.balance_ratio < 1.02
    for where in (itertools.cycle(range(3)), map(random.Random(seed).randrange, itertools.repeat(3))):
        fixed = [dataclasses.replace(car, only=f"substation-{next(where) + 1}") for car in cars]
        other = oracle_result(dataclasses.replace(plan, arrivals=tuple(fixed)), DEFAULT_GRID, moments_s, 60.0)
        assert oracle.of(other.balance_ratio) is not None
        assert (oracle.of(other.balance_ratio) or 0) > 0.999


def test_a_drained_substation_only_empties_and_a_car_that_knows_only_it_is_refused() -> None:
    cars = rush_hour(1, 200, 60.0, random.Random(1))
    moments_s = [float(second) for second in range(60)]
    drain = Drain("substation-2", 20.0)
    seen = replay(cars, DEFAULT_GRID.capacity_w, SCALE, moments_s, drain)
    drained_w = [loads["substation-2"] for loads in seen.loads_w[20:]]
    assert drained_w == sorted(drained_w, reverse=True)
    assert drained_w[-1] < drained_w[0]
    late = [dataclasses.replace(car, only="substation-2") for car in cars if car.at_s >= 20]
    assert replay(late, DEFAULT_GRID.capacity_w, SCALE, [60.0], drain).refused == len(late)


def test_what_comes_after_the_last_moment_is_left_out() -> None:
    cars = [Arrival(at_s, "EV-1-1", 20.0, 22.0, 60.0) for at_s in (0.0, 1.0, 2.0)]
    assert replay(cars, {"a": 30_000.0}, SCALE, [0.5, 1.0]) == Replay(
        ({"a": 22_000}, {"a": 22_000}), ("a", None)
    )


def test_an_idle_fleet_has_no_ratio() -> None:
    plan = RunPlan("rush-hour", 1, "uniform", 60.0, (), None)
    nothing = oracle_result(plan, GridSize({"a": 1e6}, SCALE), [], 0.0)
    assert nothing.balance_ratio is None
    assert nothing.of(1.0) is None


@given(cars=PLANS)
def test_what_is_asked_is_the_load_of_one_substation_that_takes_all(cars: list[Arrival]) -> None:
    anywhere = [dataclasses.replace(car, only=None) for car in cars]
    moments_s = sorted({car.at_s for car in cars} | {1.0, 60.0})
    seen = replay(anywhere, {"a": 1e9}, SCALE, moments_s)
    asked = demand_kw(anywhere, SCALE, moments_s)
    assert asked == pytest.approx([loads["a"] / 1000 for loads in seen.loads_w])
    assert max(asked) == pytest.approx(peak_kw(anywhere, SCALE))
