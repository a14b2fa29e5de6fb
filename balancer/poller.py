"""Polls every substation's `/metrics`, each on a PeriodicCallback of its own."""

import asyncio
import functools
import logging
import time
from collections.abc import Callable
from urllib.parse import urlencode, urlsplit

import aiohttp
from prometheus_client.parser import text_string_to_metric_families
from tornado.ioloop import PeriodicCallback

from balancer.fleet import Fleet
from balancer.metrics import BalancerMetrics
from balancer.scan import NAMES, PageUnusable, Sample, Seen, scan, seen
from balancer.substation_stream import Links

log = logging.getLogger(__name__)

QUERY = urlencode([("name[]", name) for name in NAMES])
JITTER = 0.1  # of the interval, so that balancers don't poll in step
MOST_BYTES = 256 * 1024  # of a page; the names asked for make 3 kB
TIMEOUT_SHARE = 0.8  # of the interval


class Poller:
    """Keeps the view of the fleet fresh, and the links where the substations are."""

    def __init__(self, fleet: Fleet, links: Links, metrics: BalancerMetrics, poll_s: float) -> None:
        self._fleet = fleet
        self._links = links
        self._metrics = metrics
        self._poll_s = poll_s
        self.given_up: Callable[[str, str], bool] = lambda _substation, _journal: False
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT_SHARE * poll_s))
        self._callbacks: list[PeriodicCallback] = []
        self._first: set[asyncio.Task[None]] = set()

    def watch(self, *urls: str) -> None:
        """Poll `urls` now, and from now on."""
        for url in urls:
            self._fleet.watch(url)
            callback = PeriodicCallback(functools.partial(self.poll, url), self._poll_s * 1000, jitter=JITTER)
            callback.start()
            self._callbacks.append(callback)
            task = asyncio.create_task(self.poll(url))
            self._first.add(task)
            task.add_done_callback(self._first.discard)

    async def close(self) -> None:
        """Stop polling."""
        for callback in self._callbacks:
            callback.stop()
        for task in self._first:
            task.cancel()
        await self._session.close()

    async def poll(self, url: str) -> None:
        """Poll one substation once; whatever goes wrong is a miss of this one alone."""
        began_s = time.monotonic()
        try:
            page = await self._fetch(url)
            found = self._read(page)
        except (aiohttp.ClientError, TimeoutError, PageUnusable, ValueError) as error:
            self._fleet.missed(url)
            self._metrics.polled(time.monotonic() - began_s, ok=False)
            log.info("poll missed", extra={"url": url, "error": f"{type(error).__name__}: {error}"})
            return
        self._metrics.polled(time.monotonic() - began_s, ok=True)
        self._take(url, found)

    async def _fetch(self, url: str) -> bytes:
        async with self._session.get(f"{url}/metrics?{QUERY}") as response:
            response.raise_for_status()
            page = await response.content.read(MOST_BYTES)
            while more := await response.content.read(MOST_BYTES):
                page += more
                if len(page) > MOST_BYTES:
                    message = f"a page over {MOST_BYTES} bytes"
                    raise PageUnusable(message)
            return page

    def _read(self, page: bytes) -> Seen:
        try:
            return seen(scan(page))
        except (PageUnusable, ValueError):
            self._metrics.scan_missed()
            return seen(parse(page))

    def _take(self, url: str, found: Seen) -> None:
        substation_id = found.report.substation_id
        if self.given_up(substation_id, found.report.journal_id):
            log.error("a journal that was given up is back", extra={"substation": substation_id, "url": url})
            return
        if substation_id not in self._fleet.members:
            self._metrics.discovered(substation_id)
            log.info("discovered", extra={"substation": substation_id, "url": url})
        off_w = self._fleet.polled(url, found.report, time.monotonic())
        if off_w is not None:
            self._metrics.estimate_was_off(substation_id, off_w)
        self._links.connect(substation_id, stream_address(url, found.grpc_address))


def stream_address(url: str, advertised: str) -> str:
    """Return `host:port` of a stream: what its page at `url` advertises, on the same host if it names none."""
    host, _, port = advertised.rpartition(":")
    if not host:
        name = urlsplit(url).hostname or ""
        host = f"[{name}]" if ":" in name else name
    return f"{host}:{port}"


def parse(page: bytes) -> list[Sample]:
    """Return the samples of NAMES by the official parser; raises ValueError when it can't."""
    try:
        families = list(text_string_to_metric_families(page.decode()))
    except IndexError as error:  # what prometheus_client 0.26 makes of some garbage
        message = "no page of metrics"
        raise ValueError(message) from error
    return [
        Sample(s.name, s.labels, float(s.value))
        for family in families
        for s in family.samples
        if s.name in NAMES
    ]
