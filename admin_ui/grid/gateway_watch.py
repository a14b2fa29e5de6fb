"""Reads the gateway's `/metrics` once a second, for requests, refusals and latency."""

import asyncio
import collections
import logging
import time

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from admin_ui.grid.outages import Outages, Service
from admin_ui.grid.rates import RATE_S, Counts, Rates

log = logging.getLogger(__name__)

EVERY_S = 1.0
TIMEOUT_S = 0.8
REQUESTS = "smartgrid_charge_requests_total"
DURATIONS = "smartgrid_charge_request_duration_seconds_bucket"
CLOCK_S = 1.0
STARTED = "process_start_time_seconds"


class GatewayWatch:
    """Keeps rates up to date, and notes when the gateway was lost.

    A gateway that refuses the connection is lost at once. A slow one is lost when no reading came for RATE_S, because a
    short delay is no outage. A process that was started between two readings was lost between them; a process that was
    started before is another gateway under the same name.
    """

    def __init__(self, http: aiohttp.ClientSession, gateway_url: str, rates: Rates, outages: Outages) -> None:
        self._http = http
        self._url = f"{gateway_url}/metrics"
        self._rates = rates
        self._outages = outages
        self._read: tuple[Counts, float] | None = None  # the newest reading, and its unix time

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

    async def _ask(self) -> Counts:
        names = [("name[]", name) for name in (REQUESTS, DURATIONS, STARTED)]
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
        async with self._http.get(self._url, params=names, timeout=timeout) as response:
            response.raise_for_status()
            return counts(await response.text(), time.monotonic())

    def _take(self, read: Counts) -> None:
        now_unix_s = time.time()
        if self._read and self._started_since(read):
            self._outages.lost(Service.GATEWAY, self._read[1])
        self._outages.back(Service.GATEWAY, now_unix_s)
        self._rates.take(read)
        self._read = read, now_unix_s

    def _started_since(self, read: Counts) -> bool:
        """Whether the process was started after the newest reading; start times are exact to CLOCK_S."""
        assert self._read  # noqa: S101 - asked after the first
        before, at_unix_s = self._read
        return read.started_unix_s != before.started_unix_s and read.started_unix_s > at_unix_s - CLOCK_S

    def _miss(self, *, refused: bool) -> None:
        if self._read and (refused or time.monotonic() - self._read[0].at_s > RATE_S):
            self._outages.lost(Service.GATEWAY, self._read[1])


def counts(page: str, at_s: float) -> Counts:
    """Read a page of a gateway's metrics; raises ValueError when it is none."""
    outcomes: dict[str, float] = collections.defaultdict(float)
    within_s: dict[float, float] = collections.defaultdict(float)
    started_unix_s = 0.0
    for family in text_string_to_metric_families(page):
        for name, labels, value, *_ in family.samples:
            if name == REQUESTS:
                outcomes[labels["outcome"]] += value
            elif name == DURATIONS and labels.get("kind") != "waiting":  # who wanted to wait did
                within_s[float(labels["le"])] += value
            elif name == STARTED:
                started_unix_s = value
    return Counts(at_s, outcomes, within_s, started_unix_s)
