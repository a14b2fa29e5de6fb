"""What is seen of the grid from outside: whether the gateway is ready, the balancer's `/fleet`, each substation's `/metrics`."""

import asyncio
import contextlib
import dataclasses
import json
from collections.abc import Callable, Mapping, Sequence

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from loadtest.record.records import FleetSample, Reading

SAMPLE_EVERY_S = 0.25
POLICY_EVERY_S = 1.0
READ_TIMEOUT_S = 1.0
OK = 200
UNREADY = 503
START = "Start the grid with `make run`, or name another by GATEWAY_URL and BALANCER_URL"
TIME_SCALE = "smartgrid_time_scale"
PREFIX = "smartgrid_substation_"
READ_SAMPLES = tuple(
    PREFIX + name
    for name in (
        "load_watts",
        "capacity_watts",
        "sessions_active",
        "report_epoch",
        "sessions_total",
        "overload_watt_seconds_total",
        "energy_joules_total",
        "commit_seconds_count",
        "releases_watts",
        "draining",
    )
)


class NotReady(Exception):
    """The grid can't be used for a rush hour; the message says why."""


class NotRestored(Exception):
    """What a run changes in the grid could not be changed in mid-run, or not put back; the message says how."""


@dataclasses.dataclass(frozen=True, slots=True)
class GatewayStatus:
    """What a gateway says: what it waits for, '' when it is ready, and the order book of its balancer."""

    waits_for: str = ""
    book_id: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class FleetStatus:
    """What a balancer shows: whose it is, each substation's URL by its id, and where none was seen yet."""

    book_id: str
    policy: str
    stations: Mapping[str, str]
    unseen: Sequence[str]


class GridReader:
    """Reads the gateway, the balancer and its substations through one pooled session."""

    def __init__(self, http: aiohttp.ClientSession, gateway_url: str, balancer_url: str) -> None:
        self._http = http
        self._gateway_url = gateway_url
        self._balancer_url = balancer_url
        self._timeout = aiohttp.ClientTimeout(total=READ_TIMEOUT_S)

    async def gateway(self) -> GatewayStatus:
        """Return what the gateway says of itself; raises NotReady when it can't be reached, or is none."""
        url = f"{self._gateway_url}/readyz"
        try:
            async with self._http.get(url, timeout=self._timeout, allow_redirects=False) as response:
                status, text = response.status, await response.text()
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise NotReady(
                f"the gateway at {self._gateway_url} can't be reached: {_name(error)}. {START}"
            ) from error
        if status == UNREADY:
            return GatewayStatus(waits_for=f"{status} {text}")
        book_id = _book_id(text) if status == OK else ""
        if not book_id:
            raise NotReady(
                f"what answers at {self._gateway_url} is no gateway of a grid: nothing is sent there"
            )
        return GatewayStatus(book_id=book_id)

    async def fleet(self) -> FleetStatus:
        """Return what the balancer shows; raises NotReady when it does not say."""
        url = f"{self._balancer_url}/fleet"
        try:
            async with self._http.get(url, timeout=self._timeout, allow_redirects=False) as response:
                response.raise_for_status()
                fleet = await response.json()
            stations = {str(each["substation_id"]): str(each["url"]) for each in fleet["substations"]}
            return FleetStatus(
                str(fleet["book_id"]), str(fleet["policy"]), stations, [str(url) for url in fleet["unseen"]]
            )
        except (aiohttp.ClientError, OSError) as error:  # a TimeoutError is an OSError
            raise NotReady(
                f"the balancer at {self._balancer_url} can't be read: {_name(error)}. {START}"
            ) from error
        except (ValueError, KeyError, TypeError) as error:
            raise NotReady(f"{url} is not a fleet: {error!r}") from error

    async def time_scale(self, stations: Mapping[str, str]) -> float | None:
        """Return how many grid seconds pass in one second; None when the substations do not agree on it."""
        told = await asyncio.gather(*(self._time_scale(url) for url in stations.values()))
        return told[0] if len(set(told)) == 1 else None

    async def _time_scale(self, url: str) -> float | None:
        asked = {"name[]": TIME_SCALE}
        try:
            async with self._http.get(f"{url}/metrics", params=asked, timeout=self._timeout) as response:
                response.raise_for_status()
                families = list(text_string_to_metric_families(await response.text()))
        except (aiohttp.ClientError, OSError, ValueError):
            return None
        found = [each.value for family in families for each in family.samples if each.name == TIME_SCALE]
        return found[0] if found and found[0] > 0 else None

    async def sample(self, stations: Mapping[str, str], now: Callable[[], float]) -> FleetSample:
        """Read all `stations` at once; one that does not answer in time is absent from the sample."""
        at_unix_s = now()
        readings = await asyncio.gather(*(self._read(*station) for station in stations.items()))
        return FleetSample(at_unix_s, {each: r for each, r in zip(stations, readings, strict=True) if r})

    async def _read(self, substation_id: str, url: str) -> Reading | None:
        names = [("name[]", name) for name in READ_SAMPLES]
        try:
            async with self._http.get(f"{url}/metrics", params=names, timeout=self._timeout) as response:
                response.raise_for_status()
                return parse(await response.text(), substation_id)
        except (aiohttp.ClientError, OSError, ValueError):
            return None


class Sampler:
    """Keeps a sample of the fleet about every quarter of a second."""

    def __init__(self, grid: GridReader, stations: Mapping[str, str], now: Callable[[], float]) -> None:
        self.samples: list[FleetSample] = []
        self.substation_ids = tuple(stations)
        self.missed = 0  # readings that were asked for and did not come
        self._grid = grid
        self._stations = stations
        self._now = now

    async def take(self) -> FleetSample:
        """Take one sample now and keep it."""
        sample = await self._grid.sample(self._stations, self._now)
        self.samples.append(sample)
        self.missed += len(self._stations) - len(sample.readings)
        return sample

    async def run(self) -> None:
        """Sample until cancelled; a moment that was overslept is left out, not made up for."""
        loop = asyncio.get_running_loop()
        due_s = loop.time()
        while True:
            await self.take()
            due_s = max(due_s + SAMPLE_EVERY_S, loop.time())
            await asyncio.sleep(due_s - loop.time())


class PolicyWatch:
    """Reads the balancer's policy once a second; `seen` has (unix seconds, policy) of each change."""

    def __init__(self, grid: GridReader, policy: str, now: Callable[[], float]) -> None:
        self.seen = [(now(), policy)]
        self._grid = grid
        self._now = now

    async def look(self) -> None:
        """Read it once; a balancer that does not answer changes nothing."""
        with contextlib.suppress(NotReady):
            policy = (await self._grid.fleet()).policy
            if policy != self.seen[-1][1]:
                self.seen.append((self._now(), policy))

    async def run(self) -> None:
        """Read until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(POLICY_EVERY_S)


def parse(page: str, substation_id: str) -> Reading:
    """Read the page of one substation; raises ValueError when it is another's or lacks a series."""
    found: dict[tuple[str, str], float] = {}
    releases = []
    for family in text_string_to_metric_families(page):
        for name, labels, value, *_ in family.samples:
            if labels.get("substation") != substation_id or not name.startswith(PREFIX):
                continue
            found[name.removeprefix(PREFIX), labels.get("outcome") or labels.get("cause") or ""] = value
            if "within" in labels:
                releases.append((float(labels["within"]), value))
    try:
        reading = _reading(found, tuple(sorted(releases)))
    except KeyError as error:
        raise ValueError(f"the metrics of {substation_id} lack {error}") from error
    if reading.capacity_w <= 0:
        raise ValueError(f"the capacity of {substation_id} is {reading.capacity_w} W")
    return reading


def _reading(found: Mapping[tuple[str, str], float], releases: tuple[tuple[float, float], ...]) -> Reading:
    return Reading(
        load_w=found["load_watts", ""],
        capacity_w=found["capacity_watts", ""],
        sessions_active=int(found["sessions_active", ""]),
        epoch=int(found["report_epoch", ""]),
        admitted=int(found["sessions_total", "admitted"]),
        refused=int(found["sessions_total", "refused"]),
        commits=int(found["commit_seconds_count", ""]),
        admission_overload_ws=found["overload_watt_seconds_total", "admission"],
        derating_overload_ws=found["overload_watt_seconds_total", "derating"],
        energy_j=found["energy_joules_total", ""],
        releases_w=releases,
        draining=bool(found["draining", ""]),
        stopped=int(found["sessions_total", "stopped"]),
    )


def _book_id(ready: str) -> str:
    """Return the order book that a gateway's `/readyz` names, '' if it names none."""
    try:
        said = json.loads(ready)
    except ValueError:
        return ""
    return str(said.get("book_id") or "") if isinstance(said, dict) else ""


def _name(error: BaseException) -> str:
    return str(error) or type(error).__name__
