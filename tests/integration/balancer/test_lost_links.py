"""Messages lost between the services: no session is placed twice, and none stays without a caller."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from balancer.contract import Charge
from gateway.balancer_stream import BalancerLink
from runtime.coalescer import LinkLost
from substation.plan import Plan as ChargingPlan
from tests.integration.balancer.grid import HOST, Grid, Plan, running, until
from tests.integration.balancer.grid import PROXIED as PROXIED_HOST
from tests.integration.balancer.proxy import Proxy
from tests.integration.gateway.api import Api, Response, api_of

WITHDRAWN = {"withdrawn", "outcome-unknown"}  # on a busy machine the gateway may not wait for the note
PROXIED = Plan(proxied=True, deadline_s=1.5)
BODY = b'{"vehicle_id": "car-1"}'


@contextlib.asynccontextmanager
async def grids(folder: Path, plan: Plan = PROXIED) -> AsyncIterator[tuple[Grid, Api]]:
    async with running(folder, plan) as grid:
        yield grid, await api_of(grid)


def lose_replies(grid: Grid) -> None:
    """From now on substations hear the balancer, and it hears none of them."""
    for stream in grid.streams.values():
        stream.replies = False


def lose_all(grid: Grid) -> None:
    for stream in grid.streams.values():
        stream.requests = stream.replies = False


def heal(grid: Grid) -> None:
    for stream in grid.streams.values():
        stream.pass_all()


async def committed(grid: Grid) -> dict[str, Any]:
    """The one session there is, once it is durable."""
    (session,) = await until(grid.sessions)
    return dict(session)


async def state_of(grid: Grid, wanted: str) -> None:
    """Wait until the one session has a state."""

    async def reached() -> bool:
        (session,) = await grid.sessions()
        return bool(session["state"] == wanted)

    await until(reached)


@pytest.mark.gen_test
async def test_a_link_cut_between_commit_and_reply_gives_the_same_session_after_it_is_back(
    tmp_path: Path,
) -> None:
    async with grids(tmp_path, Plan(proxied=True, deadline_s=30)) as (grid, api):
        lose_replies(grid)
        asked = asyncio.create_task(api.charge("key-1"))
        session = await committed(grid)
        heal(grid)
        answer = await asked
        assert (answer.status, answer.json["session_id"]) == (201, session["session_id"])
        assert len(await grid.sessions()) == 1


@pytest.mark.gen_test
async def test_an_unknown_outcome_is_said_and_a_retry_finds_the_session(tmp_path: Path) -> None:
    async with grids(tmp_path) as (grid, api):
        lose_replies(grid)
        answer = await api.charge("key-1")
        assert (answer.status, answer.code, answer.json["outcome"]) == (503, "outcome-unknown", "unknown")
        session = await committed(grid)
        heal(grid)
        retried = await _until_placed(api, "key-1")
        assert retried.json["session_id"] == session["session_id"]
        assert len(await grid.sessions()) == 1
        assert (await api.charge("key-1")).body == retried.body


@pytest.mark.gen_test
async def test_an_unknown_outcome_is_not_forgotten_when_the_balancer_restarts(tmp_path: Path) -> None:
    async with grids(tmp_path) as (grid, api):
        lose_replies(grid)
        assert (await api.charge("key-1")).code == "outcome-unknown"
        session = await committed(grid)
        await grid.stop("balancer")
        heal(grid)
        await grid.start("balancer")
        await grid.placeable()
        retried = await _until_placed(api, "key-1")
        assert retried.json["session_id"] == session["session_id"]
        assert len(await grid.sessions()) == 1


@pytest.mark.gen_test
async def test_a_keyed_request_never_moves_on_from_a_substation_that_does_not_answer(tmp_path: Path) -> None:
    async with grids(tmp_path) as (grid, api):
        lose_all(grid)
        assert (await api.charge("key-1")).code == "outcome-unknown"
        claimed = [name for name in grid.names if await _decisions(grid, name, "unknown")]
        (target,) = claimed
        (other,) = set(grid.names) - {target}
        grid.streams[other].pass_all()
        assert (await api.charge("key-1")).code == "outcome-unknown"
        assert await grid.sessions() == []
        heal(grid)
        assert (await _until_placed(api, "key-1")).json["substation_id"] == target


@pytest.mark.gen_test
async def test_without_a_key_an_unknown_outcome_is_withdrawn(tmp_path: Path) -> None:
    async with grids(tmp_path) as (grid, api):
        lose_replies(grid)
        answer = await api.charge()
        assert (answer.status, answer.code, answer.json["outcome"]) == (503, "withdrawn", "withdrawn")
        heal(grid)
        await state_of(grid, "withdrawn")
        assert (await _until_placed(api, "")).status == 201


@pytest.mark.gen_test
async def test_a_withdrawal_is_kept_until_it_is_answered_through_restarts_of_the_balancer(
    tmp_path: Path,
) -> None:
    async with grids(tmp_path) as (grid, api):
        lose_replies(grid)
        asked = asyncio.create_task(api.charge())
        session = await committed(grid)
        lose_all(grid)
        assert (await asked).code in WITHDRAWN
        await grid.stop("balancer")
        (noted,) = await grid.withdrawals()
        assert noted.target == session["substation_id"]
        await grid.start("balancer")  # and still nothing gets through
        await grid.stop("balancer")
        assert await grid.withdrawals() == [noted]
        assert (await committed(grid))["state"] == "charging"

        heal(grid)
        await grid.start("balancer")
        await state_of(grid, "withdrawn")
        await grid.placeable()
        await _nothing_to_withdraw(grid)


@pytest.mark.gen_test
async def test_a_caller_without_a_key_who_hangs_up_leaves_no_session(tmp_path: Path) -> None:
    async with grids(tmp_path, Plan(proxied=True, deadline_s=30)) as (grid, _):
        lose_replies(grid)
        writer = await _send(grid, b"")
        await committed(grid)
        writer.transport.abort()
        heal(grid)
        await state_of(grid, "withdrawn")
        await _nothing_to_withdraw(grid)


@pytest.mark.gen_test
async def test_an_answer_without_a_key_that_a_broken_link_lost_leaves_no_session(tmp_path: Path) -> None:
    async with running(tmp_path) as grid:
        proxy = Proxy(HOST, grid.balancer_stream_port)
        async with proxy.listening(PROXIED_HOST, grid.balancer_stream_port):
            link = BalancerLink(f"{PROXIED_HOST}:{grid.balancer_stream_port}")
            wanted = Charge("", "f", "car-1", ChargingPlan(3_600_000_000, 11_000))
            admitted = await link.call(wanted, 10)
            proxy.replies = False
            lost = asyncio.create_task(link.call(wanted, 30))

            async def answered() -> bool:
                decided = await grid.get_json(f"{grid.balancer_url}/decisions")
                return [each["outcome"] for each in decided["decisions"]] == ["placed", "placed"]

            await until(answered)
            proxy.pass_all()
            with pytest.raises(LinkLost):
                await lost

            async def states() -> dict[str, str]:
                return {each["session_id"]: each["state"] for each in await grid.sessions()}

            async def settled() -> bool:
                return sorted((await states()).values()) == ["charging", "withdrawn"]

            await until(settled)
            assert admitted.session
            assert (await states())[admitted.session.session_id] == "charging"
            await link.close()


@pytest.mark.gen_test
async def test_a_caller_with_a_key_who_hangs_up_finds_the_session_later(tmp_path: Path) -> None:
    async with grids(tmp_path, Plan(proxied=True, deadline_s=30)) as (grid, api):
        lose_replies(grid)
        writer = await _send(grid, b"Idempotency-Key: key-1\r\n")
        session = await committed(grid)
        writer.transport.abort()
        heal(grid)
        answer = await api.charge("key-1", energy_kwh=None, max_power_kw=None)
        assert (answer.status, answer.json["session_id"]) == (201, session["session_id"])
        assert (await committed(grid))["state"] == "charging"


@pytest.mark.gen_test
async def test_a_balancer_that_stops_withdraws_what_it_had_placed_for_nobody(tmp_path: Path) -> None:
    async with grids(tmp_path, Plan(proxied=True, deadline_s=30)) as (grid, api):
        lose_replies(grid)
        asked = asyncio.create_task(api.charge())
        session = await committed(grid)
        lose_all(grid)
        await grid.stop("balancer")
        assert (await asked).code == "outcome-unknown"
        (noted,) = await grid.withdrawals()
        assert noted.target == session["substation_id"]
        heal(grid)
        await grid.start("balancer")
        await state_of(grid, "withdrawn")


@pytest.mark.gen_test
async def test_a_gateway_that_stops_leaves_no_session_that_nobody_knows_of(tmp_path: Path) -> None:
    async with grids(tmp_path, Plan(proxied=True, deadline_s=30)) as (grid, _):
        lose_replies(grid)
        writer = await _send(grid, b"")
        await committed(grid)
        await grid.stop("gateway")
        writer.transport.abort()
        heal(grid)
        await state_of(grid, "withdrawn")


async def _send(grid: Grid, header: bytes) -> asyncio.StreamWriter:
    """Ask to charge, and read no answer."""
    _, writer = await asyncio.open_connection(HOST, grid.gateway_port)
    writer.write(
        b"POST /charge HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        + header
        + b"Content-Length: %d\r\n\r\n" % len(BODY)
        + BODY
    )
    return writer


async def _until_placed(api: Api, key: str) -> Response:
    async def placed() -> Response | None:
        answer = await api.charge(key)
        return answer if answer.status == 201 else None

    found: Response = await until(placed)
    return found


async def _decisions(grid: Grid, name: str, outcome: str) -> float:
    labels = f'{{outcome="{outcome}",substation="{name}"}}'
    return await grid.metric(f"smartgrid_balancer_decisions_total{labels}")


async def _nothing_to_withdraw(grid: Grid) -> None:
    """Wait until the order book holds no withdrawal; it can be read while no balancer runs."""

    async def none_left() -> bool:
        await grid.stop("balancer")
        left = await grid.withdrawals()
        await grid.start("balancer")
        return not left

    await until(none_left)
