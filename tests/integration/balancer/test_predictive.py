"""Placement by forecast in a running grid: histories are imported, and the grid's time comes from the substations."""

from pathlib import Path
from typing import Any

import pytest

from balancer.contract import BalancerOutcome
from balancer.forecast.calendar_days import SLOTS, start_of
from balancer.forecast.series_csv import TIME
from tests.integration.balancer.grid import Grid, Plan, built, until
from tests.integration.balancer.operator import call, decisions, gauge
from tests.integration.balancer.test_history_pages import FIRST_MONDAY, import_file
from tests.integration.balancer.test_why import client_of
from tests.unit.balancer.forecast.series import usual

WEEKS = 4
SLOW = 20  # a quarter hour takes 45 s: none is finished in this test
LONG_S = 20 * 3600


def with_histories(folder: Path, *names: str) -> None:
    """Import evenings with a high peak for the first substation, and low loads without one for the others."""
    slots = range(FIRST_MONDAY - WEEKS * 7 * SLOTS, FIRST_MONDAY)
    for name in names:
        loads = {slot: usual(slot) / (4 if name == names[0] else 40) for slot in slots}
        rows = [f"{start_of(slot).isoformat()},{load:.3f}" for slot, load in loads.items()]
        (folder / "load.csv").write_text("\n".join([f"{TIME},{name}", *rows]))
        done = import_file(folder / "load.csv", "--data-dir", folder, "--holidays", "")
        assert done.returncode == 0, done.stderr


async def doubt(grid: Grid) -> str:
    return str((await grid.get_json(f"{grid.balancer_url}/fleet"))["forecast_doubt"])


async def shows_what_is_to_come(grid: Grid) -> None:
    """Check `/outlook` while one car charges at s-2 for hours."""
    whole = await grid.get_json(f"{grid.balancer_url}/outlook?seconds=600")
    one = await grid.get_json(f"{grid.balancer_url}/outlook?seconds=600&substation_id=s-1")
    assert (whole["substations"], one["substations"]) == (2, 1)
    assert whole["cars"][0]["kw"] > 1
    assert {point["kw"] for point in one["cars"]} == {0}
    assert max(point["within_s"] for point in whole["cars"]) == 540
    assert 10 < len(whole["base_load"]) < 15, "a quarter hour takes 45 s"
    for step, of_one in zip(whole["base_load"], one["base_load"], strict=True):
        assert 0 < step["within_s"] <= 600
        assert step["p10_kw"] <= step["mean_kw"] <= step["p90_kw"]
        assert of_one["mean_kw"] < step["mean_kw"]
    assert (await call(grid, "GET", "/outlook?substation_id=nobody")).status == 404
    for wrong in ("0", "14401", "soon"):
        assert (await call(grid, "GET", f"/outlook?seconds={wrong}")).status == 400


@pytest.mark.gen_test
async def test_a_car_that_stays_avoids_the_evening_peak_and_the_decision_says_so(tmp_path: Path) -> None:
    with_histories(tmp_path, "s-1", "s-2")
    async with built(tmp_path, Plan(time_scale=SLOW)) as grid:
        for name in (*grid.names, "balancer", "gateway"):
            await grid.start(name)
        await grid.placeable()
        assert (await call(grid, "PUT", "/policy", json={"policy": "predictive"})).status == 200

        async with client_of(grid) as client:
            early = await client.placed(seconds=LONG_S, substations=("s-2",), vehicle_id="early")
            assert early.substation_id == "s-2"
            reason = (await decisions(grid, "vehicle_id=early"))[0]["reason"]
            assert reason in {
                "predictive among those with room, by least_loaded: the grid's time is not known yet",
                "predictive among those with room: peak 20 % now",
            }

            async def good() -> bool:
                return not await doubt(grid)

            await until(good)
            await shows_what_is_to_come(grid)
            assert await grid.metric("smartgrid_balancer_forecasts_good") == 1
            expected = 'smartgrid_substation_expected_peak_ratio{substation="s-2"}'
            assert 0.1 < await grid.metric(expected) < 0.35  # the early car alone takes a tenth or more

            async def judged() -> bool:
                """The errors of the history that was imported; a substation whose report is late has none."""
                samples = [
                    f'smartgrid_balancer_{name}{{horizon="4h",substation="s-1"}}'
                    for name in ("forecast_error_watts", "persistence_error_watts", "forecast_coverage_ratio")
                ]
                return all([await grid.metric(sample) > 0 for sample in samples])

            await until(judged)
            later = await client.placed(seconds=LONG_S, vehicle_id="later")
            assert later.substation_id == "s-2"  # s-1 has no load now
            decision = (await decisions(grid, "vehicle_id=later"))[0]
        assert decision["reason"].startswith("predictive among those with room: peak ")


@pytest.mark.gen_test
async def test_without_forecasts_the_load_of_now_decides_and_every_page_says_so(tmp_path: Path) -> None:
    async with built(tmp_path, Plan(time_scale=SLOW)) as grid:
        for name in (*grid.names, "balancer", "gateway"):
            await grid.start(name)
        await grid.placeable()
        assert (await call(grid, "PUT", "/policy", json={"policy": "predictive"})).status == 200

        async def time_known() -> Any:
            return "no good forecast" in await doubt(grid)

        await until(time_known)
        async with client_of(grid) as client:
            await client.placed(kw=10, substations=("s-1",), vehicle_id="early")
            assert (await client.placed(kw=10, vehicle_id="later")).substation_id == "s-2"
        decision = (await decisions(grid, "vehicle_id=later"))[0]
        assert decision["reason"] == (
            "predictive among those with room, by least_loaded: 2 of 2 substations have no good forecast"
        )
        assert await grid.metric("smartgrid_balancer_forecasts_good") == 0


@pytest.mark.gen_test
async def test_a_substation_keeps_room_for_the_base_load_that_a_balancer_forecasts(tmp_path: Path) -> None:
    with_histories(tmp_path, "s-1")
    plan = Plan(
        capacities_kw=(100,), time_scale=SLOW, substation={"ADMIT": "forecast", "DAY_STARTS_AT": "00:00"}
    )
    async with built(tmp_path, plan) as grid:
        await grid.start("s-1")
        assert await gauge(grid, "s-1", "smartgrid_substation_kept_watts") == 6000  # nothing was handed over
        for name in ("balancer", "gateway"):
            await grid.start(name)
        await grid.placeable()

        async def kept_kw() -> Any:
            shown = (await grid.fleet())["s-1"]
            return shown["kept_kw"] if shown["kept_kw"] > 10 else None

        # At 00:15 the base load was about 37 kW on other Mondays, and falls. Nothing of it is reported now.
        assert 35 <= await until(kept_kw) <= 45
        shown = (await grid.fleet())["s-1"]
        assert shown["headroom_kw"] == pytest.approx(100 - shown["kept_kw"])
        async with client_of(grid) as client:
            refused = await client.charge(kw=80)
            assert refused.outcome is BalancerOutcome.NO_CAPACITY
            assert refused.retry_after_ms > 0
            await client.placed(kw=50)
            assert (await client.charge(kw=20)).outcome is BalancerOutcome.NO_CAPACITY
