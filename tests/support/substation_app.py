"""A whole substation in this process, with its real journal, ports and stream."""

import dataclasses
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from runtime.settings import load
from substation.app import substation
from substation.contract import Command
from substation.proto import substation_pb2 as pb
from substation.settings import Settings
from tests.support.ports import free_port
from tests.support.substation_stream import WITHIN_S, Ask, SubstationLink, link_to

ID = "substation-1"


def parsed(page: str) -> list[Sample]:
    return [sample for family in text_string_to_metric_families(page) for sample in family.samples]


@dataclasses.dataclass
class Grid:
    """A client of one running substation; `messages` are all that came on the stream."""

    port: int
    http: aiohttp.ClientSession
    link: SubstationLink
    messages: list[pb.Answers]
    stream_port: int

    async def ask(self, command: Command, within_s: float = WITHIN_S) -> pb.Answer:
        return await self.link.call(Ask(ID, command), within_s)

    async def get(self, path: str) -> tuple[int, Any]:
        async with self.http.get(f"http://127.0.0.1:{self.port}{path}") as reply:
            return reply.status, await reply.json(content_type=None)

    async def post(self, path: str) -> tuple[int, Any]:
        async with self.http.post(f"http://127.0.0.1:{self.port}{path}") as reply:
            return reply.status, await reply.json(content_type=None)

    async def metrics(self, *names: str) -> list[Sample]:
        """The page, or only what `names` ask for."""
        return parsed(await page(self.http, self.port, *names))

    async def value(self, name: str, **labels: str) -> float:
        (found,) = [
            s.value for s in await self.metrics() if s.name == name and labels.items() <= s.labels.items()
        ]
        return found


async def page(http: aiohttp.ClientSession, port: int, *names: str) -> str:
    asked = [("name[]", name) for name in names]
    async with http.get(f"http://127.0.0.1:{port}/metrics", params=asked) as reply:
        return await reply.text()


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[Grid]:
    """A client of the substation whose HTTP port is `port`: it learns the stream's from /metrics."""
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(aiohttp.ClientSession())
        (info,) = parsed(await page(http, port, "smartgrid_substation_info"))
        stream_port = int(info.labels["stream"].removeprefix(":"))
        messages: list[pb.Answers] = []
        link = await stack.enter_async_context(link_to(stream_port, messages))
        yield Grid(port, http, link, messages, stream_port)


@asynccontextmanager
async def running(
    data: Path, capacity_kw: int = 100, time_scale: float = 1.0, substation_id: str = ID, **environ: str
) -> AsyncIterator[Grid]:
    given = {
        "SUBSTATION_PORT": str(free_port()),
        "SUBSTATION_STREAM_PORT": "0",
        "SUBSTATION_ID": substation_id,
        "DATA_DIR": str(data),
        "CAPACITY_KW": str(capacity_kw),
        "TIME_SCALE": str(time_scale),
    }
    settings = load(Settings, given | environ)
    async with substation(settings), connected(settings.http_port) as grid:
        yield grid
