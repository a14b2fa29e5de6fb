"""The short form of `make soak`: real processes take over what released versions left, and a part of a year passes."""

import os
import shutil
from pathlib import Path

import pytest

from tests.soak import released
from tests.soak.upgrades import eras, upgraded
from tests.soak.year import DAY_S, KEPT_DAYS, Year

FIRST_AND_LAST = (eras()[0], eras()[-1])


@pytest.mark.parametrize(("book", "journals"), FIRST_AND_LAST, ids=["the oldest", "the newest"])
def test_a_grid_takes_over_what_a_released_version_left(
    book: int, journals: list[int], tmp_path: Path
) -> None:
    assert upgraded(tmp_path / "data", book, journals) == []


def test_the_two_grids_have_the_journals_of_all_versions() -> None:
    assert {version for _, journals in FIRST_AND_LAST for version in journals} == set(
        released.versions("journal")
    )


@pytest.fixture
def compiler() -> None:
    if not shutil.which("cc"):
        reason = "no C compiler (cc): the wall clock is put forward by a small C library"
        (pytest.fail if os.environ.get("REQUIRE_ALL") == "1" else pytest.skip)(reason)


@pytest.mark.usefixtures("compiler")
def test_days_of_grid_time_with_restarts_lose_nothing(tmp_path: Path) -> None:
    year = Year(tmp_path, 8, days=4, restarts=2, rate=10)
    outcome = year.run()
    assert outcome.faults == []
    assert outcome.restarts == 2
    assert outcome.answers["POST 201"] >= 1
    assert year.clock.ahead_s == (4 + KEPT_DAYS) * DAY_S
