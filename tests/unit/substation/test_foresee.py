"""The writer takes a forecast in, admits by it, and shows what is kept; it is kept in memory alone."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from substation.contract import Foresee, SubstationOutcome
from substation.outlook import MARGIN, BaseLoadOutlook
from tests.support.desk import Desk
from tests.support.sessions import place

CAPACITY_W = 100_000
RISE = Foresee(0, (0, 70_000))


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path / "journal.sqlite", CAPACITY_W, scale=10.0)
    yield made
    made.stop()


def kept_w(desk: Desk) -> int:
    return desk.writer.published.kept_w(desk.transformer.watts, desk.now_ms)


def outcomes(desk: Desk, *commands: object) -> list[SubstationOutcome]:
    return [answer.outcome for answer in desk.ask(*commands)]  # type: ignore[arg-type]


def test_a_forecast_is_taken_and_admissions_leave_what_it_keeps(desk: Desk) -> None:
    desk.ledger.outlook = BaseLoadOutlook()
    desk.ask()
    assert kept_w(desk) == round(MARGIN * CAPACITY_W)
    assert outcomes(desk, RISE) == [SubstationOutcome.DONE]
    assert kept_w(desk) == 70_000
    found = outcomes(desk, place("fits", power_w=30_000), place("too much", power_w=1_000))
    assert found == [SubstationOutcome.PLACED, SubstationOutcome.REFUSED]
    desk.transformer.watts = 20_000
    assert kept_w(desk) == 50_000, "it counts from the base load of the moment"


def test_one_that_can_not_be_true_is_refused_and_changes_nothing(desk: Desk) -> None:
    desk.ledger.outlook = BaseLoadOutlook()
    told = outcomes(desk, RISE, Foresee(0, ()), Foresee(-1, (5,)))
    assert desk.transformer.expected == BaseLoadOutlook(0, RISE.upper_w)
    assert told == [
        SubstationOutcome.DONE,
        SubstationOutcome.INVALID,
        SubstationOutcome.INVALID,
    ]
    assert kept_w(desk) == 70_000


def test_a_substation_that_admits_by_the_load_of_now_keeps_nothing(desk: Desk) -> None:
    assert outcomes(desk, RISE, place("large", power_w=90_000)) == [
        SubstationOutcome.DONE,
        SubstationOutcome.PLACED,
    ]
    assert kept_w(desk) == 0
    assert desk.transformer.expected == BaseLoadOutlook(0, RISE.upper_w), (
        "it counts when a meter falls silent"
    )


def test_a_full_disk_loses_no_forecast(desk: Desk) -> None:
    desk.ledger.outlook = BaseLoadOutlook()
    desk.ask(RISE)
    desk.fill_the_disk()
    desk.ask(place("car", power_w=1_000))
    assert kept_w(desk) == 70_000
