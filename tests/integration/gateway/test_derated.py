"""A lowered limit is not the rated capacity: a request that does not fit now gets a Retry-After."""

from pathlib import Path

import pytest

from tests.integration.balancer.grid import Plan, running
from tests.integration.gateway.api import api_of


@pytest.mark.gen_test
async def test_what_only_the_full_rating_could_take_is_told_to_come_back_while_it_is_derated(
    tmp_path: Path,
) -> None:
    async with running(tmp_path, Plan(capacities_kw=(100, 50))) as grid:
        url = f"{grid.balancer_url}/fleet/s-1/capacity"
        async with grid.session.post(url, json={"capacity_kw": 10}) as answer:
            assert (answer.status, await answer.json()) == (200, {"outcome": "done"})
        api = await api_of(grid)
        answered = await api.charge("", max_power_kw=80)
        assert answered.status == 503
        assert answered.headers["Retry-After"]
        async with grid.session.post(url, json={"capacity_kw": None}) as answer:
            assert answer.status == 200
        await api.placed("", max_power_kw=80)
