"""A search looks at all decisions that are kept, and its pages neither miss nor repeat one."""

import random

import pytest

from admin_ui.decisions.reasons import OF_A_SUBSTATION, REFUSED, WITHOUT_A_SUBSTATION
from balancer.fleet.health import HealthState
from balancer.fleet.snapshot import Snapshot
from balancer.placing.decision_search import LAST_MS, Wanted, search
from balancer.placing.decisions import MOST, Decision, Decisions


def decision(
    unix_ms: int = 1, chosen: str | None = "a", outcome: str = "placed", policy: str = "random"
) -> Decision:
    sights = tuple((name, 100, HealthState.HEALTHY, False, 0.0, True) for name in ("a", "b"))
    return Decision(unix_ms, "car", 10, policy, 0, Snapshot(0.0, sights, (0.0, 0.0)), chosen, "why", outcome)


@pytest.mark.parametrize("limit", [1, 3, 50])
def test_pages_have_each_decision_once_also_where_many_are_of_one_millisecond(limit: int) -> None:
    drawn = random.Random(5)
    ring, at = Decisions(), 0
    for _ in range(200):
        at += drawn.choice((0, 0, 0, 1, 5))
        ring.note(decision(at))
    seen, before = list[int](), LAST_MS
    while True:
        found, following = search(ring.newest(), Wanted(before), limit)
        seen += [each.number for each in found]
        if following is None:
            break
        before = following
    assert seen == list(range(200, 0, -1))


def test_the_oldest_of_all_that_are_kept_is_found() -> None:
    ring = Decisions()
    ring.note(decision(1, None, "", "round_robin"))
    for at in range(MOST - 1):
        ring.note(decision(at))
    for wanted in (Wanted(refused=True), Wanted(policy="round_robin"), Wanted(substation="b")):
        found, following = search(ring.newest(), wanted, 50)
        assert ([each.number for each in found], following) == ([1], None)


@pytest.mark.parametrize(
    ("chosen", "outcome", "refused"),
    [
        ("a", "placed", False),
        ("a", "", False),
        ("a", "refused", True),
        ("a", "withdrawn", True),
        (None, "", True),
        (None, "waiting", False),
        (None, "seated", False),
        (None, "in_vain", True),
    ],
)
def test_refusals_are_those_that_the_console_calls_so(
    chosen: str | None, outcome: str, refused: bool
) -> None:
    kind, _ = (OF_A_SUBSTATION if chosen else WITHOUT_A_SUBSTATION)[outcome]
    assert (kind == REFUSED) is refused
    assert bool(search([decision(1, chosen, outcome)], Wanted(refused=True), 5)[0]) is refused


def test_a_substation_is_where_the_car_was_sent_or_a_candidate_when_it_was_sent_nowhere() -> None:
    sent, nowhere = decision(2, "a"), decision(1, None, "")
    assert search([sent, nowhere], Wanted(substation="a"), 5)[0] == [sent, nowhere]
    assert search([sent, nowhere], Wanted(substation="b"), 5)[0] == [nowhere]
    assert search([sent, nowhere], Wanted(substation="c"), 5)[0] == []


def test_a_search_reads_no_snapshot_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten thousand decisions have up to 100,000 substations in their snapshots, and a balancer answers nobody meanwhile."""
    nowhere = decision(1, None, "")
    monkeypatch.delattr(Snapshot, "__iter__")
    assert search([nowhere], Wanted(substation="b"), 5)[0] == [nowhere]
    assert search([nowhere], Wanted(substation="c"), 5)[0] == []
