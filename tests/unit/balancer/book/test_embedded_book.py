"""The contract of every order book; each kind is a shelf that opens, closes and fills it."""

import asyncio
import threading
from pathlib import Path

import pytest

from balancer.book.embedded import EmbeddedBook
from balancer.book.lease import Lease
from balancer.book.lifetimes import CLAIM_MS, KEEP_MS
from balancer.book.protocol import Address, BookUnavailable, Claim, Control, Withdrawal
from balancer.book.schema import SCHEMA_1
from balancer.book.sweep import MOST_PRUNED
from runtime.store import Store, StoreUnusable
from tests.support.postgres import PostgresServer
from tests.unit.balancer.book.shelves import (
    BULKY,
    HOUR_MS,
    NOW_MS,
    EmbeddedShelf,
    PostgresShelf,
    Shelf,
    SimulatedShelf,
)


@pytest.fixture(params=["embedded", "postgres", "simulated"])
def shelf(request: pytest.FixtureRequest, tmp_path: Path) -> Shelf:
    if request.param == "embedded":
        return EmbeddedShelf(tmp_path)
    if request.param == "simulated":
        return SimulatedShelf(tmp_path)
    return PostgresShelf(request.getfixturevalue("prepared"))


@pytest.fixture(scope="module")
def prepared(postgres: PostgresServer) -> PostgresServer:
    loop = asyncio.new_event_loop()  # asyncio.run would take the test's loop away
    loop.run_until_complete(PostgresShelf.prepare(postgres))
    loop.close()
    return postgres


@pytest.mark.gen_test
async def test_a_new_key_is_claimed_at_attempt_0(shelf: Shelf) -> None:
    async with shelf.open() as book:
        assert await book.claim("k", "f", "s-1") == Claim("k", "f", 0, "s-1")


@pytest.mark.gen_test
async def test_a_known_key_keeps_its_first_claim_whatever_comes_later(shelf: Shelf) -> None:
    async with shelf.open() as book:
        await book.claim("k", "f", "s-1")
        assert await book.claim("k", "other", "s-2") == Claim("k", "f", 0, "s-1")
    async with shelf.open() as book:
        assert await book.claim("k", "f", "s-2") == Claim("k", "f", 0, "s-1")


@pytest.mark.gen_test
async def test_without_a_target_nothing_is_claimed(shelf: Shelf) -> None:
    async with shelf.open() as book:
        assert await book.claim("k", "f", None) is None
        assert await book.claim("k", "f", None) is None
        claimed = await book.claim("k", "f", "s-1")
        assert await book.claim("k", "f", None) == claimed


@pytest.mark.gen_test
async def test_claims_of_one_key_at_once_give_one_claim(shelf: Shelf) -> None:
    async with shelf.open() as book:
        wanted = [book.claim("k", f"f-{n}", f"s-{n}") for n in range(50)]
        claims = await asyncio.gather(*wanted)
        assert len(set(claims)) == 1
        assert claims[0] in {Claim("k", f"f-{n}", 0, f"s-{n}") for n in range(50)}


@pytest.mark.gen_test
async def test_keys_do_not_touch_each_other(shelf: Shelf) -> None:
    async with shelf.open() as book:
        wanted = [book.claim(f"k-{n}", f"f-{n}", f"s-{n}") for n in range(300)]
        assert await asyncio.gather(*wanted) == [Claim(f"k-{n}", f"f-{n}", 0, f"s-{n}") for n in range(300)]


@pytest.mark.gen_test
async def test_an_advance_moves_the_claim_to_its_next_attempt(shelf: Shelf) -> None:
    async with shelf.open() as book:
        claim = await book.claim("k", "f", "s-1")
        assert claim
        moved = await book.advance(claim, "s-2")
        assert moved == Claim("k", "f", 1, "s-2")
        assert await book.advance(moved, "s-3") == Claim("k", "f", 2, "s-3")
    async with shelf.open() as book:
        assert await book.claim("k", "f", None) == Claim("k", "f", 2, "s-3")


@pytest.mark.gen_test
async def test_an_advance_of_an_old_claim_changes_nothing_and_says_what_the_book_says(shelf: Shelf) -> None:
    async with shelf.open() as book:
        old = await book.claim("k", "f", "s-1")
        assert old
        now = await book.advance(old, "s-2")
        assert await book.advance(old, "s-9") == now
        assert await book.claim("k", "f", None) == now


@pytest.mark.gen_test
async def test_of_advances_at_once_one_wins_and_all_hear_of_it(shelf: Shelf) -> None:
    async with shelf.open() as book:
        claim = await book.claim("k", "f", "s-0")
        assert claim
        moved = await asyncio.gather(*(book.advance(claim, f"s-{n}") for n in range(1, 30)))
        assert len(set(moved)) == 1
        assert moved[0].attempt == 1


@pytest.mark.gen_test
async def test_withdrawals_are_there_until_they_are_answered_through_restarts(shelf: Shelf) -> None:
    first, second = Withdrawal("~a", 0, "s-1"), Withdrawal("~b", 2, "s-2")
    async with shelf.open() as book:
        await book.withdraw(first)
        await book.withdraw(second)
        await book.withdraw(first)  # noted twice is noted once
    async with shelf.open() as book:
        assert sorted(await book.withdrawals(), key=lambda w: w.key) == [first, second]
        await book.withdrawn("~a")
        await book.withdrawn("~a")
        await book.withdrawn("nobody")
    async with shelf.open() as book:
        assert await book.withdrawals() == [second]


@pytest.mark.gen_test
async def test_a_claim_knows_the_journal_it_was_made_at(shelf: Shelf) -> None:
    async with shelf.open() as book:
        claim = await book.claim("k", "f", "s-1", "j-1")
        assert claim == Claim("k", "f", 0, "s-1", "j-1")
        assert await book.claim("k", "f", "s-1", "j-2") == claim
        await book.withdraw(Withdrawal("~a", 0, "s-1", "j-3"))
        await book.claim("old", "f", "s-1")
        assert await book.journals("s-1") == {"j-1", "j-3"}
        assert await book.journals("s-2") == set()
        moved = await book.advance(claim, "s-2", "j-9")
    async with shelf.open() as book:
        assert await book.claim("k", "f", None) == moved == Claim("k", "f", 1, "s-2", "j-9")
        assert await book.withdrawals() == [Withdrawal("~a", 0, "s-1", "j-3")]


@pytest.mark.gen_test
async def test_what_operators_ordered_is_kept(shelf: Shelf) -> None:
    async with shelf.open() as book:
        assert await book.control() == Control("", frozenset())
        await book.set_policy("random")
        await book.set_policy("round_robin")
        for journal_id in ("j-1", "j-1", "j-2"):
            await book.decommission("s-1", journal_id)
    async with shelf.open() as book:
        assert await book.control() == Control("round_robin", frozenset({("s-1", "j-1"), ("s-1", "j-2")}))


@pytest.mark.gen_test
async def test_the_rush_hour_is_held_by_one_run_until_its_lease_is_over_or_given_back(shelf: Shelf) -> None:
    first, other = Lease("run-1", NOW_MS + 5_000), Lease("run-2", NOW_MS + 9_000)
    async with shelf.open() as book:
        assert (await book.control()).rushhour is None
        assert await book.take_rushhour(first, NOW_MS) == first
        shelf.clocks.pass_time(4_999)
        assert await book.take_rushhour(other, NOW_MS + 4_999) == first
        renewed = Lease("run-1", NOW_MS + 7_000)
        assert await book.take_rushhour(renewed, NOW_MS + 4_999) == renewed
        await book.end_rushhour("run-2")  # not its own
    async with shelf.open() as book:
        assert (await book.control()).rushhour == renewed
        shelf.clocks.pass_time(2_001)
        assert await book.take_rushhour(other, NOW_MS + 7_000) == other
        await book.end_rushhour("run-1")  # too late
        assert (await book.control()).rushhour == other
        await book.end_rushhour("run-2")
        assert (await book.control()).rushhour is None


@pytest.mark.gen_test
async def test_of_runs_that_take_the_rush_hour_at_once_one_wins_and_all_hear_of_it(shelf: Shelf) -> None:
    async with shelf.open() as book:
        wanted = [book.take_rushhour(Lease(f"run-{n}", NOW_MS + 5_000), NOW_MS) for n in range(50)]
        assert len(set(await asyncio.gather(*wanted))) == 1


@pytest.mark.gen_test
async def test_pruning_drops_what_has_expired_and_keeps_the_rest(shelf: Shelf) -> None:
    async with shelf.open() as book:
        await book.claim("old", "f", "s-1")
        shelf.clocks.pass_time(10)
        kept = await book.claim("new", "f", "s-1")
        shelf.clocks.pass_time(CLAIM_MS - 10)
        assert await book.prune() == 0
        shelf.clocks.pass_time(5)
        assert await book.prune() == 1
        assert await book.claim("old", "f", None) is None
        assert await book.claim("new", "f", None) == kept


@pytest.mark.gen_test
@pytest.mark.parametrize("jump_ms", [48 * HOUR_MS, 10_000 * HOUR_MS, -48 * HOUR_MS])
async def test_a_wall_clock_that_jumps_while_the_book_is_open_drops_no_claim_and_keeps_none_longer(
    shelf: Shelf, jump_ms: int
) -> None:
    async with shelf.open() as book:
        before = await book.claim("before", "f", "s-1")
        shelf.clocks.unix_ms += jump_ms
        after = await book.claim("after", "f", "s-1")
        shelf.clocks.unix_ms -= jump_ms
        shelf.clocks.pass_time(CLAIM_MS - 1000)
        assert await book.prune() == 0
        assert await book.claim("before", "f", None) == before
        assert await book.claim("after", "f", None) == after
        shelf.clocks.unix_ms += jump_ms
        shelf.clocks.pass_time(2000)
        assert await book.prune() == 2


@pytest.mark.gen_test
async def test_a_wall_clock_that_jumps_between_two_runs_takes_an_hour_off_a_claim_and_not_its_life(
    shelf: Shelf,
) -> None:
    async with shelf.open() as book:
        await book.claim("k", "f", "s-1")
        await book.prune()
    shelf.clocks.unix_ms += 48 * HOUR_MS
    for _ in range(3):  # it is counted once, however often the balancer is started
        async with shelf.open() as book:
            assert await book.prune() == 0
    async with shelf.open() as book:
        shelf.clocks.pass_time(CLAIM_MS - HOUR_MS - 1000)
        assert await book.prune() == 0
        shelf.clocks.pass_time(2000)
        assert await book.prune() == 1


@pytest.mark.gen_test
async def test_a_wall_clock_that_was_set_back_between_two_runs_takes_the_book_s_time_not_back(
    shelf: Shelf,
) -> None:
    async with shelf.open() as book:
        await book.claim("k", "f", "s-1")
        shelf.clocks.pass_time(CLAIM_MS - 1000)
        await book.prune()
    shelf.clocks.unix_ms -= 48 * HOUR_MS
    async with shelf.open() as book:
        assert await book.prune() == 0
        shelf.clocks.pass_time(2000)
        assert await book.prune() == 1


@pytest.mark.gen_test
async def test_a_stop_counts_as_what_the_wall_clock_says(shelf: Shelf) -> None:
    async with shelf.open() as book:
        await book.claim("k", "f", "s-1")
        shelf.clocks.pass_time(CLAIM_MS - HOUR_MS)
        await book.prune()
    shelf.clocks.unix_ms += HOUR_MS + 1000
    shelf.clocks.monotonic_ms = 5  # the machine was started anew
    async with shelf.open() as book:
        shelf.clocks.pass_time(1000)
        assert await book.prune() == 1


@pytest.mark.gen_test
async def test_pruning_drops_a_bounded_number_and_the_rest_the_next_time(shelf: Shelf) -> None:
    async with shelf.open() as book:
        await asyncio.gather(*(book.claim(f"k-{n}", "f", "s") for n in range(MOST_PRUNED + 7)))
        shelf.clocks.pass_time(CLAIM_MS + 1)
        assert [await book.prune() for _ in range(3)] == [MOST_PRUNED, 7, 0]


@pytest.mark.gen_test
async def test_withdrawals_are_not_pruned(shelf: Shelf) -> None:
    async with shelf.open() as book:
        await book.withdraw(Withdrawal("~a", 0, "s-1"))
        shelf.clocks.pass_time(10 * KEEP_MS)
        await book.prune()
        assert len(await book.withdrawals()) == 1


@pytest.mark.gen_test
async def test_keeping_prolongs_and_never_shortens(shelf: Shelf) -> None:
    async with shelf.open() as book:
        await book.claim("k", "f", "s-1")
        long_ms = book.kept_anyway_ms + 10_000
        await book.keep("k", long_ms)
        await book.keep("k", 0)
        await book.keep("nobody", 0)
        shelf.clocks.pass_time(long_ms + KEEP_MS)
        assert await book.prune() == 0
        shelf.clocks.pass_time(1)
        assert await book.prune() == 1


@pytest.mark.gen_test
async def test_a_released_claim_is_nobody_s_until_the_next_attempt(shelf: Shelf) -> None:
    async with shelf.open() as book:
        claim = await book.claim("k", "f", "s-1", "j-1")
        assert claim
        await book.release(claim)
    async with shelf.open() as book:
        assert await book.claim("k", "f", "s-2", "j-2") == Claim("k", "f", 0, "")
        assert await book.journals("s-1") == set()
        moved = await book.advance(claim, "s-2", "j-2")
        assert moved == Claim("k", "f", 1, "s-2", "j-2")
        await book.release(claim)  # too late
        assert await book.claim("k", "f", None) == moved


@pytest.mark.gen_test
async def test_who_was_seen_last_at_an_address_is_kept_and_known_by_its_journal(shelf: Shelf) -> None:
    first, other = Address("http://a:1", "s-1", "j-1"), Address("http://b:1", "s-2", "j-2")
    async with shelf.open() as book:
        await book.saw([first, other])
        await book.saw([Address("http://a:1", "s-1", "j-9")])
    async with shelf.open() as book:
        assert (await book.control()).addresses == {Address("http://a:1", "s-1", "j-9"), other}
        assert await book.journals("s-1") == {"j-9"}


@pytest.mark.gen_test
async def test_a_full_disk_is_said_and_changes_nothing(shelf: Shelf) -> None:
    async with shelf.open() as book:
        claim = await book.claim("k", "f", "s-1")
        assert claim
        shelf.fill_the_disk(book)
        with pytest.raises(BookUnavailable):
            await book.claim("new", BULKY, "s-1")
        with pytest.raises(BookUnavailable):
            await book.advance(claim, BULKY)
        with pytest.raises(BookUnavailable):
            await book.withdraw(Withdrawal("~a", 0, BULKY))
        shelf.make_room(book)
        assert await book.claim("new", BULKY, None) is None
        assert await book.claim("k", "f", None) == claim
        assert await book.withdrawals() == []
        assert await book.claim("new", BULKY, "s-1") == Claim("new", BULKY, 0, "s-1")


@pytest.mark.gen_test
async def test_a_full_disk_says_so_to_all_that_would_have_been_written_together(shelf: Shelf) -> None:
    async with shelf.open() as book:
        shelf.fill_the_disk(book)
        wanted = [book.claim(f"k-{n}", BULKY, "s-1") for n in range(20)]
        found = await asyncio.gather(*wanted, return_exceptions=True)
        assert all(isinstance(each, BookUnavailable) for each in found)
        shelf.make_room(book)
        known = [await book.claim(f"k-{n}", BULKY, None) for n in range(20)]
        assert known == [None] * 20


@pytest.mark.gen_test
async def test_a_closed_book_is_unavailable(shelf: Shelf) -> None:
    async with shelf.open() as book:
        pass
    with pytest.raises(BookUnavailable):
        await book.claim("k", "f", "s-1")


@pytest.mark.gen_test
async def test_what_was_asked_before_the_end_is_written(shelf: Shelf) -> None:
    async with shelf.open() as book:
        asked = asyncio.ensure_future(book.withdraw(Withdrawal("~a", 0, "s-1")))
        await asyncio.sleep(0)
    await asked
    async with shelf.open() as book:
        assert len(await book.withdrawals()) == 1


@pytest.mark.gen_test
async def test_a_book_has_one_id_for_life(shelf: Shelf, tmp_path: Path) -> None:
    async with shelf.open() as book:
        first = book.book_id
        assert first
    async with shelf.open() as book:
        assert book.book_id == first


@pytest.mark.gen_test
async def test_two_embedded_books_have_different_ids(tmp_path: Path) -> None:
    async with EmbeddedShelf(tmp_path / "a").open() as one, EmbeddedShelf(tmp_path / "b").open() as other:
        assert one.book_id != other.book_id


@pytest.mark.gen_test
async def test_a_book_says_what_keeps_it_from_being_written_until_it_can_be(tmp_path: Path) -> None:
    shelf = EmbeddedShelf(tmp_path)
    async with shelf.open() as book:
        assert isinstance(book, EmbeddedBook)
        assert book.waiting_for() == []
        shelf.fill_the_disk(book)
        with pytest.raises(BookUnavailable):
            await book.set_policy(BULKY)
        said = book.waiting_for()
        assert said == ["the order book: database or disk is full"]
        await book.control()  # reads go on, and say nothing about the disk
        assert book.waiting_for() == said
        shelf.make_room(book)
        await book.probe()
        assert book.waiting_for() == []


@pytest.mark.gen_test
async def test_a_book_that_is_not_written_in_time_says_so(tmp_path: Path) -> None:
    stalled = threading.Event()
    async with EmbeddedShelf(tmp_path).open() as book:
        assert isinstance(book, EmbeddedBook)
        stuck = asyncio.ensure_future(book._do(lambda _: stalled.wait()))
        while not book.waiting_for():
            await asyncio.sleep(0.05)
        assert book.waiting_for() == ["the disk of the order book: a commit takes over 1 s"]
        stalled.set()
        await stuck
        assert book.waiting_for() == []


@pytest.mark.gen_test
async def test_a_book_that_is_there_opens_on_a_full_disk(tmp_path: Path) -> None:
    async with EmbeddedShelf(tmp_path).open() as book:
        book_id = book.book_id
    sizes = {path: path.stat().st_size for path in (tmp_path / "book").iterdir()}
    async with EmbeddedShelf(tmp_path).open() as book:
        assert book.book_id == book_id
        written = {path: path.stat().st_size for path in (tmp_path / "book").iterdir()}
        assert sum(written.values()) == sum(sizes.values())  # nothing is written to open it


@pytest.mark.gen_test
async def test_a_book_whose_page_can_t_be_read_says_so_and_does_not_end_the_process(tmp_path: Path) -> None:
    async with EmbeddedShelf(tmp_path).open() as book:
        assert isinstance(book, EmbeddedBook)
        await book.claim("k", "f", "s-1")
        store: Store = book._store
        store.rows("PRAGMA wal_checkpoint(TRUNCATE)")
        page = store.rows("SELECT rootpage FROM sqlite_schema WHERE name = 'claim'")[0][0]
        with (tmp_path / "book" / "orders.sqlite").open("r+b") as file:
            file.seek((page - 1) * 4096)
            file.write(b"\xa5" * 4096)
        store.rows("PRAGMA shrink_memory")
        with pytest.raises(BookUnavailable):
            await book.claim("k", "f", "s-1")
        assert book.waiting_for() == ["the order book: database disk image is malformed"]
    with pytest.raises(StoreUnusable, match=r"orders\.sqlite is damaged"):
        async with EmbeddedShelf(tmp_path).open():
            pass


@pytest.mark.gen_test
async def test_an_embedded_book_has_one_owner(tmp_path: Path) -> None:
    async with EmbeddedShelf(tmp_path).open():
        with pytest.raises(StoreUnusable):
            async with EmbeddedShelf(tmp_path).open():
                pass


@pytest.mark.gen_test
async def test_a_book_of_the_first_version_is_taken_over_with_what_it_says(tmp_path: Path) -> None:
    path = tmp_path / "orders.sqlite"
    store = Store(path, (SCHEMA_1,))
    with store.transaction():
        store.run("INSERT INTO book VALUES (1, 'b')")
        store.run("INSERT INTO claim VALUES ('k', 'f', 2, 's-1', ?)", (NOW_MS,))
        store.run("INSERT INTO withdrawal VALUES ('~a', 1, 's-2')")
    store.close()
    book = EmbeddedBook(path)
    assert book.book_id == "b"
    assert await book.claim("k", "f", None) == Claim("k", "f", 2, "s-1", "")
    assert await book.withdrawals() == [Withdrawal("~a", 1, "s-2", "")]
    await book.close()
