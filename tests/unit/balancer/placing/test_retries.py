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
    for _ in range(102):  # floats: 100 are a hair too few
        budget.deposit()
    assert taken(budget) == int(102 * SHARE)


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


def test_under_load_no_more_than_the_share_is_retried() -> None:
    """A substation that answers nothing, 1,000 requests a second, and each of them would be retried."""
    budget = RetryBudget()
    taken(budget)
    requests = retried = 0
    for second in range(10):
        for number in range(1000):
            budget.deposit()
            requests += 1
            retried += budget.take(second + number / 1000)
    assert 0 < retried / requests <= SHARE * 1.01 <= 0.101


def test_few_requests_are_retried_as_often_as_the_minimum_allows() -> None:
    budget = RetryBudget()
    taken(budget)
    retried = 0
    for second in range(1, 11):
        budget.deposit()
        retried += taken(budget, float(second))
    assert retried == 10 * MIN_PER_S
