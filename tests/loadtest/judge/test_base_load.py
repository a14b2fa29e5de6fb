"""Base load, pauses and overload are counted as long as they lasted, whatever a substation did in between."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import pytest

from loadtest.judge.base_load import BaseLoadResult
from loadtest.judge.result import conclude
from loadtest.record.readings import FleetSample, Reading
from tests.loadtest.runs import IDS, ZERO, perfect

SCALE = 120.0


def reading(load_kw: float, base_kw: float, paused: int = 0) -> Reading:
    """Return a reading of a substation whose limit is 20 kW."""
    return dataclasses.replace(ZERO, load_w=load_kw * 1000, base_load_w=base_kw * 1000, paused_now=paused)


def found(first: Sequence[Reading], second: Sequence[Reading], **after: Any) -> BaseLoadResult:
    """Return the figures of readings that were taken once a second."""
    samples = [
        FleetSample(100 + n, dict(zip(IDS, each, strict=True)))
        for n, each in enumerate(zip(first, second, strict=True))
    ]
    ends = {each: dataclasses.replace(ZERO, **after) for each in IDS}
    measured = dataclasses.replace(
        perfect(), samples=samples, until_unix_s=100 + len(samples), after=ends, time_scale=SCALE
    )
    return conclude(measured).base_load


def test_base_load_is_averaged_over_time_and_its_peak_is_that_of_the_fleet() -> None:
    result = found([reading(0, 4), reading(0, 8)], [reading(0, 2), reading(0, 0)])
    assert result.average_kw == pytest.approx(7)
    assert result.peak_kw == 8


def test_overload_counts_cars_and_base_load_against_the_limit() -> None:
    at_limit, above = reading(12, 8), reading(12, 8.001)
    result = found([at_limit, above, above, at_limit, above], [at_limit] * 5)
    assert result.longest_overload_s == 2
    assert result.overload_minutes == pytest.approx(3 * SCALE / 60)
    assert found([at_limit] * 3, [at_limit] * 3).overload_minutes == 0


def test_an_overload_at_two_substations_counts_twice_and_is_not_longer() -> None:
    above = reading(20, 1)
    result = found([above, above], [above, above])
    assert result.longest_overload_s == 2
    assert result.overload_minutes == pytest.approx(4 * SCALE / 60)


def test_the_time_in_pauses_is_that_of_each_session() -> None:
    result = found(
        [reading(1, 1, paused=3), reading(1, 1)], [reading(1, 1), reading(1, 1, paused=1)], paused=2
    )
    assert result.pause_minutes == pytest.approx(4 * SCALE / 60)
    assert result.pauses == 4, "two at each of two substations, by their counters"


def test_overload_is_told_by_its_cause() -> None:
    still = [reading(0, 0)] * 2
    result = found(still, still, base_load_overload_ws=7.0, derating_overload_ws=2.0)
    assert result.overload_ws == {"admission": 0, "derating": 4, "base_load": 14}


def test_what_was_not_measured_is_not_zero() -> None:
    silent = conclude(dataclasses.replace(perfect(), samples=[], after={}))
    assert dataclasses.astuple(silent.base_load) == (None,) * 7
    no_scale = conclude(dataclasses.replace(perfect(), time_scale=None)).base_load
    assert no_scale.pause_minutes is no_scale.overload_minutes is None
    assert no_scale.longest_overload_s == 0
