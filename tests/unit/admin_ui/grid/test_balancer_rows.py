"""What is shown of each balancer: its state, its share of the decisions, whom it can't reach; nothing where there is only one."""

from typing import Any

from admin_ui.grid.balancer_rows import SPAN_S, DecisionCounts, rows
from admin_ui.grid.balancers import Balancers
from admin_ui.grid.reported_fleet import ReportedFleet
from tests.unit.admin_ui.grid.test_board import fleet

A, B = "http://a:1", "http://b:1"


def reported(decided: int, started: int = 1, **more: Any) -> ReportedFleet:
    made = ReportedFleet()
    process = {
        "started_unix_ms": started,
        "decided": decided,
        "version": "1",
        "waiting": 2,
        "in_flight": 3,
    } | more
    made.apply(
        {"kind": "snapshot", "seq": 1, "fleet": {**fleet(), "book_id": "book", "balancer": process}}, 0.0
    )
    return made


def counts(*samples: tuple[float, dict[str, ReportedFleet]]) -> DecisionCounts:
    made = DecisionCounts()
    for now_s, fleets in samples:
        made.sample(fleets, now_s)
    return made


def test_of_one_balancer_nothing_is_shown() -> None:
    balancers = Balancers([A])
    balancers.heard(A, 1.0)
    assert rows(balancers, {A: reported(1)}, {}, DecisionCounts()) == []


def test_each_of_several_is_shown_with_its_share_of_the_decisions() -> None:
    balancers = Balancers([B, A])
    balancers.heard(A, 1.0)
    balancers.heard(B, 1.0)
    before = {A: reported(10), B: reported(100)}
    after = {A: reported(40), B: reported(110, waiting_for=["a substation that answers"])}
    found = rows(balancers, after, {A: ["s-2", "s-1"]}, counts((0.0, before), (30.0, after)))
    assert [(row["name"], row["state"], row["decisions"], row["share"]) for row in found] == [
        ("a:1", "up", 30, 0.75),
        ("b:1", "waiting", 10, 0.25),
    ]
    assert (found[0]["unreached"], found[0]["unreached_count"]) == (["s-1", "s-2"], 2)
    assert (found[0]["waiting"], found[0]["in_flight"], found[0]["book_id"]) == (2, 3, "book")
    assert found[1]["why"] == "a substation that answers"


def test_a_lost_one_says_since_when_and_why_and_nothing_that_is_not_so_any_more() -> None:
    balancers = Balancers([A, B])
    balancers.heard(A, 5.4)
    balancers.lost(A, "it refuses connections")
    lost, never = rows(balancers, {A: reported(10)}, {}, DecisionCounts())
    assert (lost["state"], lost["why"], lost["heard_unix_s"]) == ("lost", "it refuses connections", 5)
    assert (lost["waiting"], lost["book_id"], lost["share"]) == (None, None, None)
    assert (never["state"], never["why"], never["heard_unix_s"]) == ("lost", "it has not answered yet", None)


def test_decisions_of_a_process_that_was_started_anew_are_added_and_old_ones_leave() -> None:
    found = counts((0.0, {A: reported(10)}), (1.0, {A: reported(15)}), (2.0, {A: reported(3, started=2)}))
    assert found.of(A) == 8
    found.sample({A: reported(4, started=2)}, SPAN_S + 1.5)
    assert found.of(A) == 1
    found.sample({}, SPAN_S + 2)
    assert found.of(A) == 0


def test_those_that_are_up_are_asked_first_and_of_them_the_one_that_knows_best() -> None:
    balancers = Balancers([A, B, "http://c:1"])
    assert balancers.to_ask() == [A, B, "http://c:1"]
    balancers.heard(B, 1.0)
    balancers.heard("http://c:1", 1.0)
    assert balancers.to_ask("http://c:1") == ["http://c:1", B, A]
    assert balancers.to_ask(A) == [B, "http://c:1", A]
    assert balancers.know([A]) == [B, "http://c:1"]
    assert (balancers.several, balancers.any_up) == (False, False)
