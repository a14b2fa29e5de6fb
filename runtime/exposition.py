"""The `/metrics` page in Prometheus text format, whole or only the requested names."""

import asyncio
import platform
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from prometheus_client import (
    CollectorRegistry,
    Gauge,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from runtime.handlers import ApiHandler
from runtime.loop_lag import LoopLag
from runtime.version import VERSION


def registry(service: str) -> CollectorRegistry:
    """Return a registry of this process alone, with process metrics and `smartgrid_build_info`."""
    disable_created_metrics()  # type: ignore[no-untyped-call]
    metrics = CollectorRegistry(auto_describe=True)  # ProcessCollector has no describe(): `name[]` missed it
    ProcessCollector(registry=metrics)
    info = Gauge(
        "smartgrid_build_info",
        "1; the labels say what runs",
        ["service", "version", "python"],
        registry=metrics,
    )
    info.labels(service, VERSION, platform.python_version()).set(1)
    return metrics


@asynccontextmanager
async def measured(service: str) -> AsyncIterator[CollectorRegistry]:
    """A registry as above; while the context lasts, the lag and the tasks of this process's event loop go into it."""
    metrics = registry(service)
    loop = asyncio.get_running_loop()
    tasks = Gauge(
        "smartgrid_event_loop_tasks",
        "Tasks of the event loop that have not ended; it rises and falls with the requests in flight",
        registry=metrics,
    )
    tasks.set_function(lambda: len(asyncio.all_tasks(loop)))
    task = asyncio.create_task(LoopLag(metrics).follow())
    try:
        yield metrics
    finally:
        task.cancel()
        await asyncio.wait([task])


class MetricsHandler(ApiHandler):
    """Serves a registry."""

    def initialize(self, registry: CollectorRegistry) -> None:  # type: ignore[override]
        """`registry` holds what is shown."""
        super().initialize()
        self._registry = registry

    def get(self) -> None:
        """Write the page; `name[]` restricts it to those sample names."""
        names = self.get_query_arguments("name[]")
        shown = self._registry.restricted_registry(names) if names else self._registry
        self.set_header("Content-Type", CONTENT_TYPE_LATEST)
        self.finish(generate_latest(shown))
