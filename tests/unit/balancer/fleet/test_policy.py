"""Each policy picks as it is said to, and only among those with room."""

import random
from collections import Counter

import pytest

from balancer.fleet.policy import Candidate, least_loaded, policies


def pick(*candidates: Candidate, demand_w: int = 10, seed: int = 1) -> str:
    return least_loaded(candidates, demand_w, random.Random(seed)).substation_id


def test_the_lowest_utilization_wins() -> None:
    assert pick(Candidate("a", 30, 100), Candidate("b", 20, 100), Candidate("c", 25, 100)) == "b"


def test_unequal_capacities_are_compared_by_share_and_not_by_watts() -> None:
    assert pick(Candidate("small", 30, 100), Candidate("large", 200, 1000)) == "large"


def test_the_demand_counts_so_that_it_weighs_more_on_a_small_one() -> None:
    small, large = Candidate("small", 0, 100), Candidate("large", 100, 1000)
    assert pick(small, large, demand_w=1) == "small"
    assert pick(small, large, demand_w=50) == "large"


def test_ties_are_broken_at_random_and_evenly() -> None:
    rng = random.Random(7)
    equal = [Candidate(name, 50, 100) for name in "abc"]
    picked = Counter(least_loaded(equal, 10, rng).substation_id for _ in range(3000))
    assert set(picked) == {"a", "b", "c"}
    assert all(abs(count - 1000) < 150 for count in picked.values())  # 5.8 standard deviations


def test_a_seed_gives_the_same_choices_again() -> None:
    equal = [Candidate(name, 50, 100) for name in "abcdef"]

    def choices() -> list[str]:
        rng = random.Random(3)
        return [least_loaded(equal, 10, rng).substation_id for _ in range(50)]

    assert choices() == choices()


def picked(policy: str, *candidates: Candidate, times: int = 3000, demand_w: int = 10) -> Counter[str]:
    """How often each was picked; `None` is nobody."""
    chosen, rng = policies()[policy], random.Random(5)
    found = (chosen.pick(candidates, demand_w, rng) for _ in range(times))
    return Counter(candidate.substation_id if candidate else "nobody" for candidate in found)


A, B, C = Candidate("a", 30, 100, 80), Candidate("b", 50, 100, 10), Candidate("c", 70, 100, 50)
FULL = Candidate("full", 91, 100, 91)


@pytest.mark.parametrize("policy", policies())
def test_nobody_without_room_is_picked(policy: str) -> None:
    assert picked(policy, FULL, times=50) == {"nobody": 50}
    assert picked(policy, times=50) == {"nobody": 50}
    assert picked(policy, FULL, A, times=50) == {"a": 50}
    assert picked(policy, Candidate("exact", 90, 100, 90), times=50) == {"exact": 50}


def test_random_picks_each_as_often() -> None:
    assert all(abs(count - 1000) < 150 for count in picked("random", A, B, C).values())


def test_power_of_two_picks_the_best_of_every_pair_and_so_never_the_worst() -> None:
    counts = picked("power_of_two", C, B, A)
    assert counts.keys() == {"a", "b"}
    assert abs(counts["a"] - 2000) < 150  # it is in two of three pairs


def test_round_robin_goes_round_in_the_order_of_ids() -> None:
    policy, rng = policies()["round_robin"], random.Random(1)
    found = [policy.pick([C, A, B], 10, rng) for _ in range(6)]
    assert found == [A, B, C, A, B, C]


def test_the_snapshot_goes_by_the_last_poll_alone() -> None:
    assert picked("snapshot_least_loaded", A, B, C, times=50) == {"b": 50}
    fresh = Candidate("b", 100, 100, 10)  # full by now, but not by the last poll
    assert picked("snapshot_least_loaded", A, fresh, C, times=50) == {"b": 50}


def test_a_policy_has_state_of_its_own() -> None:
    one, other, rng = policies()["round_robin"], policies()["round_robin"], random.Random(1)
    assert one.pick([A, B], 10, rng) == other.pick([A, B], 10, rng) == A
