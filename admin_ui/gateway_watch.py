"""Reads the gateway's `/metrics` once a second, for requests, refusals and latency."""

import asyncio
import collections
import logging
import time
from collections.abc import Callable

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from admin_ui.rates import Counts, Rates

log = logging.getLogger(__name__)

EVERY_S = 1.0
TIMEOUT_S = 0.8
REQUESTS = "smartgrid_charge_requests_total"
DURATIONS = "smartgrid_charge_request_duration_seconds_bucket"


class GatewayWatch:
    """Keeps rates up to date; `changed` is called after every reading."""

    def __init__(
        self, http: aiohttp.ClientSession, gateway_url: str, rates: Rates, changed: Callable[[], None]
    ) -> None:
        self._http = http
        self._url = f"{gateway_url}/metrics"
        self._rates = rates
        self._changed = changed

    async def follow(self) -> None:
        """Read until cancelled; a reading that fails is left out."""
        names = [("name[]", REQUESTS), ("name[]", DURATIONS)]
        while True:
            began_s = time.monotonic()
            try:
                timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
                async with self._http.get(self._url, params=names, timeout=timeout) as response:
                    response.raise_for_status()
                    self._rates.take(counts(await response.text(), time.monotonic()))
            except (aiohttp.ClientError, OSError, ValueError) as error:
                log.debug("the gateway's metrics could not be read", extra={"why": str(error)})
            self._changed()
            await asyncio.sleep(max(EVERY_S - (time.monotonic() - began_s), 0))


def counts(page: str, at_s: float) -> Counts:
    """Read a page of a gateway's metrics; raises ValueError when it is none."""
    outcomes: dict[str, float] = collections.defaultdict(float)
    within_s: dict[float, float] = collections.defaultdict(float)
    for family in text_string_to_metric_families(page):
        for name, labels, value, *_ in family.samples:
            if name == REQUESTS:
                outcomes[labels["outcome"]] += value
            elif name == DURATIONS and labels.get("kind") != "waiting":  # who wanted to wait did
                within_s[float(labels["le"])] += value
    return Counts(at_s, outcomes, within_s)
