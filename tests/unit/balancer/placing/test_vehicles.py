"""A vehicle that is held for another request: what its own request is answered, and what no late copy can do."""

import contextlib
import random
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from balancer.book.embedded import EmbeddedBook
from balancer.book.lifetimes import KEEP_MS
from balancer.book.protocol import Hold
from balancer.placing.vehicles import VehicleAsker, name
from runtime.machine import Machine
from substation.contract import Place, SubstationAnswer, SubstationOutcome
from tests.support.desk import Desk
from tests.support.lossy_grid import CAR, NAMES, Network, balancer

VEHICLE = name("acme", "car")
STAY_MS = 7_200_000  # that its car may charge
UNIX_S = 1_700_000_000.0


class Held:
    """An asker whose vehicle is held for the request `other`."""

    asker: VehicleAsker

    def __init__(self, desk: Desk, folder: Path) -> None:
        self.desk = desk
        self.passed_s = 0.0
        self.book = EmbeddedBook(
            folder / "orders.sqlite", Machine(monotonic_s=lambda: self.passed_s, unix_s=lambda: UNIX_S)
        )

    async def ask(self, key: str, attempt: int = 0) -> SubstationAnswer:
        answer = await self.asker.ask("a", self.place(key, attempt), time.monotonic() + 60)
        assert answer
        return answer

    def place(self, key: str, attempt: int = 0) -> Place:
        return Place(self.book.book_id, key, attempt, "car", CAR, "acme")


@contextlib.asynccontextmanager
async def held(folder: Path) -> AsyncIterator[Held]:
    desks = {each: Desk(folder / each / "journal.sqlite", 100_000) for each in NAMES}
    made = Held(desks["a"], folder)
    async with balancer(made.book, Network(desks, random.Random(1), 0.0), 1) as (_, made.asker):
        await made.book.hold(Hold(VEHICLE, "other", 0, "b", "b"), None, STAY_MS)
        yield made
    await made.book.close()
    for desk in desks.values():
        desk.stop()


@pytest.mark.gen_test
async def test_a_request_whose_vehicle_is_held_for_another_is_refused_for_good(tmp_path: Path) -> None:
    async with held(tmp_path) as made:
        assert (await made.ask("mine", 1)).outcome is SubstationOutcome.REFUSED
        for attempt, outcome in ((0, SubstationOutcome.STALE), (1, SubstationOutcome.REFUSED)):
            (late,) = made.desk.ask(made.place("mine", attempt))
            assert late.outcome is outcome


@pytest.mark.gen_test
async def test_a_request_that_has_its_session_gets_it_though_its_vehicle_is_held_for_another(
    tmp_path: Path,
) -> None:
    async with held(tmp_path) as made:
        (placed,) = made.desk.ask(made.place("mine"))
        again = await made.ask("mine")
        assert (again.outcome, again.session) == (SubstationOutcome.PLACED, placed.session)


@pytest.mark.gen_test
async def test_a_hold_is_replaced_only_by_who_knows_it_as_it_is_and_never_goes_back(tmp_path: Path) -> None:
    async with held(tmp_path) as made:
        first = await made.book.holder(VEHICLE)
        assert first
        later = Hold(VEHICLE, "other", 2, "c", "c")
        assert await made.book.hold(later, None, STAY_MS) == later
        mine = Hold(VEHICLE, "mine", 0, "a", "a")
        assert await made.book.hold(mine, first, STAY_MS) == later
        assert await made.book.hold(first, None, STAY_MS) == later
        assert await made.book.hold(mine, later, STAY_MS) == mine


@pytest.mark.gen_test
async def test_a_hold_is_dropped_a_day_after_the_longest_that_its_car_may_charge(tmp_path: Path) -> None:
    async with held(tmp_path) as made:
        for off_ms, kept in ((0, True), (1, False)):
            made.passed_s = (STAY_MS + KEEP_MS + off_ms) / 1000
            await made.book.prune()
            assert (await made.book.holder(VEHICLE) is not None) is kept
