"""Each policy picks as it is said to, and only what is usable."""

import random
from collections import Counter

import pytest

from balancer.fleet.candidates import Candidates
from balancer.placing.policies import least_loaded, policies

A, B, C = (0.3, "a"), (0.5, "b"), (0.7, "c")  # utilization with the demand, and id


def among(*pairs: tuple[float, str]) -> Candidates:
    return Candidates([name for _, name in pairs], [share for share, _ in pairs])


def anyone(_: str) -> bool:
    return True


def picked(
    policy: str, *candidates: tuple[float, str], times: int = 3000, unusable: str = ""
) -> Counter[str]:
    """How often each was picked; `nobody` is None."""
    chosen, rng = policies()[policy], random.Random(5)
    found = (chosen.choose(among(*candidates), lambda name: name not in unusable, rng) for _ in range(times))
    return Counter(name or "nobody" for name in found)


def test_the_lowest_utilization_wins() -> None:
    assert least_loaded(among(B, A, C), anyone, random.Random(1)) == "a"


def test_ties_are_broken_at_random_and_evenly() -> None:
    counts = picked("least_loaded", (0.6, "x"), *((0.5, name) for name in "abcd"), unusable="d")
    assert set(counts) == {"a", "b", "c"}
    assert all(abs(count - 1000) < 150 for count in counts.values())  # 5.8 standard deviations


def test_a_seed_gives_the_same_choices_again() -> None:
    equal = [(0.5, name) for name in "abcdef"]

    def choices() -> list[str | None]:
        rng = random.Random(3)
        return [least_loaded(among(*equal), anyone, rng) for _ in range(50)]

    assert choices() == choices()


def test_only_those_that_would_be_chosen_are_asked_whether_they_are_usable() -> None:
    """One in a hundred is unusable here, and the loads are in random order: ln(10,000) is about 9."""
    rng, asked = random.Random(1), list[str]()
    candidates = [(rng.random(), str(number)) for number in range(10_000)]

    def usable(name: str) -> bool:
        asked.append(name)
        return not name.endswith("00")

    chosen = least_loaded(among(*candidates), usable, rng)
    assert chosen == min(each for each in candidates if not each[1].endswith("00"))[1]
    assert len(asked) < 40


@pytest.mark.parametrize("policy", policies())
def test_one_that_is_not_usable_is_never_picked(policy: str) -> None:
    assert picked(policy, times=50) == {"nobody": 50}
    assert picked(policy, A, B, C, times=50, unusable="abc") == {"nobody": 50}
    assert picked(policy, A, B, C, times=50, unusable="ac") == {"b": 50}


def test_random_picks_each_as_often() -> None:
    assert all(abs(count - 1000) < 150 for count in picked("random", A, B, C).values())
    assert all(abs(count - 1500) < 150 for count in picked("random", A, B, C, unusable="b").values())


def test_power_of_two_picks_the_best_of_every_pair_and_so_never_the_worst() -> None:
    counts = picked("power_of_two", C, B, A)
    assert counts.keys() == {"a", "b"}
    assert abs(counts["a"] - 2000) < 150  # it is in two of three pairs


def test_round_robin_goes_round_in_the_order_of_ids() -> None:
    policy, rng = policies()["round_robin"], random.Random(1)
    found = [policy.choose(among(C, A, B), anyone, rng) for _ in range(6)]
    assert found == ["a", "b", "c", "a", "b", "c"]


def test_a_policy_has_state_of_its_own() -> None:
    one, other, rng = policies()["round_robin"], policies()["round_robin"], random.Random(1)
    assert one.choose(among(A, B), anyone, rng) == other.choose(among(A, B), anyone, rng) == "a"
