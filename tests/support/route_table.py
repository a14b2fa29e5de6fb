"""The console's route table as the console makes it, and an address that fits each pattern."""

import asyncio
import concurrent.futures
import re
from pathlib import Path

from prometheus_client import CollectorRegistry

from admin_ui.app import wired
from admin_ui.grid.board import CONSOLE
from admin_ui.settings import Settings
from admin_ui.web.pages import templates
from admin_ui.web.routes import Route
from admin_ui.web.stream import stream_route
from runtime.frame_stream import FrameStreams, StreamMetrics
from runtime.settings import load

NOWHERE = "http://127.0.0.1:1"


def route_table(data: Path) -> list[Route]:
    """Return every route that takes a role; nobody serves them, and `data` is theirs."""
    with concurrent.futures.ThreadPoolExecutor(1) as thread:  # this one may have a loop already
        return thread.submit(lambda: asyncio.run(_route_table(data))).result()


async def _route_table(data: Path) -> list[Route]:
    environ = {"DATA_DIR": str(data), "BALANCER_URL": NOWHERE, "GATEWAY_URL": NOWHERE}
    async with wired(load(Settings, environ), None) as wings:
        streams = FrameStreams(wings.shown, CONSOLE, StreamMetrics(CollectorRegistry(), "smartgrid_console"))
        return [*wings.routes(templates()), stream_route(streams, wings.presence)]


def path(route: Route) -> str:
    """Return an address that fits a pattern."""
    whole = re.sub(r"\(\[0-9\][^)]*\)", "1", route.pattern)
    return re.sub(r"\([^)]*\)", "x", whole)
