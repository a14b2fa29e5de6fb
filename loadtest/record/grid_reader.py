"""Reads the grid from outside: the gateway's `/readyz`, the balancer's `/fleet`, each substation's `/metrics`."""

import asyncio
import dataclasses
import json
from collections.abc import Callable, Mapping, Sequence

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from loadtest.record.readings import FleetSample, Reading
from loadtest.record.substation_metrics import READ_SAMPLES, read_page

READ_TIMEOUT_S = 1.0
OK = 200
UNREADY = 503
START = "Start the grid with `make run`, or name another by GATEWAY_URL and BALANCER_URL"
TIME_SCALE = "smartgrid_time_scale"


class NotReady(Exception):
    """The grid can't be used for a rush hour; the message says why."""


@dataclasses.dataclass(frozen=True, slots=True)
class GatewayStatus:
    """The `/readyz` of a gateway: what it waits for, '' when it is ready, and the order book of its balancer."""

    waits_for: str = ""
    book_id: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class FleetStatus:
    """The `/fleet` of a balancer: its order book, its policy, each substation's URL by its id, and the URLs not reached yet."""

    book_id: str
    policy: str
    substation_urls: Mapping[str, str]
    unseen: Sequence[str]


class GridReader:
    """Reads the gateway, the balancer and its substations through one pooled session."""

    def __init__(self, http: aiohttp.ClientSession, gateway_url: str, balancer_url: str) -> None:
        self._http = http
        self._gateway_url = gateway_url
        self._balancer_url = balancer_url
        self._timeout = aiohttp.ClientTimeout(total=READ_TIMEOUT_S)

    async def gateway(self) -> GatewayStatus:
        """Return the status of the gateway; raises NotReady when it can't be reached, or is no gateway."""
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
        """Return the status of the fleet; raises NotReady when the balancer does not answer with one."""
        url = f"{self._balancer_url}/fleet"
        try:
            async with self._http.get(url, timeout=self._timeout, allow_redirects=False) as response:
                response.raise_for_status()
                fleet = await response.json()
            substation_urls = {str(each["substation_id"]): str(each["url"]) for each in fleet["substations"]}
            return FleetStatus(
                str(fleet["book_id"]),
                str(fleet["policy"]),
                substation_urls,
                [str(url) for url in fleet["unseen"]],
            )
        except (aiohttp.ClientError, OSError) as error:  # a TimeoutError is an OSError
            raise NotReady(
                f"the balancer at {self._balancer_url} can't be read: {_name(error)}. {START}"
            ) from error
        except (ValueError, KeyError, TypeError) as error:
            raise NotReady(f"{url} is not a fleet: {error!r}") from error

    async def time_scale(self, substation_urls: Mapping[str, str]) -> float | None:
        """Return how many grid seconds pass in one second; None when the substations do not agree on it."""
        scales = await asyncio.gather(*(self._time_scale(url) for url in substation_urls.values()))
        return scales[0] if len(set(scales)) == 1 else None

    async def _time_scale(self, url: str) -> float | None:
        names = {"name[]": TIME_SCALE}
        try:
            async with self._http.get(f"{url}/metrics", params=names, timeout=self._timeout) as response:
                response.raise_for_status()
                families = list(text_string_to_metric_families(await response.text()))
        except (aiohttp.ClientError, OSError, ValueError):
            return None
        found = [each.value for family in families for each in family.samples if each.name == TIME_SCALE]
        return found[0] if found and found[0] > 0 else None

    async def grid_time(self, substation_urls: Mapping[str, str]) -> str:
        """Return the grid's weekday and time of day, such as `Monday 18:30`; '' when no substation says it."""
        for url in substation_urls.values():
            try:
                async with self._http.get(f"{url}/base-load", timeout=self._timeout) as response:
                    response.raise_for_status()
                    return str((await response.json())["grid_time"])
            except (aiohttp.ClientError, OSError, ValueError, KeyError, TypeError):
                continue
        return ""

    async def sample(self, substation_urls: Mapping[str, str], now: Callable[[], float]) -> FleetSample:
        """Read all substations at once; one that does not answer in time is absent from the sample."""
        at_unix_s = now()
        readings = await asyncio.gather(*(self._read(*each) for each in substation_urls.items()))
        return FleetSample(
            at_unix_s, {each: r for each, r in zip(substation_urls, readings, strict=True) if r}
        )

    async def _read(self, substation_id: str, url: str) -> Reading | None:
        names = [("name[]", name) for name in READ_SAMPLES]
        try:
            async with self._http.get(f"{url}/metrics", params=names, timeout=self._timeout) as response:
                response.raise_for_status()
                return read_page(await response.text(), substation_id)
        except (aiohttp.ClientError, OSError, ValueError):
            return None


def _book_id(ready: str) -> str:
    """Return the order book that a gateway's `/readyz` names, '' if it names none."""
    try:
        body = json.loads(ready)
    except (ValueError, RecursionError):
        return ""
    return str(body.get("book_id") or "") if isinstance(body, dict) else ""


def _name(error: BaseException) -> str:
    return str(error) or type(error).__name__
