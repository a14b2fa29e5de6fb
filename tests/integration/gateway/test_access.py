"""API keys and quotas, through a gateway that has no balancer: what gets in ends with 503."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gateway.app import gateway
from gateway.callers import digest
from gateway.settings import Settings
from runtime.process import CannotStartError
from runtime.settings import load
from tests.integration.balancer.grid import Plan, built, until
from tests.integration.gateway.api import CAR, PROBLEM, Api, Response, api_of
from tests.support.raw_http import exchange

ACME, BOLT = {"Authorization": "Bearer key-of-acme"}, {"Authorization": "bearer key-of-bolt"}
FOUND_NOBODY = 503


@asynccontextmanager
async def guarded(folder: Path, **settings: str) -> AsyncIterator[Api]:
    path = folder / "keys"
    path.write_text(f"acme {digest('key-of-acme')}\nbolt {digest('key-of-bolt')} 6\n")
    plan = Plan(capacities_kw=(), deadline_s=0.5, gateway={"API_KEYS": str(path)} | settings)
    async with built(folder, plan) as grid:
        await grid.start("gateway")
        yield await api_of(grid)


def refused(response: Response) -> None:
    assert (response.status, response.code) == (401, "unauthorized")
    assert response.headers["Content-Type"] == PROBLEM
    assert response.headers["WWW-Authenticate"] == "Bearer"
    assert "RateLimit" not in response.headers


@pytest.mark.gen_test
@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Bearer",
        "Bearer wrong",
        "Bearer key-of-acme x",
        "Basic key-of-acme",
        "key-of-acme",
        "Bearer KEY-OF-ACME",
    ],
)
async def test_without_a_valid_key_nothing_is_done(tmp_path: Path, authorization: str | None) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    async with guarded(tmp_path) as api:
        refused(await api.charge_with(headers))
        for method, path in (
            ("GET", "/charge?vehicle_id=a"),
            ("GET", "/charge/s-1.a"),
            ("DELETE", "/charge/s-1.a"),
        ):
            refused(await api.call(method, path, headers=headers))


@pytest.mark.gen_test
async def test_a_key_given_twice_is_none(tmp_path: Path) -> None:
    sent = (
        b"GET /charge/s-1.a HTTP/1.1\r\nHost: localhost\r\n"
        + b"Authorization: Bearer key-of-acme\r\n" * 2
        + b"\r\n"
    )
    async with guarded(tmp_path) as api:
        refused(await api.raw(sent, "/charge/s-1.a", "GET"))


@pytest.mark.gen_test
async def test_with_a_key_a_request_gets_in_and_the_other_pages_ask_for_none(tmp_path: Path) -> None:
    async with guarded(tmp_path) as api:
        for headers in (ACME, BOLT):
            assert (await api.charge_with(headers)).status == FOUND_NOBODY
        assert (await api.call("GET", "/charge/s-1.a", headers=ACME)).status == FOUND_NOBODY
        for page in ("", "openapi.json", "metrics", "livez"):
            async with api.grid.session.get(f"{api.grid.gateway_url}/{page}") as response:
                assert response.status == 200


@pytest.mark.gen_test
async def test_a_key_that_was_taken_out_of_the_file_opens_nothing_any_more(tmp_path: Path) -> None:
    async with guarded(tmp_path) as api:
        assert (await api.call("GET", "/charge/s-1.a", headers=ACME)).status == FOUND_NOBODY
        (tmp_path / "keys").write_text(f"carol {digest('key-of-carol')}\n")

        async def shut() -> bool:
            return (await api.call("GET", "/charge/s-1.a", headers=ACME)).status == 401

        await until(shut)


@pytest.mark.gen_test
async def test_on_loopback_nobody_is_asked_for_a_key(tmp_path: Path) -> None:
    async with built(tmp_path, Plan(capacities_kw=(), deadline_s=0.5)) as grid:
        await grid.start("gateway")
        api = await api_of(grid)
        assert (await api.charge()).status == FOUND_NOBODY
        assert (await api.charge_with({"Authorization": "Bearer anything"})).status == FOUND_NOBODY


@pytest.mark.gen_test
@pytest.mark.parametrize("text", [None, "acme"])
async def test_a_gateway_whose_keys_can_t_be_read_does_not_start(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "keys"
    if text:
        path.write_text(text)
    with pytest.raises(CannotStartError, match=str(path)):
        async with gateway(load(Settings, {"GATEWAY_PORT": "0", "API_KEYS": str(path)})):
            pass


@pytest.mark.gen_test
async def test_over_its_quota_a_caller_is_told_when_to_come_back_and_no_other_is_held_up(
    tmp_path: Path,
) -> None:
    async with guarded(tmp_path) as api:
        first = await api.call("DELETE", "/charge/s-1.a", headers=BOLT)
        assert first.status == FOUND_NOBODY
        assert first.headers["RateLimit-Policy"] == '"default";q=1;w=10'
        assert first.headers["RateLimit"] == '"default";r=0;t=10'
        over = await api.call("GET", "/charge/s-1.a", headers=BOLT)
        assert (over.status, over.code) == (429, "quota-exceeded")
        assert 1 <= int(over.headers["Retry-After"]) <= 10
        assert over.headers["RateLimit"] == f'"default";r=0;t={over.headers["Retry-After"]}'
        others = await api.call("GET", "/charge/s-1.a", headers=ACME)
        assert others.status == FOUND_NOBODY
        assert others.headers["RateLimit-Policy"] == '"default";q=10000;w=10'


@pytest.mark.gen_test
async def test_who_has_no_quota_of_its_own_has_the_usual_one(tmp_path: Path) -> None:
    async with guarded(tmp_path, QUOTA_PER_MINUTE="12") as api:
        statuses = [(await api.call("GET", "/charge?limit=0", headers=ACME)).status for _ in range(3)]
        assert statuses == [422, 422, 429]


@pytest.mark.gen_test
async def test_what_was_turned_away_is_counted_as_such(tmp_path: Path) -> None:
    async with guarded(tmp_path) as api:
        await api.charge_with({})
        await api.call("POST", "/charge", json=CAR, headers=BOLT | {"Content-Encoding": "identity, gzip"})
        await api.charge_with(BOLT, energy_kwh=0)
        await api.charge_with(BOLT)
        await api.call("GET", "/charge?vehicle_id=a")  # only requests to charge are counted
        async with api.grid.session.get(f"{api.grid.gateway_url}/metrics") as response:
            lines = (await response.text()).splitlines()
    prefix = "smartgrid_charge_requests_total{"
    counted = {line.split('"')[1]: float(line.split()[-1]) for line in lines if line.startswith(prefix)}
    assert {outcome: count for outcome, count in counted.items() if count} == {
        "unauthorized": 1,
        "rejected": 2,
        "quota_exceeded": 1,
    }


@pytest.mark.gen_test
async def test_the_most_connections_are_a_setting(tmp_path: Path) -> None:
    async with built(tmp_path, Plan(capacities_kw=(), gateway={"MAX_CONNECTIONS": "1"})) as grid:
        await grid.start("gateway")
        body = b'{"vehicle_id": "EV-1"}'
        head = b"POST /charge HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        busy = asyncio.create_task(
            exchange(grid.gateway_port, head + b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        )

        async def full() -> bool:
            return (await exchange(grid.gateway_port, b"GET / HTTP/1.0\r\n\r\n")).status == 503

        await until(full)  # while the first one waits for a balancer that is not there
        assert (await exchange(grid.gateway_port, b"GET /livez HTTP/1.0\r\n\r\n")).status == 200
        assert (await busy).json()["type"].endswith("unavailable")
