"""Predictive in the shadow of another policy: where they differ, and whose peak was lower afterwards."""

import random

from balancer.fleet.member import Demand
from balancer.placing.policies import PolicySwitch
from balancer.placing.predictive.shadow import MOST, SAMPLE, Shadow, ShadowCounts
from tests.unit.balancer.fleets import KW, Fleet, report
from tests.unit.balancer.placing.predictive.test_choice import HOUR_MS, choice

STAY_S = 60.0


def compared(fleet: Fleet, taken: str = "b", kw: int = 10) -> Shadow:
    """Predictive would choose a, the other policy b."""
    shadow = Shadow(fleet.roster.members)
    shadow.compare("a", "b", taken, Demand(kw * KW, HOUR_MS, 0.0), STAY_S)
    return shadow


def test_the_lower_peak_of_the_stay_counts_with_the_car_at_both() -> None:
    fleet = Fleet(report("a", 40), report("b", 45))
    shadow = compared(fleet)
    shadow.look(1.0)  # a: 40 + 10, b: 45
    fleet.poll(report("b", 55, seq=2), 2.0)
    shadow.look(2.0)
    fleet.poll(report("b", 0, seq=3), 3.0)
    shadow.look(STAY_S - 1)
    assert shadow.counts == ShadowCounts(compared=1, differed=1)
    shadow.look(STAY_S)
    assert shadow.counts == ShadowCounts(compared=1, differed=1, predictive_lower=1)
    shadow.look(STAY_S + 1)
    assert shadow.counts.predictive_lower == 1


def test_the_other_is_lower_when_its_substation_stayed_lower() -> None:
    shadow = compared(Fleet(report("a", 40), report("b", 49)))
    shadow.look(1.0)
    shadow.look(STAY_S)
    assert (shadow.counts.other_lower, shadow.counts.predictive_lower) == (1, 0)
    taken_by_predictive = compared(Fleet(report("a", 50), report("b", 41)), taken="a")
    taken_by_predictive.look(1.0)
    taken_by_predictive.look(STAY_S)
    assert taken_by_predictive.counts.predictive_lower == 1


def test_equal_peaks_are_counted_apart_and_a_substation_that_is_gone_ends_a_comparison() -> None:
    fleet = Fleet(report("a", 40), report("b", 50))
    shadow = compared(fleet)
    shadow.look(1.0)
    shadow.look(STAY_S)
    assert shadow.counts.equal == 1
    shadow = compared(fleet)
    fleet.roster.give_up("a")
    shadow.look(1.0)
    shadow.look(STAY_S)
    assert shadow.counts == ShadowCounts(compared=1, differed=1)


def test_one_of_some_choices_is_compared_and_never_too_many_at_once() -> None:
    shadow = Shadow({})
    assert [shadow.due() for _ in range(2 * SAMPLE)].count(True) == 2
    for _ in range(MOST):
        shadow.compare("a", "b", "a", Demand(1, 1, 0.0), STAY_S)
    assert not any(shadow.due() for _ in range(5 * SAMPLE))
    shadow.look(STAY_S)
    assert any(shadow.due() for _ in range(SAMPLE))


def test_the_policy_in_force_chooses_and_the_other_one_is_counted() -> None:
    fleet = Fleet(report("a", 0, base_load_w=40 * KW), report("b", 0, base_load_w=20 * KW))
    chosen = choice(fleet, a=(40, 40, 40), b=(20, 20, 80))
    policy, demand = PolicySwitch(random.Random(1), chosen), Demand(10 * KW, 3 * HOUR_MS, 0.0)
    candidates = fleet.view.candidates((), 10 * KW, 0.0, surely=False)
    for name, expected in (("least_loaded", "b"), ("predictive", "a")):
        assert policy.use(name)
        found = {policy.choose(candidates, lambda _: True, demand) for _ in range(SAMPLE)}
        assert found == {expected}
    counted = policy.comparisons()
    assert (counted["compared"], counted["differed"]) == (2, 2)
    alone = candidates.only("a")
    for _ in range(2 * SAMPLE):
        policy.choose(alone, lambda _: True, demand)
    assert policy.comparisons()["compared"] == 2  # there was nothing to choose
