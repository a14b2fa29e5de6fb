"""What a decision records of a large fleet: as much as the console shows, and the chosen one always."""

import pytest

from balancer.placing.decisions import Decision, Decisions
from balancer.placing.policies import policies
from balancer.placing.returns.promised_returns import PromisedReturns
from balancer.placing.seating.choosing import MOST_SEEN, SeatChooser
from tests.unit.balancer.fleets import Fleet, charge, report

MANY = 30


def chooser(loads_kw: list[int]) -> SeatChooser:
    """A chooser over substations `s-00`, `s-01`, ... of these loads."""
    view = Fleet(*(report(f"s-{number:02}", load_kw) for number, load_kw in enumerate(loads_kw))).view
    return SeatChooser(view, Decisions(), PromisedReturns(view), lambda: 0.0)


def seen(decision: Decision) -> set[str]:
    return {option.substation_id for option in decision.options}


@pytest.mark.parametrize("policy", policies())
def test_a_decision_in_a_large_fleet_records_the_chosen_one_and_the_least_utilized(policy: str) -> None:
    desk = chooser([90 - number for number in range(MANY)])
    assert desk.view.policy.use(policy)
    seat = desk.choose(charge(1), 0, set(), surely=False)
    assert seat
    assert seat.decision.options.count == MOST_SEEN
    assert seat.decision.left_out == MANY - MOST_SEEN
    lowest = {f"s-{number:02}" for number in range(MANY - MOST_SEEN + 1, MANY)}
    assert seen(seat.decision) >= lowest | {seat.target}


def test_a_refusal_in_a_large_fleet_records_those_with_the_most_room() -> None:
    desk = chooser([100 - number % 10 for number in range(MANY)])
    decision = desk.refuse(charge(50), 0, set(), surely=False)
    assert seen(decision) >= {"s-09", "s-19", "s-29"}
    assert (decision.options.count, decision.left_out) == (MOST_SEEN, MANY - MOST_SEEN)


def test_a_decision_in_a_small_fleet_records_every_substation_that_was_eligible() -> None:
    desk = chooser([10, 100, 30])
    seat = desk.choose(charge(5, "s-01", "s-02", "elsewhere"), 0, set(), surely=False)
    assert seat
    assert (seen(seat.decision), seat.decision.left_out) == ({"s-01", "s-02"}, 0)
    assert [option.estimate_w for option in seat.decision.options] == [100_000, 30_000]
