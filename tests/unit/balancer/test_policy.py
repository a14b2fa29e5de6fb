"""least_loaded goes by utilization with the demand, and is fair among equals."""

import random
from collections import Counter

from balancer.policy import Candidate, least_loaded


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
