"""A meter that sends nothing, in a running grid: the forecast's upper bound counts, and is not learned as a load."""

from pathlib import Path
from typing import Any

import pytest

from tests.integration.balancer.grid import Grid, Plan, built, until
from tests.integration.balancer.operator import gauge
from tests.integration.balancer.test_predictive import with_histories

QUICK = 450  # a quarter hour takes 2 s
SETTINGS = {"BASE_LOAD": "meter", "BASE_LOAD_KW": "90", "BASE_LOAD_METER_S": "600", "DAY_STARTS_AT": "00:00"}


async def base_load(grid: Grid) -> Any:
    return await grid.get_json(f"{grid.substation_url('s-1')}/base-load")


async def recorded(grid: Grid) -> list[dict[str, Any]]:
    """The quarter hours that were recorded, without those that were imported."""
    answer = await grid.get_json(f"{grid.balancer_url}/history?substation_id=s-1&from=0")
    found: list[dict[str, Any]] = answer["quarter_hours"]
    return found


@pytest.mark.gen_test
async def test_the_upper_bound_of_the_forecast_counts_while_the_meter_is_silent_and_is_not_recorded(
    tmp_path: Path,
) -> None:
    with_histories(tmp_path, "s-1")
    async with built(tmp_path, Plan((200,), time_scale=QUICK, substation=SETTINGS)) as grid:
        await grid.start("s-1")
        shown = await base_load(grid)
        assert (shown["base_load_kw"], shown["stale"], shown["basis"]) == (90, True, "last_known")
        assert await gauge(grid, "s-1", "smartgrid_substation_base_load_by_forecast") == 0
        await grid.start("balancer")

        async def by_forecast() -> Any:
            shown = await base_load(grid)
            return shown if shown["basis"] == "forecast" else None

        # A Monday night of this history has 20 to 40 kW; no reading has ever come.
        shown = await until(by_forecast)
        assert shown["stale"] is True
        assert 15 <= shown["base_load_kw"] <= 60
        assert await gauge(grid, "s-1", "smartgrid_substation_base_load_stale") == 1
        assert await gauge(grid, "s-1", "smartgrid_substation_base_load_by_forecast") == 1

        async def of_silence() -> Any:
            return len(await recorded(grid)) > 2

        await until(of_silence)
        assert {each["base_load_w"] for each in await recorded(grid)} == {None}
        shown = await base_load(grid)
        assert shown["basis"] == "forecast", "a forecast goes on from the last quarter hour that was told"

        async with grid.session.put(f"{grid.substation_url('s-1')}/base-load", json={"kw": 25}) as reply:
            read = await reply.json()
        assert (read["base_load_kw"], read["stale"], read["basis"]) == (25, False, "source")

        async def learned() -> Any:
            return 25_000 in [each["base_load_w"] for each in await recorded(grid)]

        await until(learned)
