"""What operators order, over a real order book; the fleet is a view on a virtual clock."""

import asyncio
import time
from pathlib import Path

import pytest

from balancer.contract import BalancerOutcome
from balancer.fleet.health import EJECT_AFTER
from balancer.operating.operator_settings import OperatorSettings
from tests.unit.balancer.book.test_embedded_book import BULKY, Embedded
from tests.unit.balancer.views import View, report, url


def operator(view: View, book: object) -> OperatorSettings:
    return OperatorSettings(view.fleet, book, None)  # type: ignore[arg-type]


@pytest.mark.gen_test
async def test_every_balancer_on_a_book_takes_over_what_one_was_ordered(tmp_path: Path) -> None:
    here, there = View(report("a"), report("b")), View(report("a"), report("b"))
    here.miss("a", 5)
    here.linked.discard("a")
    async with Embedded(tmp_path).open() as book:
        dropped: list[str] = []
        ordered = OperatorSettings(here.fleet, book, None, lambda: dropped.extend(here.fleet.forget(0.0)))  # type: ignore[arg-type]
        follows = operator(there, book)
        assert (await ordered.set_policy("random")).outcome is BalancerOutcome.DONE
        assert (await ordered.decommission("a")).outcome is BalancerOutcome.DONE
        assert (here.fleet.policy, list(here.fleet.members)) == ("random", ["b"])
        assert dropped == ["a"]
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
    view.miss("a", 5)
    view.linked.discard("a")
    shelf = Embedded(tmp_path)
    async with shelf.open() as book:
        shelf.fill_the_disk(book)
        told = operator(view, book)
        answer = await told.decommission("a")
        assert answer.outcome is BalancerOutcome.UNREACHABLE
        assert answer.detail.startswith("the order book: ")
        assert list(view.fleet.members) == ["a"]
    assert (await told.set_policy("random")).outcome is BalancerOutcome.UNREACHABLE  # it is closed
    assert view.fleet.policy == "least_loaded"


@pytest.mark.gen_test
@pytest.mark.parametrize(
    ("misses", "linked"), [(0, True), (0, False), (1, True), (2, False), (5, True)], ids=str
)
async def test_a_substation_that_may_still_charge_is_not_given_up_and_it_is_said_what_to_do(
    tmp_path: Path, misses: int, *, linked: bool
) -> None:
    view = View(report("a"))
    view.poll(report("a", seq=2), time.monotonic())
    view.miss("a", misses)
    if not linked:
        view.linked.discard("a")
    async with Embedded(tmp_path).open() as book:
        answer = await operator(view, book).decommission("a")
        assert answer.outcome is BalancerOutcome.INVALID
        assert "a may still charge cars" in answer.detail
        assert "stop its process" in answer.detail
        assert (await operator(view, book).decommission("nobody")).outcome is BalancerOutcome.NOT_FOUND
        assert (await book.control()).decommissioned == frozenset()


@pytest.mark.gen_test
async def test_one_that_is_back_at_the_last_moment_is_not_given_up(tmp_path: Path) -> None:
    view = View(report("a"))
    view.miss("a", 5)
    view.linked.discard("a")
    async with Embedded(tmp_path).open() as book:

        class ComesBack:
            """The book, in the moment of whose reading the stream is up again."""

            async def journals(self, substation_id: str) -> frozenset[str]:
                view.linked.add("a")
                return await book.journals(substation_id)

            def __getattr__(self, name: str) -> object:
                return getattr(book, name)

        assert (await operator(view, ComesBack()).decommission("a")).outcome is BalancerOutcome.INVALID
        assert (await book.control()).decommissioned == frozenset()
        assert list(view.fleet.members) == ["a"]


@pytest.mark.gen_test
async def test_a_balancer_that_has_not_looked_everywhere_yet_gives_nobody_up(tmp_path: Path) -> None:
    view = View()
    async with Embedded(tmp_path).open() as book:
        await book.claim("k", "f", "a", "journal-a")
        view.fleet.watch(url("a"))
        for misses in range(EJECT_AFTER):
            answer = await operator(view, book).decommission("a")
            assert (answer.outcome, url("a") in answer.detail) == (BalancerOutcome.INVALID, True), misses
            view.miss("a")
        assert (await operator(view, book).decommission("a")).outcome is BalancerOutcome.DONE


@pytest.mark.gen_test
async def test_the_address_of_one_that_was_given_up_expects_nobody_after_a_restart_of_the_balancer(
    tmp_path: Path,
) -> None:
    shelf = Embedded(tmp_path)
    view = View()
    view.fleet.watch(url("a"))
    view.fleet.polled(url("a"), report("a"), time.monotonic())
    async with shelf.open() as book:
        following = asyncio.create_task(operator(view, book).follow())
        while not (await book.control()).addresses:  # noqa: ASYNC110 - a book tells no one
            await asyncio.sleep(0)
        following.cancel()
    view = View()
    view.fleet.watch(url("a"))
    view.miss("a", EJECT_AFTER)
    async with shelf.open() as book:
        assert view.fleet.unseen() == [url("a")]
        assert (await operator(view, book).decommission("a")).outcome is BalancerOutcome.DONE
        assert view.fleet.unseen() == []
    view = View()
    view.fleet.watch(url("a"))
    async with shelf.open() as book:
        await operator(view, book).read()
        assert view.fleet.unseen() == []
        view.fleet.polled(url("a"), report("a", journal_id="new"), time.monotonic())
        assert (await operator(view, book).decommission("a")).outcome is BalancerOutcome.INVALID


@pytest.mark.gen_test
async def test_a_former_journal_is_given_up_while_its_substation_goes_on_with_another(tmp_path: Path) -> None:
    view = View(report("a", journal_id="now"))
    view.poll(report("a", seq=2, journal_id="now"), time.monotonic())
    async with Embedded(tmp_path).open() as book:
        await book.claim("k", "f", "a", "before")
        told = operator(view, book)
        refused = await told.decommission("a", "now")
        assert (refused.outcome, "journal now" in refused.detail) == (BalancerOutcome.INVALID, True)
        assert (await told.decommission("a", "never-heard-of")).outcome is BalancerOutcome.NOT_FOUND
        assert (await told.decommission("a", "before")).outcome is BalancerOutcome.DONE
        assert told.given_up("a", "before")
        assert not told.given_up("a", "now")
        assert list(view.fleet.members) == ["a"]
        assert (await told.decommission("a", "before")).outcome is BalancerOutcome.NOT_FOUND


@pytest.mark.gen_test
async def test_of_two_under_one_id_no_journal_is_given_up(tmp_path: Path) -> None:
    view = View(report("a"))
    now_s = time.monotonic()
    view.fleet.watch("http://twin:1")
    view.poll(report("a", seq=2), now_s)
    view.fleet.polled("http://twin:1", report("a", journal_id="twin"), now_s)
    async with Embedded(tmp_path).open() as book:
        await book.claim("k", "f", "a", "twin")
        for journal_id in ("", "journal-a", "twin"):
            answer = await operator(view, book).decommission("a", journal_id)
            assert (answer.outcome, "in doubt" in answer.detail) == (BalancerOutcome.INVALID, True)


@pytest.mark.gen_test
async def test_every_balancer_on_a_book_knows_who_holds_the_rush_hour(tmp_path: Path) -> None:
    here, there = View(report("a")), View(report("a"))
    async with Embedded(tmp_path).open() as book:
        takes, follows = operator(here, book), operator(there, book)
        assert takes.rushhour is follows.rushhour is None
        assert (await takes.take_rushhour("run-1", 30)).outcome is BalancerOutcome.DONE
        await follows.read()
        for one in (takes, follows):
            assert one.rushhour
            assert one.rushhour[0] == "run-1"
            assert 0 < one.rushhour[1] <= 30
        assert (await follows.take_rushhour("run-2", 30)).outcome is BalancerOutcome.INVALID
        assert (await follows.end_rushhour("run-2")).outcome is BalancerOutcome.INVALID
        assert (await follows.end_rushhour("run-1")).outcome is BalancerOutcome.DONE
        await takes.read()
        assert takes.rushhour is follows.rushhour is None
    assert (await takes.take_rushhour("run-1", 30)).outcome is BalancerOutcome.UNREACHABLE  # it is closed
    assert (await takes.end_rushhour("run-1")).outcome is BalancerOutcome.UNREACHABLE
