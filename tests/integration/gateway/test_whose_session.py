"""Sessions of one caller, through two gateways of one grid: one that asks for keys and one that does not."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from gateway.app import gateway
from gateway.callers import digest
from gateway.settings import Settings
from runtime.settings import load
from tests.integration.balancer.grid import HOST, Plan, running, until
from tests.integration.gateway.api import Api, Response, api_of
from tests.support.ports import free_ports

ACME, BOLT = {"Authorization": "Bearer key-of-acme"}, {"Authorization": "Bearer key-of-bolt"}
DESK = {"Authorization": "Bearer key-of-desk"}
NEW_KEY = {"Authorization": "Bearer new-key-of-acme"}


@asynccontextmanager
async def two_gateways(folder: Path) -> AsyncIterator[tuple[Api, str]]:
    """The API of the gateway that asks for keys, and the address of the other one."""
    path = folder / "keys"
    path.write_text(
        f"acme {digest('key-of-acme')}\nacme {digest('new-key-of-acme')}\nbolt {digest('key-of-bolt')}\n"
        f"desk {digest('key-of-desk')} operator\n"
    )
    async with running(folder, Plan(gateway={"API_KEYS": str(path)})) as grid:
        (port,) = free_ports(1)
        settings = {"GATEWAY_PORT": str(port), "BALANCER": f"{HOST}:{grid.balancer_stream_port}"}
        async with gateway(load(Settings, settings)):
            url = f"http://{HOST}:{port}"

            async def ready() -> bool:
                async with grid.session.get(f"{url}/readyz") as answer:
                    return answer.status == 200

            await until(ready)
            yield await api_of(grid), url


async def there(session: aiohttp.ClientSession, method: str, url: str) -> tuple[int, str, int]:
    """Status, code of the problem, and how many sessions are listed."""
    async with session.request(method, url) as answer:
        body = await answer.json()
    return answer.status, str(body.get("type", "")).rpartition(":")[2], len(body.get("sessions", []))


def hidden(response: Response) -> None:
    """The very answer that an id of nobody gets."""
    assert (response.status, response.code) == (404, "not-found")
    assert set(response.json) == {"type", "title", "status", "request_id"}


@pytest.mark.gen_test
async def test_a_session_of_another_caller_is_not_found_and_goes_on(tmp_path: Path) -> None:
    async with two_gateways(tmp_path) as (api, keyless):
        placed = (await api.charge_with(ACME, vehicle_id="car")).json
        path = f"/charge/{placed['session_id']}"
        for method in ("GET", "DELETE"):
            hidden(await api.call(method, path, headers=BOLT))
            hidden(await api.call(method, path[:-1] + "x", headers=ACME))
            assert await there(api.grid.session, method, keyless + path) == (404, "not-found", 0)
        for headers in (ACME, NEW_KEY):
            assert (await api.call("GET", path, headers=headers)).json["state"] == "charging"
        assert (await api.call("DELETE", path, headers=NEW_KEY)).json["state"] == "stopped"


@pytest.mark.gen_test
async def test_an_operator_s_key_finds_and_stops_the_sessions_of_every_caller(tmp_path: Path) -> None:
    async with two_gateways(tmp_path) as (api, keyless):
        placed = (await api.charge_with(ACME, vehicle_id="car")).json
        async with api.grid.session.post(f"{keyless}/charge", json={"vehicle_id": "car"}) as answer:
            of_nobody = await answer.json()
        for session_id, vehicle in ((placed["session_id"], "acme:car"), (of_nobody["session_id"], "car")):
            found = await api.call("GET", f"/charge/{session_id}", headers=DESK)
            assert (found.status, found.json["vehicle_id"]) == (200, vehicle)
            stopped = await api.call("DELETE", f"/charge/{session_id}", headers=DESK)
            assert stopped.json["state"] == "stopped"


@pytest.mark.gen_test
async def test_without_a_key_the_vehicles_of_callers_with_keys_are_not_listed(tmp_path: Path) -> None:
    async with two_gateways(tmp_path) as (api, keyless):
        await api.charge_with(ACME, vehicle_id="car")
        of_acme = f"{keyless}/charge?vehicle_id=acme:car"
        assert await there(api.grid.session, "GET", of_acme) == (200, "", 0)
        async with api.grid.session.post(f"{keyless}/charge", json={"vehicle_id": "acme:car"}) as answer:
            assert answer.status == 201
            own = (await answer.json())["session_id"]
        assert await there(api.grid.session, "GET", of_acme) == (200, "", 1)
        listed = (await api.call("GET", "/charge?vehicle_id=car", headers=ACME)).json["sessions"]
        assert len(listed) == 1
        hidden(await api.call("DELETE", f"/charge/{own}", headers=ACME))
        assert await there(api.grid.session, "DELETE", f"{keyless}/charge/{own}") == (200, "", 0)


@pytest.mark.gen_test
async def test_whose_a_session_is_is_known_after_every_service_was_restarted(tmp_path: Path) -> None:
    async with two_gateways(tmp_path) as (api, _):
        placed = (await api.charge_with(ACME)).json
        for name in (placed["substation_id"], "balancer", "gateway"):
            await api.grid.stop(name)
            await api.grid.start(name)
        await api.grid.placeable()
        path = f"/charge/{placed['session_id']}"
        hidden(await api.call("DELETE", path, headers=BOLT))
        assert (await api.call("DELETE", path, headers=ACME)).json["state"] == "stopped"
