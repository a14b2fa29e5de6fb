"""Ready means that a request would be placed now: what is lacking is named, on a virtual clock."""

import pytest

from balancer.fleet.readiness import lacking, of_another_book
from balancer.fleet.view import View
from balancer.placing.returns.promised_returns import BLIND_WAIT_S
from substation.contract import Report
from tests.unit.balancer.fleets import Fleet, report

BOOK = "book-a"


def own(name: str, load_kw: int = 0, **changed: object) -> Report:
    return report(name, load_kw, book_id=BOOK, **changed)


def foreign(name: str) -> Report:
    return report(name, book_id="book-b")


def test_one_substation_that_takes_cars_is_enough() -> None:
    fleet = Fleet(own("a"), own("b", draining=True), foreign("c"), book_id=BOOK)
    fleet.miss("b", 3)
    assert lacking(fleet.view, 0.0) == []


def test_a_ready_fleet_is_not_searched_for_more() -> None:
    """This is asked ten times a second, also of a thousand substations."""
    fleet = Fleet(*(own(f"s-{number}") for number in range(20)), book_id=BOOK)
    asked: set[str] = set()

    def linked(name: str) -> bool:
        asked.add(name)
        return True

    assert lacking(View(fleet.roster, linked, fleet.view.policy), 0.0) == []
    assert asked == {"s-0"}


def test_one_without_a_book_takes_cars_of_any() -> None:
    assert lacking(Fleet(report("a"), book_id=BOOK).view, 0.0) == []


def test_a_full_fleet_is_ready_for_it_says_when_to_come_back() -> None:
    assert lacking(Fleet(own("a", load_kw=100), book_id=BOOK).view, 0.0) == []


def test_a_suspect_is_used_while_its_stream_is_up() -> None:
    fleet = Fleet(own("a"), book_id=BOOK)
    fleet.roster.late("a", 0.0)
    assert lacking(fleet.view, 0.0) == []
    fleet.linked.clear()
    assert lacking(fleet.view, 0.0) == ["a substation that answers"]


@pytest.mark.parametrize(("misses", "now_s"), [(3, 0.0), (0, 100.0)])
def test_nobody_who_answers_is_named_as_such(misses: int, now_s: float) -> None:
    fleet = Fleet(own("a"), book_id=BOOK)
    fleet.miss("a", misses)
    assert lacking(fleet.view, now_s) == ["a substation that answers"]


def test_who_takes_no_cars_is_named() -> None:
    fleet = Fleet(own("b", draining=True), own("a", draining=True), foreign("c"), book_id=BOOK)
    assert lacking(fleet.view, 0.0) == ["a substation that takes cars: a, b take none now"]


def test_a_lost_order_book_is_named() -> None:
    (said,) = lacking(Fleet(*map(foreign, "ab"), book_id=BOOK).view, 0.0)
    assert said.startswith("a substation of order book book-a: a, b belong to another order book; was the ")


def test_a_substation_of_another_book_is_not_chosen_however_empty_it_is() -> None:
    fleet = Fleet(foreign("a"), own("b", load_kw=90), book_id=BOOK)
    assert fleet.choose(10) == "b"
    assert fleet.choose(20) is None
    assert fleet.view.rated_w(("a",)) == 0
    alone = Fleet(foreign("a"), book_id=BOOK)
    assert alone.wait_s() == BLIND_WAIT_S


def test_it_is_chosen_again_once_it_belongs_to_this_book() -> None:
    fleet = Fleet(foreign("a"), book_id=BOOK)
    fleet.poll(report("a", epoch=2, journal_id="new"), 1.0)
    assert fleet.choose(10, now_s=1.0) == "a"


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ("", ""),
        ("a", "a belongs to another order book"),
        ("ba", "a, b belong to another order book"),
        ("abcdefg", "a, b, c, d, e and 2 more belong to another order book"),
    ],
)
def test_those_of_another_book_are_named_but_not_without_end(names: str, said: str) -> None:
    assert of_another_book(list(names)) == said
