"""A substation belongs to one order book, and goes over to another only if that one follows its own."""

import dataclasses
from pathlib import Path

from substation.contract import Bind, SubstationOutcome
from tests.support.desk import Desk
from tests.support.sessions import place

OWN, NEW = "own-book", "new-book"


def outcome(desk: Desk, command: object) -> SubstationOutcome:
    (answer,) = desk.ask(command)  # type: ignore[arg-type]
    return answer.outcome


def placed_by(desk: Desk, book_id: str, key: str) -> SubstationOutcome:
    return outcome(desk, dataclasses.replace(place(key, power_w=1_000), book_id=book_id))


def test_it_follows_to_a_book_that_follows_its_own_and_stays_there_through_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    desk = Desk(path, 100_000)
    assert placed_by(desk, OWN, "k-1") is SubstationOutcome.PLACED
    assert placed_by(desk, NEW, "k-2") is SubstationOutcome.WRONG_BOOK
    assert outcome(desk, Bind(NEW, (OWN, "another"))) is SubstationOutcome.DONE
    assert desk.writer.published.book_id == NEW
    assert outcome(desk, Bind(NEW, (OWN,))) is SubstationOutcome.DONE  # asked again
    desk.stop()
    again = Desk(path, 100_000)
    assert placed_by(again, OWN, "k-1") is SubstationOutcome.WRONG_BOOK
    assert placed_by(again, NEW, "k-1") is SubstationOutcome.PLACED
    again.stop()


def test_it_does_not_follow_to_a_book_that_does_not_name_its_own(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "journal.sqlite", 100_000)
    assert placed_by(desk, OWN, "k-1") is SubstationOutcome.PLACED
    for order in (Bind(NEW, ()), Bind(NEW, ("another",)), Bind("", (OWN,))):
        assert outcome(desk, order) is SubstationOutcome.WRONG_BOOK
    assert placed_by(desk, OWN, "k-2") is SubstationOutcome.PLACED
    desk.stop()
