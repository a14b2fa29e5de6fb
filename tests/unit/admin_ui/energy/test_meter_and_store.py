"""Delivered energy is exact over restarts, gaps and new journals, and is kept for as long as is said."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from admin_ui.energy.meter import DAY_S, HOUR_S, J_PER_KWH, Reading, delivered
from admin_ui.energy.store import KEPT_S, EnergyStore

MIDNIGHT_S = 20_000 * DAY_S


def reading(kwh: float, at_s: int, journal: str = "j", name: str = "s-1") -> Reading:
    return Reading(name, journal, kwh * J_PER_KWH, MIDNIGHT_S + at_s)


@given(
    st.integers(-2 * DAY_S, 2 * DAY_S),
    st.integers(1, 3 * DAY_S),
    st.floats(0, 1e6, allow_nan=False, allow_infinity=False),
)
def test_the_hours_between_two_readings_add_up_to_what_the_counter_rose_by(
    begin_s: int, seconds: int, kwh: float
) -> None:
    hours = list(delivered(reading(5, begin_s), reading(5 + kwh, begin_s + seconds)))
    assert sum(each for _, each in hours) == pytest.approx(kwh, abs=1e-6)
    assert [at_s % HOUR_S for at_s, _ in hours] == [0] * len(hours)
    assert hours[0][0] <= MIDNIGHT_S + begin_s < hours[0][0] + HOUR_S
    assert hours[-1][0] < MIDNIGHT_S + begin_s + seconds <= hours[-1][0] + HOUR_S


@pytest.mark.parametrize(
    "before",
    [None, reading(1, 0, "another"), reading(99, 0), reading(1, 60)],
    ids=["first", "new journal", "fallen", "same second"],
)
def test_where_counting_begins_nothing_was_delivered(before: Reading | None) -> None:
    assert list(delivered(before, reading(50, 60))) == []


@pytest.mark.gen_test
async def test_days_and_hours_go_on_after_a_restart_and_fleet_and_substations_agree(tmp_path: Path) -> None:
    store = EnergyStore(tmp_path)
    await store.take([reading(10, -1800), reading(0, -1800, name="s-2")])
    await store.take([reading(12, 0)])
    await store.close()
    store = EnergyStore(tmp_path)
    await store.take([reading(16, 7200), reading(3, 1800, name="s-2")])
    try:
        days = {MIDNIGHT_S - DAY_S: 2 + 1.5, MIDNIGHT_S: 4 + 1.5}
        assert dict(await store.fleet(DAY_S, 0)) == pytest.approx(days)
        assert dict(await store.of_step(HOUR_S, MIDNIGHT_S + HOUR_S)) == pytest.approx({"s-1": 2})
        listed, count = await store.highest(DAY_S, 0, 1)
        assert dict(listed) == pytest.approx({"s-1": 6})
        assert count == 2
        assert await store.highest(DAY_S, MIDNIGHT_S + DAY_S, 1) == ([], 0)
    finally:
        await store.close()


@pytest.mark.gen_test
async def test_hours_are_dropped_after_8_days_and_days_after_400(tmp_path: Path) -> None:
    store = EnergyStore(tmp_path)
    await store.take([reading(0, 0)])
    await store.take([reading(1, 60)])
    await store.take([reading(1, KEPT_S[HOUR_S] + HOUR_S)])
    try:
        hours = await store.fleet(HOUR_S, 0)
        assert hours[0][0] == MIDNIGHT_S + HOUR_S
        assert dict(await store.fleet(DAY_S, 0))[MIDNIGHT_S] == pytest.approx(1)
        await store.take([reading(1, KEPT_S[DAY_S] + DAY_S)])
        assert (await store.fleet(DAY_S, 0))[0][0] == MIDNIGHT_S + DAY_S
    finally:
        await store.close()
