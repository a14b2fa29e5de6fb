"""Quarter hours of the grid's calendar against the clock of the machine."""

import pytest

from balancer.placing.predictive.grid_time import GridTime, clock_label

AT_18_20 = GridTime(calendar_ms=(18 * 60 + 20) * 60_000, at_s=1000.0, scale=120.0)


def test_a_moment_is_in_the_quarter_hour_that_has_begun() -> None:
    assert AT_18_20.slot_at(1000.0) == 18 * 4 + 1
    assert AT_18_20.slot_at(1004.99) == 18 * 4 + 1
    assert AT_18_20.slot_at(1005.0) == 18 * 4 + 2  # 10 minutes are 5 s
    assert AT_18_20.slot_at(1000.0 - 3 * 3600) == 18 * 4 + 1 - 360 * 4


def test_a_quarter_hour_starts_when_the_one_before_it_ends() -> None:
    assert AT_18_20.start_s(18 * 4 + 2) == pytest.approx(1005.0)
    assert AT_18_20.start_s(18 * 4 + 3) == pytest.approx(1012.5)
    assert AT_18_20.wall_s(3_600_000) == pytest.approx(30.0)


@pytest.mark.parametrize(("slot", "label"), [(0, "00:00"), (74, "18:30"), (95, "23:45"), (96 + 33, "08:15")])
def test_a_quarter_hour_is_named_by_the_time_of_day_at_its_start(slot: int, label: str) -> None:
    assert clock_label(slot) == label
