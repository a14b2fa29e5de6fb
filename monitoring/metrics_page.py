"""Writes docs/metrics.md from the registries of the real services: `python -m monitoring.metrics_page`."""

import asyncio
import dataclasses
import socket
import tempfile
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import aiohttp
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from admin_ui.app import console
from admin_ui.settings import Settings as ConsoleSettings
from balancer.app import balancer
from balancer.settings import Settings as BalancerSettings
from gateway.app import gateway
from gateway.settings import Settings as GatewaySettings
from runtime.settings import load
from substation.app import substation
from substation.settings import Settings as SubstationSettings

PAGE = Path(__file__).parents[1] / "docs" / "metrics.md"
SERVICES = {"Gateway": "gateway", "Balancer": "balancer", "Substation": "substation", "Console": "admin_ui"}
READY_S = 30.0
# Labels whose values belong to one process or installation; every other label is a closed set, listed.
IDENTITIES = {
    "substation": "the substation's id",
    "balancer": "`host:port` of its stream",
    "journal": "the journal's id",
    "stream": "`host:port` or `:port`",
    "version": "of this project",
    "python": "of the interpreter",
}
UNITS = {
    "watt_seconds": "watt-seconds",
    "joules": "joules",
    "watts": "watts",
    "seconds": "seconds",
    "bytes": "bytes",
}
HEAD = """# Metrics

<!-- Written by `make docs` from the registries of the running services. Edit the code, not this page. -->

Every service serves its metrics at `/metrics` in the Prometheus text format.
`/metrics?name[]=<sample name>`, repeated as needed, returns only those: for counters the name ends in
`_total`.

Rules:

- Names start with `smartgrid_`. Units are base units: watts, joules, seconds.
- Labels have closed sets of values, listed here; only ids of substations and of what runs are not. No label
  ever holds a vehicle, a session, a key or a path.
- Series exist from the start of the process. The balancer's series of a substation exist from its
  discovery until it is forgotten.
- Load, releases, epoch and seq of one page of a substation belong to the same report; draw, energy and overload
  to the same moment. These three look at every open session: who polls often leaves them out with `name[]`,
  as balancers do.
- Energy and overload run in grid time: under `TIME_SCALE=120`, `rate(smartgrid_substation_energy_joules_total)`
  is 120 times the power.

What is built on them: [recording rules and alerts](reference/monitoring.md).
"""
OUTCOMES = """
| `outcome` | the client got |
|---|---|
| `admitted` | 201 |
| `no_capacity` | 503 `no-capacity` |
| `no_substation` | 503 `no-substation` |
| `unknown` | 503 `outcome-unknown` |
| `unavailable` | 503 `unavailable`: the order book can't be asked, or the request was sent to no balancer: none was up, or it had no turn in time |
| `withdrawn` | 503 `withdrawn`, or nothing because it hung up |
| `exceeds_capacity` | 422 `invalid`, about `max_power_kw` |
| `unknown_substation` | 422 `invalid`, about `substations` |
| `key_reused` | 422 `key-reused` |
| `vehicle_charging` | 409 `vehicle-charging` |
| `rejected` | 400, 415 or 422 `invalid`: refused before a balancer was asked |
| `unauthorized` | 401 |
| `quota_exceeded` | 429 |
| `failed` | 500: a fault of the gateway |
"""


@dataclasses.dataclass
class Running:
    """One service of each kind in this process: base URLs by heading."""

    urls: Mapping[str, str]

    async def pages(self) -> dict[str, str]:
        """Return what each serves at `/metrics`."""
        async with aiohttp.ClientSession() as http:
            return {heading: await _text(http, f"{url}/metrics") for heading, url in self.urls.items()}


@asynccontextmanager
async def running(data: Path) -> AsyncIterator[Running]:
    """One substation, balancer, gateway and console; ready when entered."""
    names = ("GATEWAY_PORT", "BALANCER_PORT", "BALANCER_STREAM_PORT", "SUBSTATION_PORT", "CONSOLE_PORT")
    ports = {name: str(port) for name, port in zip(names, free_ports(len(names)), strict=True)}
    urls = {heading: f"http://127.0.0.1:{ports[f'{heading.upper()}_PORT']}" for heading in SERVICES}
    environ = ports | {
        "DATA_DIR": str(data),
        "SUBSTATION_STREAM_PORT": "0",
        "SUBSTATIONS": urls["Substation"],
        "POLL_S": "0.1",
        "BALANCER": f"127.0.0.1:{ports['BALANCER_STREAM_PORT']}",
        "BALANCER_URL": urls["Balancer"],
        "GATEWAY_URL": urls["Gateway"],
    }
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(substation(load(SubstationSettings, environ)))
        await stack.enter_async_context(balancer(load(BalancerSettings, environ)))
        await stack.enter_async_context(gateway(load(GatewaySettings, environ)))
        await stack.enter_async_context(console(load(ConsoleSettings, environ)))
        await _ready(urls.values())
        yield Running(urls)


def page(pages: Mapping[str, str]) -> str:
    """Return the documentation of what services serve, given by heading."""
    of = {heading: {each.name: each for each in families(text)} for heading, text in pages.items()}
    shared = set.intersection(*(set(found) for found in of.values()))
    everywhere = [_merged(name, [found[name] for found in of.values()]) for name in sorted(shared)]
    parts = [HEAD, "\n## Every service\n\n", *_table(everywhere)]
    for heading, found in of.items():
        own = [found[name] for name in sorted(found.keys() - shared)]
        parts += [f"\n## {heading}\n\n", *_table(own), OUTCOMES if heading == "Gateway" else ""]
    return "".join(parts)


def families(text: str) -> Iterator[Metric]:
    """Yield the metrics of a page; a counter's name is that of its samples."""
    for family in text_string_to_metric_families(text):
        if family.samples:
            family.name += "_total" if family.type == "counter" else ""
            yield family


def labels(family: Metric) -> dict[str, list[str]]:
    """Return the labels of a metric and their values, in the order in which they are served."""
    found: dict[str, dict[str, None]] = {}
    for sample in family.samples:
        for name, value in sample.labels.items():
            found.setdefault(name, {})[value] = None
    found.pop("le", None)
    return {name: list(values) for name, values in found.items()}


def unit(name: str) -> str:
    """Return the unit in the name of a metric, '1' when it has none."""
    plain = name.removesuffix("_total")
    return next((words for ending, words in UNITS.items() if plain.endswith(f"_{ending}")), "1")


def _merged(name: str, each: list[Metric]) -> Metric:
    made = Metric(name, each[0].documentation, each[0].type)
    made.samples = [sample for family in each for sample in family.samples]
    return made


def _table(found: Iterable[Metric]) -> Iterator[str]:
    yield "| name | type | labels | unit | meaning |\n|---|---|---|---|---|\n"
    for family in found:
        listed = "; ".join(_label(family, name, values) for name, values in labels(family).items())
        meaning = f"{family.documentation.rstrip('.')}{_buckets(family)}"
        yield f"| `{family.name}` | {family.type} | {listed or 'none'} | {unit(family.name)} | {meaning} |\n"


def _label(family: Metric, name: str, values: list[str]) -> str:
    if name in IDENTITIES:
        return f"`{name}`: {IDENTITIES[name]}"
    if name == "outcome" and family.name == "smartgrid_charge_requests_total":
        return f"`{name}`: see below"
    listed = sorted(values) if name == "handler" else values
    return f"`{name}`: " + ", ".join(f"`{value}`" for value in listed)


def _buckets(family: Metric) -> str:
    bounds = dict.fromkeys(float(s.labels["le"]) for s in family.samples if "le" in s.labels)
    return (
        f". Buckets: {', '.join(f'{bound:g}' for bound in bounds if bound != float('inf'))}" if bounds else ""
    )


def free_ports(count: int) -> list[int]:
    """Return ports of this machine that are free."""
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()


async def _ready(urls: Iterable[str]) -> None:
    until_s = time.monotonic() + READY_S
    async with aiohttp.ClientSession() as http:
        for url in urls:
            while await _text(http, f"{url}/readyz") == "":
                if time.monotonic() > until_s:
                    raise TimeoutError(f"{url} is not ready")
                await asyncio.sleep(0.05)


async def _text(http: aiohttp.ClientSession, url: str) -> str:
    async with http.get(url) as response:
        return await response.text() if response.ok else ""


async def written() -> str:
    """Return the text of the page."""
    with tempfile.TemporaryDirectory() as data:
        async with running(Path(data)) as services:
            return page(await services.pages())


if __name__ == "__main__":
    PAGE.write_text(asyncio.run(written()), encoding="utf-8")
