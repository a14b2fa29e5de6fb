"""The base load of a meter, and what counts while it is silent."""

from typing import Any

import pytest

from substation.base_load.basis import Basis
from substation.base_load.calendar import HOUR_MS
from substation.base_load.meter import Meter
from substation.base_load.reading import reading
from substation.base_load.sources import BaseLoadOptions, base_load
from substation.outlook import STEP_MS, BaseLoadOutlook

INTERVAL_MS = 60_000
NOW_UNIX_MS = 1_700_000_000_000


def counting(meter: Meter, at_ms: int) -> tuple[int, Basis]:
    return meter.watts_at(at_ms), meter.basis_at(at_ms)


def test_the_newest_reading_counts_until_three_intervals_have_passed() -> None:
    meter = Meter(INTERVAL_MS)
    assert meter.take(50_000, 0)
    assert meter.take(70_000, HOUR_MS)
    assert meter.take(40_000, 2 * HOUR_MS)
    last_ms = 2 * HOUR_MS + 3 * INTERVAL_MS
    assert counting(meter, last_ms) == (40_000, Basis.SOURCE)
    assert counting(meter, last_ms + 1) == (70_000, Basis.HIGHEST_READING)


def test_while_it_is_silent_the_highest_reading_of_a_day_counts_and_then_the_newest() -> None:
    meter = Meter(INTERVAL_MS)
    for hour, watts in ((0, 90_000), (5, 70_000), (6, 20_000)):
        meter.take(watts, hour * HOUR_MS)
    assert meter.watts_at(23 * HOUR_MS) == 90_000
    assert meter.watts_at(26 * HOUR_MS) == 70_000
    assert counting(meter, 40 * HOUR_MS) == (20_000, Basis.LAST_KNOWN), "no reading is left of the last day"


def test_while_it_is_silent_the_upper_bound_of_the_forecast_counts_as_far_as_it_goes() -> None:
    meter = Meter(INTERVAL_MS)
    meter.take(90_000, 0)
    meter.expect(BaseLoadOutlook(HOUR_MS, (40_000, 50_000)))
    until_ms = HOUR_MS + 2 * STEP_MS
    assert counting(meter, HOUR_MS - 1) == (90_000, Basis.HIGHEST_READING), "it has not begun"
    assert counting(meter, HOUR_MS) == (40_000, Basis.FORECAST)
    assert counting(meter, until_ms - 1) == (50_000, Basis.FORECAST)
    assert counting(meter, until_ms) == (90_000, Basis.HIGHEST_READING), "it is over"
    meter.take(10_000, HOUR_MS)
    assert counting(meter, HOUR_MS) == (10_000, Basis.SOURCE), "a reading counts more"


def test_a_reading_that_is_not_newer_changes_nothing() -> None:
    meter = Meter(INTERVAL_MS)
    meter.take(50_000, 1000)
    assert not meter.take(10_000, 1000)
    assert not meter.take(10_000, 0)
    assert meter.watts_at(1000) == 50_000


def test_readings_of_years_take_no_more_room_than_those_of_a_day() -> None:
    meter = Meter(INTERVAL_MS)
    for hour in range(1000):
        meter.take(1000 + hour, hour * HOUR_MS)
    assert len(meter.readings.highest_w) == 24


@pytest.mark.parametrize(("known_w", "counts_w"), [(0, 150_000), (80_000, 80_000)])
def test_before_the_first_reading_the_last_commit_s_counts_or_what_was_set(
    known_w: int, counts_w: int
) -> None:
    meter = base_load(BaseLoadOptions("meter", peak_kw=150, meter_interval_s=1), "s-1", 120, known_w)
    assert (meter.watts_at(5), meter.basis_at(5)) == (counts_w, Basis.LAST_KNOWN)
    assert isinstance(meter, Meter)
    meter.take(1, 10)
    assert not meter.basis_at(10 + 3 * 120 * 1000).assumed
    assert meter.basis_at(11 + 3 * 120 * 1000).assumed, "the interval is wall time"


@pytest.mark.parametrize(
    ("body", "watts", "at_unix_ms"),
    [
        ({"kw": 212.5}, 212_500, NOW_UNIX_MS),
        ({"kw": 0.1 + 0.2}, 300, NOW_UNIX_MS),
        ({"watts": 7.2}, 8, NOW_UNIX_MS),
        ({"watts": 0, "at_unix_ms": 5}, 0, 5),
        ({"watts": 1, "at_unix_ms": NOW_UNIX_MS + 59_000}, 1, NOW_UNIX_MS),
    ],
)
def test_a_reading_is_rounded_up_to_whole_watts(body: dict[str, Any], watts: int, at_unix_ms: int) -> None:
    assert reading(body, NOW_UNIX_MS) == (watts, at_unix_ms)


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ({}, "exactly one of kw and watts"),
        ({"kw": 1, "watts": 1000}, "exactly one of kw and watts"),
        ({"kw": "1"}, "kw must be a number from 0 to 1000000"),
        ({"kw": True}, "kw must be a number"),
        ({"kw": -0.1}, "kw must be a number"),
        ({"watts": 1e10}, "watts must be a number from 0 to 1000000000"),
        ({"watts": 1, "at_unix_ms": NOW_UNIX_MS + 61_000}, "not in the future"),
        ({"watts": 1, "at_unix_ms": 1.5}, "whole number of milliseconds"),
        (
            {"watts": -1, "at_unix_ms": -1, "unit": "W"},
            "'unit' is not a field.*watts must be.*at_unix_ms must",
        ),
    ],
)
def test_what_is_no_reading_is_refused_with_every_fault(body: dict[str, Any], fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        reading(body, NOW_UNIX_MS)
