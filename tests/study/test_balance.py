"""least_loaded balances on stale reports: the real cores on a virtual clock (DESIGN 3.4).

3 x 100 kW, 20 cars a second that charge for 10 s: 73 % are used. A perfect balancer that always
knows every load shows 1.007: one car is 1.1 % of a substation, and the three never end together.
"""

import functools

import pytest

from balancer.placing.policies import policies
from tests.study import several_balancers
from tests.unit.balancer.placing import simulation
from tests.unit.balancer.placing.simulation import (
    FLEETS,
    Choice,
    Result,
    at_random,
    estimated,
    simulate,
    snapshot,
)

SEEDS = (1, 2, 3)
# Measured for seven times as long as a car charges: with 150 s, max/mean of least_loaded differs by 0.0005 at most.
Setup = functools.partial(simulation.Setup, lasts_s=100.0)
LONG = simulation.Setup(5.0)  # for what varies more
POLLS_S = (1.0, 5.0)
TOLERANCE = 1.012  # seen over 20 seeds: 1.0068 to 1.0076
NAIVE = 1.2  # seen with a poll of 5 s: 1.28 to 1.38
RANDOM = 1.06  # seen: 1.07 to 1.12


@functools.cache
def runs(choose: Choice, setup: simulation.Setup) -> tuple[Result, ...]:
    return tuple(simulate(setup, choose, seed) for seed in SEEDS)


@pytest.mark.parametrize("poll_s", POLLS_S)
def test_utilization_is_even_though_the_reports_are_old(poll_s: float) -> None:
    setup = Setup(poll_s)
    ours, random = runs(estimated, setup), runs(at_random, setup)
    assert max(run.imbalance for run in ours) <= TOLERANCE
    assert min(run.imbalance for run in random) > RANDOM
    assert all(0.6 < run.utilization < 0.9 for run in ours)
    assert all(run.placed > 1800 and run.refused <= 2 for run in ours)


def test_argmin_over_the_last_poll_herds_and_ours_does_not() -> None:
    naive = runs(snapshot, LONG)
    assert min(run.imbalance for run in naive) > NAIVE
    assert max(run.imbalance for run in runs(estimated, Setup(5.0))) <= TOLERANCE


# Seen over 10 seeds with a poll of 5 s, lowest and highest: docs/PERFORMANCE.md.
BANDS = {
    "least_loaded": (1.0, 1.010),
    "power_of_two": (1.0, 1.015),
    "predictive": (1.0, 1.010),  # without a forecast it is least_loaded
    "round_robin": (1.0, 1.010),  # equal cars at equal substations: it can't do wrong
    "random": (RANDOM, 1.13),
    "snapshot_least_loaded": (1.3, 1.5),
}


@pytest.mark.parametrize("policy", policies())
def test_every_policy_balances_as_it_is_said_to(policy: str) -> None:
    for run in runs(estimated, Setup(5.0, policy)):
        low, high = BANDS[policy]
        assert low <= run.imbalance <= high
        assert run.admission_overload_wms == 0
        assert run.refused > 100 if policy == "snapshot_least_loaded" else run.refused <= 2


def test_round_robin_does_not_know_that_substations_differ_and_least_loaded_does() -> None:
    unequal = FLEETS["unequal"]
    blind = runs(estimated, Setup(5.0, "round_robin", unequal))
    assert min(run.imbalance for run in blind) > 1.1
    assert max(run.imbalance for run in runs(estimated, Setup(5.0, capacities_w=unequal))) <= 1.02


@pytest.mark.parametrize("poll_s", POLLS_S)
def test_unequal_substations_are_used_in_proportion(poll_s: float) -> None:
    setup = Setup(poll_s, capacities_w=(50_000, 100_000, 150_000))
    assert max(run.imbalance for run in runs(estimated, setup)) <= 1.02  # one car is 2.2 % of the smallest


@pytest.mark.parametrize("choose", [estimated, snapshot, at_random])
@pytest.mark.parametrize("poll_s", POLLS_S)
def test_no_substation_ever_exceeds_its_capacity_however_it_is_asked(poll_s: float, choose: Choice) -> None:
    for run in runs(choose, Setup(poll_s, powers_w=(1_600,), lasts_s=80.0)):  # more is wanted than there is
        assert run.highest <= 1
        assert run.highest > 0.95
        assert run.refused > 0
        assert run.admission_overload_wms == 0


def test_an_overloaded_fleet_is_filled_before_anybody_is_refused() -> None:
    for run in runs(estimated, Setup(5.0, powers_w=(1_600,), lasts_s=80.0)):
        assert run.utilization > 0.93


def test_the_same_seed_gives_the_same_run_to_the_last_bit() -> None:
    for choose, setup in ((estimated, Setup(5.0)), (snapshot, LONG)):
        former, of_another_seed, *_ = runs(choose, setup)
        assert simulate(setup, choose, SEEDS[0]) == former
        assert former != of_another_seed


def test_four_balancers_that_do_not_talk_to_each_other_balance_nearly_as_one_that_knows_all() -> None:
    one, four = several_balancers.rows("73 %, 20 cars/s for 10 s", SEEDS[:2], balancers=(1, 4))
    assert one.excess < 1.2
    assert one.excess < four.excess <= 2.3  # seen over 4 seeds: 2.14
    assert four.refused_at_first < 0.01


def test_four_balancers_at_95_percent_seldom_ask_a_substation_that_the_others_have_filled() -> None:
    (four,) = several_balancers.rows("95 %, 8 cars/s for 60 s", (4,), balancers=(4,))
    assert four.refused_at_first <= 0.06  # seen: 1.4 %; 8.6 % if the inflow of the others is not counted
    assert four.refused <= 0.06
    assert four.excess <= 2.3
