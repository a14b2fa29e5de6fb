"""Whether a series rises is told from noise, from peaks and from a start."""

import random

import pytest

from tests.soak.measures import ALLOWED, rising
from tests.soak.slope import slope, trend


def test_a_line_has_its_slope_and_its_growth() -> None:
    found = trend([(second, 100 + 2 * second) for second in range(101)])
    assert found.growth == pytest.approx(200)
    assert found.first == pytest.approx(119, abs=2)
    assert found.last == pytest.approx(281, abs=2)


def test_peaks_and_noise_are_no_slope() -> None:
    noise = random.Random(1)
    points = [(at, 1000 + noise.gauss(0, 20) + (500 if at % 10 == 9 else 0)) for at in range(1000)]
    assert abs(slope(points)) * 1000 < 20


def test_a_leak_is_seen_below_noise_that_is_larger() -> None:
    noise = random.Random(1)
    points = [(at, 50_000 + 10 * at + noise.gauss(0, 1000)) for at in range(600)]
    found = {("balancer 1", "memory, kB"): trend(points)}
    assert found["balancer 1", "memory, kB"].growth == pytest.approx(6000, rel=0.1)
    assert len(rising(found)) == 1


@pytest.mark.parametrize("what", ALLOWED)
def test_what_rises_by_more_than_is_allowed_is_named_and_what_does_not_is_not(what: str) -> None:
    flat = trend([(at, 10_000.0) for at in range(50)])
    leak = trend([(at, 10_000 + at * 1000.0) for at in range(50)])
    assert rising({("flat", what): flat}) == []
    assert [fault.partition(":")[0] for fault in rising({("leak", what): leak, ("flat", what): flat})] == [
        "leak"
    ]
    assert rising({("log/gateway.log", what): leak}) == []  # rotated by another


def test_too_few_points_are_no_trend() -> None:
    with pytest.raises(ValueError, match="4 points are too few"):
        trend([(1.0, 1.0)] * 4)
    assert slope([(1.0, 1.0), (1.0, 5.0)]) == 0
