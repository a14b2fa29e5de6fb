"""Reads the `/metrics` of the gateway, or of all its processes, once a second: requests, refusals and latency."""

import asyncio
import collections
import logging
import time
from collections.abc import Sequence

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from admin_ui.grid.outages import Outages, Service
from admin_ui.grid.rates import RATE_S, CounterReading, Rates, total

log = logging.getLogger(__name__)

EVERY_S = 1.0
TIMEOUT_S = 0.8
REQUESTS = "smartgrid_charge_requests_total"
DURATIONS = "smartgrid_charge_request_duration_seconds_bucket"
CLOCK_S = 1.0  # the precision of a process's start time
STARTED = "process_start_time_seconds"


class GatewayWatch:
    """Keeps rates up to date, and records when the gateway was lost.

    A gateway that refuses the connection is lost at once. A slow one is lost when no reading came for RATE_S, because a
    short delay is no outage. A process that was started between two readings was lost between them; a process that was
    started before is another gateway under the same name. Of several processes, the gateway is lost while one is.
    """

    def __init__(
        self, http: aiohttp.ClientSession, gateways: Sequence[str], rates: Rates, outages: Outages
    ) -> None:
        """`gateways` are base URLs, one for each process."""
        self._http = http
        self._urls = [f"{url}/metrics" for url in gateways]
        self._rates = rates
        self._outages = outages
        self._newest: tuple[CounterReading, float] | None = None  # the newest reading, and its unix time

    async def follow(self) -> None:
        """Read until cancelled; a reading that fails is left out."""
        while True:
            began_s = time.monotonic()
            try:
                self._take(await self._ask())
            except (aiohttp.ClientError, OSError, ValueError) as error:
                log.debug("the gateway's metrics could not be read", extra={"why": str(error)})
                self._miss(refused=isinstance(error, aiohttp.ClientConnectorError))
            await asyncio.sleep(max(EVERY_S - (time.monotonic() - began_s), 0))

    async def _ask(self) -> CounterReading:
        return total(await asyncio.gather(*map(self._read, self._urls)))

    async def _read(self, url: str) -> CounterReading:
        names = [("name[]", name) for name in (REQUESTS, DURATIONS, STARTED)]
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
        async with self._http.get(url, params=names, timeout=timeout) as response:
            response.raise_for_status()
            return parse(await response.text(), time.monotonic())

    def _take(self, reading: CounterReading) -> None:
        now_unix_s = time.time()
        if self._newest and self._started_since(reading):
            self._outages.lost(Service.GATEWAY, self._newest[1])
        self._outages.back(Service.GATEWAY, now_unix_s)
        self._rates.take(reading)
        self._newest = reading, now_unix_s

    def _started_since(self, reading: CounterReading) -> bool:
        """Whether the process was started after the newest reading; start times are precise to CLOCK_S."""
        assert self._newest
        before, at_unix_s = self._newest
        return (
            reading.started_unix_s != before.started_unix_s and reading.started_unix_s > at_unix_s - CLOCK_S
        )

    def _miss(self, *, refused: bool) -> None:
        if self._newest and (refused or time.monotonic() - self._newest[0].at_s > RATE_S):
            self._outages.lost(Service.GATEWAY, self._newest[1])


def parse(page: str, at_s: float) -> CounterReading:
    """Return the counters on a page of a gateway's metrics; raises ValueError for any other page."""
    outcomes: dict[str, float] = collections.defaultdict(float)
    within_s: dict[float, float] = collections.defaultdict(float)
    started_unix_s = 0.0
    for family in text_string_to_metric_families(page):
        for name, labels, value, *_ in family.samples:
            if name == REQUESTS:
                outcomes[labels["outcome"]] += value
            elif (
                name == DURATIONS and labels.get("kind") != "waiting"
            ):  # requests that asked to wait are left out
                within_s[float(labels["le"])] += value
            elif name == STARTED:
                started_unix_s = value
    return CounterReading(at_s, outcomes, within_s, started_unix_s)
