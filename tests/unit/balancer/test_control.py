"""What operators order, over a real order book; the fleet is a view on a virtual clock."""

import time
from pathlib import Path

import pytest

from balancer.contract import Outcome
from balancer.control import Operator
from tests.unit.balancer.test_orders import BULKY, Embedded
from tests.unit.balancer.views import View, report


def operator(view: View, book: object) -> Operator:
    return Operator(view.fleet, book, None)  # type: ignore[arg-type]


@pytest.mark.gen_test
async def test_every_balancer_on_a_book_takes_over_what_one_was_ordered(tmp_path: Path) -> None:
    here, there = View(report("a"), report("b")), View(report("a"), report("b"))
    here.miss("a", 5)
    async with Embedded(tmp_path).open() as book:
        ordered, follows = operator(here, book), operator(there, book)
        assert (await ordered.set_policy("random")).outcome is Outcome.DONE
        assert (await ordered.decommission("a")).outcome is Outcome.DONE
        assert (here.fleet.policy, list(here.fleet.members)) == ("random", ["b"])
        await follows.read()
        assert (there.fleet.policy, list(there.fleet.members)) == ("random", ["b"])
    for one in (ordered, follows):
        assert one.given_up("a", "journal-a")
        assert one.given_up("a", "")  # a claim of an older version
        assert not one.given_up("a", "journal-new")
        assert not one.given_up("b", "journal-b")
        assert not one.given_up("b", "")


@pytest.mark.gen_test
async def test_a_book_that_can_t_be_written_changes_nothing_and_says_so(tmp_path: Path) -> None:
    view = View(report("a", journal_id=BULKY))
    view.miss("a")
    shelf = Embedded(tmp_path)
    async with shelf.open() as book:
        shelf.fill_the_disk(book)
        told = operator(view, book)
        answer = await told.decommission("a")
        assert answer.outcome is Outcome.UNREACHABLE
        assert answer.detail.startswith("the order book: ")
        assert list(view.fleet.members) == ["a"]
    assert (await told.set_policy("random")).outcome is Outcome.UNREACHABLE  # it is closed
    assert view.fleet.policy == "least_loaded"


@pytest.mark.gen_test
async def test_a_substation_that_answers_is_not_given_up(tmp_path: Path) -> None:
    view = View(report("a"))
    view.poll(report("a", seq=2), time.monotonic())
    async with Embedded(tmp_path).open() as book:
        answer = await operator(view, book).decommission("a")
        assert (answer.outcome, answer.detail) == (Outcome.INVALID, "a answers: stop it first")
        assert (await operator(view, book).decommission("nobody")).outcome is Outcome.NOT_FOUND
        assert (await book.control()).decommissioned == frozenset()


@pytest.mark.gen_test
async def test_every_balancer_on_a_book_knows_who_holds_the_rush_hour(tmp_path: Path) -> None:
    here, there = View(report("a")), View(report("a"))
    async with Embedded(tmp_path).open() as book:
        takes, follows = operator(here, book), operator(there, book)
        assert takes.rushhour is follows.rushhour is None
        assert (await takes.take_rushhour("run-1", 30)).outcome is Outcome.DONE
        await follows.read()
        for one in (takes, follows):
            assert one.rushhour
            assert one.rushhour[0] == "run-1"
            assert 0 < one.rushhour[1] <= 30
        assert (await follows.take_rushhour("run-2", 30)).outcome is Outcome.INVALID
        assert (await follows.end_rushhour("run-2")).outcome is Outcome.INVALID
        assert (await follows.end_rushhour("run-1")).outcome is Outcome.DONE
        await takes.read()
        assert takes.rushhour is follows.rushhour is None
    assert (await takes.take_rushhour("run-1", 30)).outcome is Outcome.UNREACHABLE  # it is closed
    assert (await takes.end_rushhour("run-1")).outcome is Outcome.UNREACHABLE
