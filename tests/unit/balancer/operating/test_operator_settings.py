"""What operators order, over a real order book; the fleet is a view on a virtual clock."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from balancer.book.decommissioned import DecommissionedJournals
from balancer.contract import BalancerOutcome
from balancer.fleet.health import EJECT_AFTER
from balancer.operating.operator_settings import OperatorSettings
from balancer.operating.substation_orders import SubstationOrders
from tests.unit.balancer.book.shelves import BULKY, EmbeddedShelf
from tests.unit.balancer.fleets import Fleet, report, url


def operator(
    fleet: Fleet,
    book: object,
    decommissioned: DecommissionedJournals | None = None,
    on_given_up: Callable[[], None] = lambda: None,
) -> OperatorSettings:
    known = decommissioned or DecommissionedJournals()
    return OperatorSettings(fleet.view, book, known, on_given_up)  # type: ignore[arg-type]


def orders(
    fleet: Fleet, book: object, decommissioned: DecommissionedJournals | None = None
) -> SubstationOrders:
    known = decommissioned or DecommissionedJournals()
    settings = operator(fleet, book, known)
    return SubstationOrders(fleet.view, book, None, known, settings)  # type: ignore[arg-type]


@pytest.mark.gen_test
async def test_every_balancer_on_a_book_takes_over_what_one_was_ordered(tmp_path: Path) -> None:
    here, there = Fleet(report("a"), report("b")), Fleet(report("a"), report("b"))
    here.miss("a", 5)
    here.linked.discard("a")
    async with EmbeddedShelf(tmp_path).open() as book:
        dropped: list[str] = []
        ordered = DecommissionedJournals()
        settings = operator(here, book, ordered, lambda: dropped.extend(here.roster.forget(0.0)))
        given = SubstationOrders(here.view, book, None, ordered, settings)  # type: ignore[arg-type]
        read = DecommissionedJournals()
        follows = operator(there, book, read)
        assert (await settings.set_policy("random")).outcome is BalancerOutcome.DONE
        assert (await given.decommission("a")).outcome is BalancerOutcome.DONE
        assert (here.view.policy.name, list(here.roster.members)) == ("random", ["b"])
        assert dropped == ["a"]
        await follows.read()
        assert (there.view.policy.name, list(there.roster.members)) == ("random", ["b"])
    for known in (ordered, read):
        assert known.includes("a", "journal-a")
        assert known.includes("a", "")  # a claim of an older version
        assert not known.includes("a", "journal-new")
        assert not known.includes("b", "journal-b")
        assert not known.includes("b", "")


@pytest.mark.gen_test
async def test_a_book_that_can_t_be_written_changes_nothing_and_says_so(tmp_path: Path) -> None:
    fleet = Fleet(report("a", journal_id=BULKY))
    fleet.miss("a", 5)
    fleet.linked.discard("a")
    shelf = EmbeddedShelf(tmp_path)
    async with shelf.open() as book:
        shelf.fill_the_disk(book)
        answer = await orders(fleet, book).decommission("a")
        assert answer.outcome is BalancerOutcome.UNREACHABLE
        assert answer.detail.startswith("the order book: ")
        assert list(fleet.roster.members) == ["a"]
    refused = await operator(fleet, book).set_policy("random")
    assert refused.outcome is BalancerOutcome.UNREACHABLE  # it is closed
    assert fleet.view.policy.name == "least_loaded"


@pytest.mark.gen_test
@pytest.mark.parametrize(
    ("misses", "linked"), [(0, True), (0, False), (1, True), (2, False), (5, True)], ids=str
)
async def test_a_substation_that_may_still_charge_is_not_given_up_and_it_is_said_what_to_do(
    tmp_path: Path, misses: int, *, linked: bool
) -> None:
    fleet = Fleet(report("a"))
    fleet.poll(report("a", seq=2), time.monotonic())
    fleet.miss("a", misses)
    if not linked:
        fleet.linked.discard("a")
    async with EmbeddedShelf(tmp_path).open() as book:
        answer = await orders(fleet, book).decommission("a")
        assert answer.outcome is BalancerOutcome.INVALID
        assert "a may still charge cars" in answer.detail
        assert "stop its process" in answer.detail
        assert (await orders(fleet, book).decommission("nobody")).outcome is BalancerOutcome.NOT_FOUND
        assert (await book.control()).decommissioned == frozenset()


@pytest.mark.gen_test
async def test_one_that_is_back_at_the_last_moment_is_not_given_up(tmp_path: Path) -> None:
    fleet = Fleet(report("a"))
    fleet.miss("a", 5)
    fleet.linked.discard("a")
    async with EmbeddedShelf(tmp_path).open() as book:

        class ComesBack:
            """The book, in the moment of whose reading the stream is up again."""

            async def journals(self, substation_id: str) -> frozenset[str]:
                fleet.linked.add("a")
                return await book.journals(substation_id)

            def __getattr__(self, name: str) -> object:
                return getattr(book, name)

        assert (await orders(fleet, ComesBack()).decommission("a")).outcome is BalancerOutcome.INVALID
        assert (await book.control()).decommissioned == frozenset()
        assert list(fleet.roster.members) == ["a"]


@pytest.mark.gen_test
async def test_a_balancer_that_has_not_looked_everywhere_yet_gives_nobody_up(tmp_path: Path) -> None:
    fleet = Fleet()
    async with EmbeddedShelf(tmp_path).open() as book:
        await book.claim("k", "f", "a", "journal-a")
        fleet.roster.addresses.watch(url("a"))
        for misses in range(EJECT_AFTER):
            answer = await orders(fleet, book).decommission("a")
            assert (answer.outcome, url("a") in answer.detail) == (BalancerOutcome.INVALID, True), misses
            fleet.miss("a")
        assert (await orders(fleet, book).decommission("a")).outcome is BalancerOutcome.DONE


@pytest.mark.gen_test
async def test_the_address_of_one_that_was_given_up_expects_nobody_after_a_restart_of_the_balancer(
    tmp_path: Path,
) -> None:
    shelf = EmbeddedShelf(tmp_path)
    fleet = Fleet()
    fleet.roster.addresses.watch(url("a"))
    fleet.roster.polled(url("a"), report("a"), time.monotonic())
    async with shelf.open() as book:
        following = asyncio.create_task(operator(fleet, book).follow())
        while not (await book.control()).addresses:
            await asyncio.sleep(0)
        following.cancel()
    fleet = Fleet()
    fleet.roster.addresses.watch(url("a"))
    fleet.miss("a", EJECT_AFTER)
    async with shelf.open() as book:
        assert fleet.roster.addresses.unseen() == [url("a")]
        assert (await orders(fleet, book).decommission("a")).outcome is BalancerOutcome.DONE
        assert fleet.roster.addresses.unseen() == []
    fleet = Fleet()
    fleet.roster.addresses.watch(url("a"))
    async with shelf.open() as book:
        await operator(fleet, book).read()
        assert fleet.roster.addresses.unseen() == []
        fleet.roster.polled(url("a"), report("a", journal_id="new"), time.monotonic())
        assert (await orders(fleet, book).decommission("a")).outcome is BalancerOutcome.INVALID


@pytest.mark.gen_test
async def test_a_former_journal_is_given_up_while_its_substation_goes_on_with_another(tmp_path: Path) -> None:
    fleet = Fleet(report("a", journal_id="now"))
    fleet.poll(report("a", seq=2, journal_id="now"), time.monotonic())
    async with EmbeddedShelf(tmp_path).open() as book:
        await book.claim("k", "f", "a", "before")
        decommissioned = DecommissionedJournals()
        told = orders(fleet, book, decommissioned)
        refused = await told.decommission("a", "now")
        assert (refused.outcome, "journal now" in refused.detail) == (BalancerOutcome.INVALID, True)
        assert (await told.decommission("a", "never-heard-of")).outcome is BalancerOutcome.NOT_FOUND
        assert (await told.decommission("a", "before")).outcome is BalancerOutcome.DONE
        assert decommissioned.includes("a", "before")
        assert not decommissioned.includes("a", "now")
        assert list(fleet.roster.members) == ["a"]
        assert (await told.decommission("a", "before")).outcome is BalancerOutcome.NOT_FOUND


@pytest.mark.gen_test
async def test_of_two_under_one_id_no_journal_is_given_up(tmp_path: Path) -> None:
    fleet = Fleet(report("a"))
    now_s = time.monotonic()
    fleet.roster.addresses.watch("http://twin:1")
    fleet.poll(report("a", seq=2), now_s)
    fleet.roster.polled("http://twin:1", report("a", journal_id="twin"), now_s)
    async with EmbeddedShelf(tmp_path).open() as book:
        await book.claim("k", "f", "a", "twin")
        for journal_id in ("", "journal-a", "twin"):
            answer = await orders(fleet, book).decommission("a", journal_id)
            assert (answer.outcome, "in doubt" in answer.detail) == (BalancerOutcome.INVALID, True)


@pytest.mark.gen_test
async def test_every_balancer_on_a_book_knows_who_holds_the_rush_hour(tmp_path: Path) -> None:
    here, there = Fleet(report("a")), Fleet(report("a"))
    async with EmbeddedShelf(tmp_path).open() as book:
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
