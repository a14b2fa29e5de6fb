"""The OpenAPI description and the pages of a gateway."""

from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from gateway.contract import PROBLEMS
from gateway.fields import FIELDS
from gateway.listing import PARAMETERS
from tests.integration.balancer.grid import Plan, built
from tests.integration.gateway.api import CAR, api

NOTHING = Plan(capacities_kw=())


@pytest.mark.gen_test
async def test_the_description_is_valid_openapi(tmp_path: Path) -> None:
    async with built(tmp_path, NOTHING) as grid:
        await grid.start("gateway")
        document = await grid.get_json(f"{grid.gateway_url}/openapi.json")
        validate(document)
        assert document["openapi"] == "3.1.0"
        assert set(document["paths"]) == {"/charge", "/charge/{session_id}"}


@pytest.mark.gen_test
@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"energy_kwh": 0.05},
        {"energy_kwh": "22"},
        {"stay_minutes": 10_081},
        {"substations": []},
        {"substations": ["S"]},
        {"vehicle_id": "a b"},
        {"colour": "red"},
        {"max_wait_s": 0},
        {"max_power_kw": True},
    ],
)
async def test_what_the_description_allows_is_what_the_gateway_takes(
    tmp_path: Path, changed: dict[str, Any]
) -> None:
    async with api(tmp_path) as grid:
        document = await grid.grid.get_json(f"{grid.grid.gateway_url}/openapi.json")
        schema = Draft202012Validator(document["components"]["schemas"]["Charge"])
        answer = await grid.charge(**changed)
        assert answer.status == (201 if schema.is_valid(CAR | changed) else 422)


@pytest.mark.gen_test
async def test_the_front_page_shows_every_field_and_every_problem_without_script(tmp_path: Path) -> None:
    async with built(tmp_path, NOTHING) as grid:
        await grid.start("gateway")
        async with grid.session.get(grid.gateway_url) as response:
            page, headers = await response.text(), response.headers
        assert headers["Content-Type"] == "text/html; charset=utf-8"
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert all(field.name in page for field in (*FIELDS, *PARAMETERS))
        assert all(problem.code in page for problem in PROBLEMS)
        assert "<script" not in page
        async with grid.session.get(f"{grid.gateway_url}/page.css") as response:
            assert (response.status, response.content_type) == (200, "text/css")


@pytest.mark.gen_test
async def test_requests_are_counted_by_how_they_ended(tmp_path: Path) -> None:
    async with api(tmp_path, Plan(capacities_kw=(22,))) as grid:
        await grid.placed("key-1")
        await grid.placed()
        await grid.charge()
        await grid.charge("key-1", energy_kwh=1)
        await grid.charge(energy_kwh=0)
        await grid.charge(max_power_kw=23)
        await grid.charge(substations=["elsewhere"])
        async with grid.grid.session.get(f"{grid.grid.gateway_url}/metrics") as response:
            lines = (await response.text()).splitlines()
        prefix = "smartgrid_charge_requests_total{"
        counted = {line.split('"')[1]: float(line.split()[-1]) for line in lines if line.startswith(prefix)}
        assert counted == {
            "admitted": 2,
            "no_capacity": 1,
            "key_reused": 1,
            "rejected": 1,
            "exceeds_capacity": 1,
            "unknown_substation": 1,
            "no_substation": 0,
            "unknown": 0,
            "unavailable": 0,
            "withdrawn": 0,
            "unauthorized": 0,
            "quota_exceeded": 0,
            "failed": 0,
            "vehicle_charging": 0,
        }
        timed = [line for line in lines if line.startswith("smartgrid_charge_request_duration_seconds_count")]
        assert sum(float(line.split()[-1]) for line in timed) == 7


@pytest.mark.gen_test
async def test_a_gateway_is_alive_at_once_and_ready_with_its_balancer(tmp_path: Path) -> None:
    async with built(tmp_path, Plan(capacities_kw=(100,))) as grid:
        await grid.start("gateway")
        for page, status in {"livez": 200, "readyz": 503}.items():
            async with grid.session.get(f"{grid.gateway_url}/{page}") as response:
                assert response.status == status
        for name in ("s-1", "balancer"):
            await grid.start(name)
        await grid.placeable()
