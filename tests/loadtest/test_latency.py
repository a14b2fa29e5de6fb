"""What an HdrHistogram reports is the nearest rank, off by at most a thousandth."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.judge.balance import percentile
from loadtest.record.latency import HIGHEST_US, PERCENTILES, US_PER_MS, Latencies


@given(st.lists(st.floats(0.001, 3_600_000), min_size=1, max_size=300))
def test_every_percentile_is_the_nearest_rank_within_a_thousandth(values_ms: list[float]) -> None:
    found = Latencies(values_ms).percentiles()
    assert list(found) == list(PERCENTILES)
    for name, percent in PERCENTILES.items():
        assert found[name] == pytest.approx(percentile(values_ms, percent), rel=1e-3, abs=0.001)


def test_a_rank_is_never_rounded_down() -> None:
    values_ms = [1.0] * 14 + [100.0] * 2
    assert math.ceil(16 * 0.9) == 15
    assert Latencies(values_ms).percentiles()["p90"] == pytest.approx(100, rel=1e-3)


def test_nothing_recorded_has_no_percentile() -> None:
    assert Latencies().percentiles() == {}
    assert Latencies().at(99) is None
    assert Latencies().distribution() == []


def test_a_value_beyond_the_range_counts_as_the_end_of_it() -> None:
    found = Latencies([-5, 1e12])
    assert found.at(50) == 0
    assert found.at(100) == pytest.approx(HIGHEST_US / US_PER_MS)


@given(st.lists(st.floats(0, 10_000), min_size=1, max_size=100))
def test_the_distribution_rises_to_everything_at_the_greatest_value(values_ms: list[float]) -> None:
    steps = Latencies(values_ms).distribution()
    assert steps == sorted(steps)
    greatest_ms, all_of_them = steps[-1]
    assert greatest_ms == pytest.approx(max(values_ms), abs=0.001)
    assert all_of_them == 1
    for value_ms, share in steps:
        beyond = value_ms * 1.001 + 0.001
        assert share <= sum(each <= beyond for each in values_ms) / len(values_ms) + 1e-6
