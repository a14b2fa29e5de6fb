"""The arrival plan is a function of its seed, within bounds, and distributed as designed."""

import hashlib
import json
import random
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.plan.arrivals import (
    ENERGY_KWH,
    MAX_RATE_PER_S,
    MAX_REQUESTS,
    MAX_SECONDS,
    POWER_KW,
    STAY_MIN,
    Arrival,
    rush_hour,
)
from substation.plan import Plan

SAMPLE = 40_000


def planned(seed: int, requests: int = 500, seconds: float = 60.0) -> tuple[Arrival, ...]:
    return rush_hour(seed, requests, seconds, random.Random(seed))


def as_bytes(plan: tuple[Arrival, ...]) -> bytes:
    return json.dumps([[arrival.at_s, arrival.body()] for arrival in plan]).encode()


def test_the_same_seed_gives_the_same_plan_byte_for_byte() -> None:
    assert as_bytes(planned(7)) == as_bytes(planned(7))
    assert as_bytes(planned(7)) != as_bytes(planned(8))


def test_the_default_plan_stays_what_it_was_when_its_figures_were_published() -> None:
    digest = hashlib.sha256(as_bytes(planned(1))).hexdigest()
    assert digest == "58080bfd85fd325b02ac35fdea489f4b87858020bb6617166ce7674d67c3d0ae"


@given(
    seed=st.integers(0, 2**53),
    requests=st.integers(1, 60),
    seconds=st.floats(0.1, MAX_SECONDS, allow_nan=False),
)
def test_every_arrival_is_in_order_within_its_bounds_and_a_plan_that_a_substation_can_carry_out(
    seed: int, requests: int, seconds: float
) -> None:
    plan = planned(seed, requests, seconds)
    assert len(plan) == len({arrival.vehicle_id for arrival in plan}) == requests
    assert list(plan) == sorted(plan, key=lambda arrival: arrival.at_s)
    for arrival in plan:
        assert 0 <= arrival.at_s <= seconds + 0.001  # moments are rounded to ms
        assert arrival.max_power_kw in POWER_KW
        assert ENERGY_KWH[0] <= arrival.energy_kwh <= ENERGY_KWH[1]
        assert STAY_MIN[0] <= arrival.stay_minutes <= STAY_MIN[1]
        stay_ms = round(arrival.stay_minutes * 60_000)
        plan_w = Plan(round(arrival.energy_kwh * 3_600_000), round(arrival.max_power_kw * 1000), stay_ms)
        assert 0 < plan_w.duration_ms <= stay_ms


def test_cars_are_distributed_as_designed() -> None:
    plan = planned(1, SAMPLE)
    powers = [arrival.max_power_kw for arrival in plan]
    shares = {power: powers.count(power) / SAMPLE for power in POWER_KW}
    assert shares == pytest.approx({3.7: 0.10, 7.4: 0.25, 11.0: 0.45, 22.0: 0.20}, abs=0.01)
    energies = [arrival.energy_kwh for arrival in plan]
    assert statistics.mean(energies) == pytest.approx(20, rel=0.01)
    assert statistics.median(energies) == pytest.approx(17.65, rel=0.02)  # 20 / e^(0.5^2 / 2)
    stays = [arrival.stay_minutes for arrival in plan]
    assert statistics.median(stays) == pytest.approx(180, rel=0.02)
    assert statistics.mean(stays) == pytest.approx(204, rel=0.02)  # 180 * e^(0.5^2 / 2)


def test_moments_are_uniform_over_the_span() -> None:
    tenths = [int(arrival.at_s // 6) for arrival in planned(1, SAMPLE)]
    for tenth in range(10):
        assert tenths.count(tenth) / SAMPLE == pytest.approx(0.1, abs=0.01)


@pytest.mark.parametrize(
    ("requests", "seconds"),
    [
        (0, 60),
        (-1, 60),
        (MAX_REQUESTS + 1, 60),
        (1, 0),
        (1, -1),
        (1, MAX_SECONDS + 1),
        (1, float("nan")),
        (MAX_RATE_PER_S + 1, 1),
    ],
)
def test_a_plan_out_of_bounds_is_refused(requests: int, seconds: float) -> None:
    with pytest.raises(ValueError, match="can't be sent; bounds"):
        planned(1, requests, seconds)
