"""Means by the quarter hour, from readings."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from balancer.forecast.calendar_days import SLOT_MS
from balancer.forecast.recorder import QuarterHour, Reading, Recorder, reading_of
from tests.unit.balancer.fleets import report


def test_a_quarter_hour_is_the_mean_of_its_readings() -> None:
    recorder = Recorder()
    readings = [(0, 100, 10), (SLOT_MS // 2, 200, 30), (SLOT_MS - 1, 300, 20)]
    assert [recorder.read(Reading("s-1", ms, cars, base)) for ms, cars, base in readings] == [None] * 3
    assert recorder.read(Reading("s-1", SLOT_MS, 0, 0)) == QuarterHour("s-1", 0, 20.0, 200.0, 0, 0)


def test_what_arrives_counts_in_the_quarter_hour_of_the_newest_reading() -> None:
    recorder = Recorder()
    recorder.arrived("s-1", 5)  # before any reading
    recorder.read(Reading("s-1", 0, 0))
    recorder.arrived("s-1", 7)
    recorder.arrived("s-1", 8)
    recorder.arrived("s-2", 100)
    first = recorder.read(Reading("s-1", SLOT_MS, 0))
    recorder.arrived("s-1", 1)
    second = recorder.read(Reading("s-1", 2 * SLOT_MS, 0))
    assert [(row.arrivals, row.energy_j) for row in (first, second) if row] == [(2, 15), (1, 1)]


def test_a_base_load_that_is_not_reported_is_missing() -> None:
    recorder = Recorder()
    recorder.read(Reading("s-1", 0, 40))
    assert recorder.read(Reading("s-1", SLOT_MS, 40)) == QuarterHour("s-1", 0, None, 40.0, 0, 0)


def test_quarter_hours_without_readings_stay_missing() -> None:
    recorder = Recorder()
    found = [recorder.read(Reading("s-1", slot * SLOT_MS, 1)) for slot in (0, 5, 6)]
    assert [row.slot for row in found if row] == [0, 5]


def test_after_a_jump_back_the_open_quarter_hour_is_dropped() -> None:
    recorder = Recorder()
    found = [recorder.read(Reading("s-1", slot * SLOT_MS, slot)) for slot in (7, 3, 4)]
    assert [row.slot for row in found if row] == [3]


def test_a_substation_that_is_forgotten_starts_anew() -> None:
    recorder = Recorder()
    recorder.read(Reading("s-1", 0, 1))
    recorder.forget("s-1")
    recorder.forget("s-2")
    assert recorder.read(Reading("s-1", SLOT_MS, 1)) is None


def test_a_report_without_calendar_time_holds_no_reading() -> None:
    assert reading_of(report("s-1", 10)) is None


def test_what_a_silent_meter_leaves_to_assume_is_no_reading_of_the_base_load() -> None:
    told = dataclasses.replace(report("s-1", 10), calendar_s=900, base_load_w=70)
    assert reading_of(told) == Reading("s-1", SLOT_MS, told.load_w, 70)
    silent = dataclasses.replace(told, base_load_stale=True)
    assert reading_of(silent) == Reading("s-1", SLOT_MS, told.load_w, None)


def test_a_report_holds_the_reading_of_its_calendar_time() -> None:
    seen = report("s-1", 10, base_load_w=7, calendar_s=18 * 3600)
    assert reading_of(seen) == Reading("s-1", 18 * 3_600_000, 10_000, 7)


@given(st.lists(st.tuples(st.integers(0, 20 * SLOT_MS), st.integers(0, 10**9)), min_size=1))
def test_whatever_is_read_means_lie_between_their_readings(readings: list[tuple[int, int]]) -> None:
    recorder = Recorder()
    readings.sort()
    finished = [recorder.read(Reading("s-1", ms, watts, watts)) for ms, watts in readings]
    rows = [row for row in finished if row]
    slots = sorted({ms // SLOT_MS for ms, _ in readings})
    assert [row.slot for row in rows] == slots[:-1]
    for row in rows:
        own = [watts for ms, watts in readings if ms // SLOT_MS == row.slot]
        assert row.cars_load_w == row.base_load_w == pytest.approx(sum(own) / len(own))
