"""A balancer under TLS says by TLS, too, that the database of its order book can't be reached."""

import asyncio
import contextlib
from pathlib import Path

import aiohttp
import pytest

from balancer.app import balancer
from balancer.settings import Settings
from runtime.settings import load
from runtime.tls.http_client import connector
from runtime.tls.identity import Role
from tests.support.authority import TestAuthority
from tests.support.ports import free_port


@pytest.mark.gen_test
async def test_the_health_pages_of_a_balancer_without_its_book_are_under_tls(tmp_path: Path) -> None:
    authority, port = TestAuthority(tmp_path / "tls"), free_port()
    settings = load(
        Settings,
        authority.files(Role.BALANCER).environ()
        | {
            "BALANCER_PORT": f"{port}",
            "DATA_DIR": f"{tmp_path}",
            "SUBSTATIONS": "https://127.0.0.1:1",
            "ORDER_BOOK": "postgresql://grid@127.0.0.1:1/grid",
        },
    )
    base = f"https://127.0.0.1:{port}"
    console = authority.files(Role.CONSOLE).credentials(Role.CONSOLE)
    starting = asyncio.create_task(balancer(settings).__aenter__())
    try:
        async with aiohttp.ClientSession(connector=connector(console, {base: Role.BALANCER})) as client:
            while True:
                with contextlib.suppress(aiohttp.ClientConnectorError):
                    async with client.get(f"{base}/readyz") as reply:
                        assert reply.status == 503
                        assert "the order book" in await reply.text()
                        break
                assert not starting.done()
                await asyncio.sleep(0.02)
    finally:
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)
