"""The retry budget: a share of the requests, a minimum with time, a bounded burst."""

import itertools

from balancer.placing.retries import MIN_PER_S, MOST, SHARE, RetryBudget


def taken(budget: RetryBudget, now_s: float = 0.0) -> int:
    """How many retries may be made at one moment."""
    return sum(itertools.takewhile(bool, (budget.take(now_s) for _ in itertools.count())))


def test_a_burst_of_retries_ends() -> None:
    budget = RetryBudget()
    assert taken(budget) == MOST
    assert not budget.take(0.0)


def test_requests_pay_for_a_share_of_retries() -> None:
    budget = RetryBudget()
    taken(budget)
    for _ in range(52):  # floats: 50 are a hair too few
        budget.deposit()
    assert taken(budget) == int(52 * SHARE)


def test_a_minimum_comes_back_with_time_and_never_more_than_the_burst() -> None:
    budget = RetryBudget()
    taken(budget)
    assert taken(budget, 1.0) == MIN_PER_S
    assert taken(budget, 1.0) == 0
    assert taken(budget, 1000.0) == MOST


def test_deposits_do_not_pile_up() -> None:
    budget = RetryBudget()
    for _ in range(10_000):
        budget.deposit()
    assert taken(budget) == MOST
