"""Withdrawals over a real order book; only the substations' answers are made up."""

import asyncio
from pathlib import Path

import pytest

from balancer.book.decommissioned import DecommissionedJournals
from balancer.book.embedded import EmbeddedBook
from balancer.book.protocol import Withdrawal
from balancer.placing import withdrawals as withdrawals_module
from balancer.placing.withdrawals import Withdrawals
from substation.contract import Command, SubstationAnswer, SubstationOutcome, Withdraw
from tests.support.postgres import PostgresServer
from tests.unit.balancer.book.shelves import EmbeddedShelf, opened

ORPHAN = Withdrawal("~a", 1, "s-1")


class Substations:
    """Answers once it is told to."""

    def __init__(self) -> None:
        self.answering = asyncio.Event()
        self.asked: list[tuple[str, Command]] = []

    async def once(self, substation_id: str, command: Command, within_s: float) -> SubstationAnswer:
        self.asked.append((substation_id, command))
        await self.answering.wait()
        return SubstationAnswer(SubstationOutcome.WITHDRAWN)


@pytest.mark.gen_test
async def test_a_caller_who_goes_while_it_is_noted_does_not_end_the_withdrawal(tmp_path: Path) -> None:
    substations = Substations()
    async with EmbeddedShelf(tmp_path).open() as book:
        withdrawals = Withdrawals(book, substations, DecommissionedJournals())  # type: ignore[arg-type]
        noting = asyncio.create_task(withdrawals.note(ORPHAN))
        await asyncio.sleep(0)
        noting.cancel()
        await asyncio.gather(noting, return_exceptions=True)
        while not substations.asked:
            await asyncio.sleep(0.001)
        assert await book.withdrawals() == [ORPHAN]
        await withdrawals.close()


@pytest.mark.gen_test
async def test_what_is_to_be_noted_at_the_end_is_noted(tmp_path: Path) -> None:
    shelf = EmbeddedShelf(tmp_path)
    async with shelf.open() as book:
        withdrawals = Withdrawals(book, Substations(), DecommissionedJournals())  # type: ignore[arg-type]
        withdrawals.note_soon(ORPHAN)
        await withdrawals.close()
    async with shelf.open() as book:
        assert await book.withdrawals() == [ORPHAN]


@pytest.mark.gen_test
async def test_a_full_disk_keeps_no_withdrawal_from_being_asked_for(tmp_path: Path) -> None:
    substations = Substations()
    substations.answering.set()
    shelf = EmbeddedShelf(tmp_path)
    async with shelf.open() as book:
        shelf.fill_the_disk(book)
        withdrawals = Withdrawals(book, substations, DecommissionedJournals())  # type: ignore[arg-type]
        await withdrawals.note(Withdrawal("~a", 0, "x" * 100_000))
        await _all_answered(withdrawals)
        assert len(substations.asked) == 1
        await withdrawals.close()


@pytest.mark.gen_test
async def test_a_withdrawal_at_a_substation_that_is_gone_for_good_is_forgotten_unasked(
    tmp_path: Path,
) -> None:
    substations = Substations()
    async with EmbeddedShelf(tmp_path).open() as book:
        gone = DecommissionedJournals(frozenset({("s-1", "old")}))
        withdrawals = Withdrawals(book, substations, gone)  # type: ignore[arg-type]
        await withdrawals.note(Withdrawal("~a", 1, "s-1", "old"))
        await _all_answered(withdrawals)
        assert await book.withdrawals() == []
        assert substations.asked == []
        alive = Withdrawal("~b", 1, "s-1", "new")
        await withdrawals.note(alive)
        assert await book.withdrawals() == [alive]
        await withdrawals.close()


@pytest.mark.gen_test
async def test_one_that_is_asked_when_its_substation_is_given_up_is_forgotten_with_the_round(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(withdrawals_module, "PAUSE_S", 0.0)
    gone = DecommissionedJournals()

    class Silent(Substations):
        async def once(self, substation_id: str, command: Command, within_s: float) -> None:  # type: ignore[override]
            self.asked.append((substation_id, command))
            if len(self.asked) == 3:
                gone.journals = frozenset({(substation_id, "")})

    substations = Silent()
    async with EmbeddedShelf(tmp_path).open() as book:
        withdrawals = Withdrawals(book, substations, gone)  # type: ignore[arg-type]
        await withdrawals.note(ORPHAN)
        await _all_answered(withdrawals)
        assert await book.withdrawals() == []
        assert len(substations.asked) == 3
        await withdrawals.close()


@pytest.mark.gen_test
async def test_an_answered_withdrawal_is_forgotten(tmp_path: Path) -> None:
    substations = Substations()
    substations.answering.set()
    async with EmbeddedShelf(tmp_path).open() as book:
        assert isinstance(book, EmbeddedBook)
        withdrawals = Withdrawals(book, substations, DecommissionedJournals())  # type: ignore[arg-type]
        await withdrawals.note(ORPHAN)
        await _all_answered(withdrawals)
        assert await book.withdrawals() == []
        await withdrawals.close()


@pytest.mark.gen_test
async def test_ten_thousand_withdrawals_at_a_silent_substation_cost_one_call_a_round(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(withdrawals_module, "PAUSE_S", 0.0)
    substations = Substations()
    async with EmbeddedShelf(tmp_path).open() as book:
        withdrawals = Withdrawals(book, substations, DecommissionedJournals())  # type: ignore[arg-type]
        for number in range(10_000):
            withdrawals._ask(Withdrawal(f"~{number}", 0, "s-1"))
        withdrawals._ask(Withdrawal("~other", 0, "s-2"))
        await asyncio.sleep(0.01)
        assert sorted(target for target, _ in substations.asked) == ["s-1", "s-2"]
        assert len(withdrawals._asking) == 2
        substations.answering.set()
        await _all_answered(withdrawals)
        assert len({command for _, command in substations.asked}) == 10_001
        await withdrawals.close()


@pytest.mark.gen_test
async def test_a_withdrawal_that_is_never_answered_keeps_no_other_from_being_settled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(withdrawals_module, "PAUSE_S", 0.0)

    class Picky(Substations):
        async def once(  # type: ignore[override]
            self,
            substation_id: str,
            command: Command,
            within_s: float,
        ) -> SubstationAnswer | None:
            self.asked.append((substation_id, command))
            return None if command == Withdraw("~a", 1) else SubstationAnswer(SubstationOutcome.WITHDRAWN)

    substations = Picky()
    async with EmbeddedShelf(tmp_path).open() as book:
        withdrawals = Withdrawals(book, substations, DecommissionedJournals())  # type: ignore[arg-type]
        for key in ("~a", "~b", "~c"):
            await withdrawals.note(Withdrawal(key, 1, "s-1"))
        while await book.withdrawals() != [ORPHAN]:
            await asyncio.sleep(0.001)
        await withdrawals.close()


@pytest.mark.gen_test
async def test_a_substation_that_answers_nothing_is_asked_less_and_less_often(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 7:
            substations.silent = False

    class Silent(Substations):
        silent = True

        async def once(  # type: ignore[override]
            self, substation_id: str, command: Command, within_s: float
        ) -> SubstationAnswer | None:
            return None if self.silent else SubstationAnswer(SubstationOutcome.WITHDRAWN)

    substations = Silent()
    async with EmbeddedShelf(tmp_path).open() as book:
        withdrawals = Withdrawals(book, substations, DecommissionedJournals())  # type: ignore[arg-type]
        withdrawals._ask(ORPHAN)
        with monkeypatch.context() as patched:
            patched.setattr(asyncio, "sleep", sleep)
            await _all_answered(withdrawals)
        assert pauses == [0.5, 1.0, 2.0, 4.0, 5.0, 5.0, 5.0]
        await withdrawals.close()


async def _all_answered(withdrawals: Withdrawals) -> None:
    await asyncio.gather(*withdrawals._asking)


@pytest.mark.gen_test
async def test_what_another_balancer_has_left_in_a_shared_book_is_asked_for(
    postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(withdrawals_module, "TAKE_OVER_EVERY_S", 0.01)
    url = postgres.new_database("left_behind")
    gone, book = await opened(url), await opened(url)
    substations = Substations()
    withdrawals = Withdrawals(book, substations, DecommissionedJournals())  # type: ignore[arg-type]
    following = asyncio.create_task(withdrawals.follow())
    await gone.withdraw(ORPHAN)
    await book.withdrawals()
    assert substations.asked == []  # it is there
    await gone.close()
    substations.answering.set()
    while await book.withdrawals() or not substations.asked:
        await asyncio.sleep(0.01)
    assert {name for name, _ in substations.asked} == {"s-1"}
    following.cancel()
    await withdrawals.close()
    await book.close()
