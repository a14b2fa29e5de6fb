"""Services as real processes, on free ports, ended by their own id."""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp

from tests.support import template
from tests.support.console import INHERITED
from tests.support.ports import free_port
from tests.support.substation_app import Grid, connected

ROOT = Path(__file__).parents[2]
HUNG_S = 30.0


class Substation:
    """`python -m substation` on ports of its own; `log` is its standard error."""

    def __init__(self, data: Path, **environ: str) -> None:
        self.port = free_port()
        self.log = data / f"stderr-{self.port}.txt"
        inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
        settings = {
            "SUBSTATION_PORT": str(self.port),
            "SUBSTATION_STREAM_PORT": "0",
            "DATA_DIR": str(data),
            "CAPACITY_KW": "1000",
        }
        with self.log.open("wb") as log:
            self.process = template.popen(
                [sys.executable, "-m", "substation"],
                cwd=ROOT,
                env=inherited | settings | environ,
                stderr=log,
                stdout=log,
            )

    def said(self) -> str:
        return self.log.read_text()

    async def ended(self) -> int:
        """Wait for the end of the process; returns its exit code."""
        return await asyncio.to_thread(self.process.wait, HUNG_S)

    async def serves(self) -> None:
        """Wait until its pages answer."""
        async with aiohttp.ClientSession() as http:
            while self.process.poll() is None:
                with contextlib.suppress(aiohttp.ClientError):
                    async with http.get(f"http://127.0.0.1:{self.port}/livez"):
                        return
                await asyncio.sleep(0.02)
        raise AssertionError(self.said())

    async def kill(self) -> None:
        """End it as `kill -9` does; nothing happens if it has ended."""
        self.process.kill()
        await self.ended()


@asynccontextmanager
async def started(data: Path, **environ: str) -> AsyncIterator[Substation]:
    """A process that may fail to start, and is gone afterwards."""
    process = Substation(data, **environ)
    try:
        yield process
    finally:
        await process.kill()


@asynccontextmanager
async def serving(data: Path, **environ: str) -> AsyncIterator[tuple[Substation, Grid]]:
    """A process that serves, and a client of it."""
    async with started(data, **environ) as process:
        await process.serves()
        async with connected(process.port) as grid:
            yield process, grid
