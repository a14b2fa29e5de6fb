"""Polls every substation's `/metrics`, each on a PeriodicCallback of its own."""

import asyncio
import dataclasses
import itertools
import logging
import re
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode, urlsplit

from prometheus_client.parser import text_string_to_metric_families
from tornado.ioloop import PeriodicCallback

from balancer.book.decommissioned import DecommissionedJournals
from balancer.fleet.identity_log import IdentityLog
from balancer.fleet.page_layout import PageLayout, page_layout
from balancer.fleet.scan import ASKED, MetricSample, PageReading, PageUnusable, page_reading, scan
from balancer.fleet.view import View
from balancer.metrics import BalancerMetrics
from balancer.report_fault import report_fault
from balancer.substation_stream import Links
from runtime.background import cancelled
from runtime.page_client import PageClient
from runtime.response_head import ResponseUnusable
from runtime.settings import HIGHEST_PORT
from runtime.tls.credentials import Callee, Credentials
from runtime.tls.identity import Identity, Role

log = logging.getLogger(__name__)

QUERY = urlencode([("name[]", name) for name in ASKED])
GOLDEN_RATIO = (5**0.5 - 1) / 2
JITTER = 0.1  # of the interval, so that balancers don't poll in step
MOST_BYTES = 64 * 1024  # of a page; the names asked for make 3 kB. The parser takes 130 ms for 256 KiB
TIMEOUT_SHARE = 0.8  # of the interval
TIDY_S = 5.0  # between two looks for substations that are gone for good
STREAM = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]*):([0-9]{1,5})")


@dataclasses.dataclass(slots=True)
class _Polled:
    """One polled address, and what needs not be found out again at each poll.

    `begin` starts the callback. `layout` is that of the last page; `stream` is what `advertised` means there.
    """

    callback: PeriodicCallback
    page: PageClient
    begin: asyncio.TimerHandle
    layout: PageLayout | None = None
    advertised: str = ""
    stream: str = ""

    def stream_at(self, url: str, advertised: str) -> str:
        """Return as `stream_address`."""
        if self.advertised != advertised:
            self.advertised, self.stream = advertised, stream_address(url, advertised)
        return self.stream

    def close(self) -> None:
        """Stop the polls, and close the connection."""
        self.begin.cancel()
        self.callback.stop()
        self.page.close()


class Poller:
    """Keeps the roster up to date, and moves links to new addresses; ignores journals that were given up."""

    def __init__(
        self,
        view: View,
        links: Links,
        metrics: BalancerMetrics,
        decommissioned: DecommissionedJournals,
        tls: Credentials | None = None,
    ) -> None:
        self._tls = Callee(tls, Role.SUBSTATION) if tls else None
        self._view = view
        self._roster = view.roster
        self._links = links
        self._metrics = metrics
        self._decommissioned = decommissioned
        self._timeout_s = TIMEOUT_SHARE * view.roster.poll_s
        self._polled: dict[str, _Polled] = {}
        self._polls: set[asyncio.Task[Any]] = set()  # under way
        self._shares = shares_apart()
        self._identity_log = IdentityLog(view)
        self._tidying = PeriodicCallback(self.tidy, TIDY_S * 1000)
        self._tidying.start()

    def watch(self, url: str) -> None:
        """Poll `url` now, and at each interval from a share of the interval on.

        The shares of several addresses lie apart, so that a fleet that is found at once is not polled in bursts.
        """
        self._roster.addresses.watch(url)
        callback = PeriodicCallback(lambda: self.poll(url), self._roster.poll_s * 1000, jitter=JITTER)
        page = PageClient(f"{url}/metrics?{QUERY}", MOST_BYTES, self._tls)
        after_s = next(self._shares) * self._roster.poll_s
        begin = asyncio.get_running_loop().call_later(after_s, self._begin, url)
        self._polled[url] = _Polled(callback, page, begin)
        self._poll_soon(url)

    def unwatch(self, url: str) -> None:
        """Stop polling `url`; the answer to a poll under way is not used."""
        self._polled.pop(url).close()
        self._roster.addresses.unwatch(url)

    def tidy(self) -> None:
        """Forget substations that are gone for good or given up, and close their links."""
        for substation_id in self._roster.forget(time.monotonic()):
            self._links.disconnect(substation_id)
            self._metrics.forgotten(substation_id)
            self._identity_log.forget(substation_id)
            log.info("forgotten", extra={"substation": substation_id})

    async def close(self) -> None:
        """Stop polling."""
        self._tidying.stop()
        for polled in self._polled.values():
            polled.close()
        await cancelled(self._polls)

    async def poll(self, url: str) -> None:
        """Poll one substation once. Any failure counts as a miss of this one alone."""
        polled, task = self._polled.get(url), asyncio.current_task()
        if not polled or not task:
            return
        self._polls.add(task)
        began_s = time.monotonic()
        try:
            async with asyncio.timeout(self._timeout_s):
                page = await polled.page.get()
            found = checked(url, self._read(polled, page), time.time())
            check_server(polled.page.server, found.report.substation_id)
        except (OSError, ResponseUnusable, PageUnusable, ValueError) as error:  # TimeoutError is an OSError
            log.info("poll missed", extra={"url": url, "error": f"{type(error).__name__}: {error}"})
            found = None
        finally:
            self._polls.discard(task)
        self._metrics.polled(time.monotonic() - began_s, ok=found is not None)
        if self._polled.get(url) is not polled:  # unwatched meanwhile
            return
        if found:
            self._take(url, polled, found)
        else:
            self._roster.addresses.missed(url)

    def _begin(self, url: str) -> None:
        """Poll `url` from now on at each interval."""
        self._polled[url].callback.start()
        self._poll_soon(url)

    def _poll_soon(self, url: str) -> None:
        poll = asyncio.create_task(self.poll(url))
        self._polls.add(poll)
        poll.add_done_callback(self._polls.discard)

    def _read(self, polled: _Polled, page: bytes) -> PageReading:
        if polled.layout and (found := polled.layout.read(page)):
            return found
        try:
            samples = scan(page)
            found = page_reading(samples)
        except (PageUnusable, ValueError):
            self._metrics.scan_missed()
            return page_reading(parse(page))
        polled.layout = page_layout(page, samples, found)
        return found

    def _take(self, url: str, polled: _Polled, found: PageReading) -> None:
        report, now_s = found.report, time.monotonic()
        substation_id = report.substation_id
        if self._decommissioned.includes(substation_id, report.journal_id):
            log.error("a journal that was given up is back", extra={"substation": substation_id, "url": url})
            return
        before = self._roster.members.get(substation_id)
        journal_id = before.report.journal_id if before else report.journal_id
        if not before:
            self._metrics.discovered(substation_id)
            log.info("discovered", extra={"substation": substation_id, "url": url})
        off_w = self._roster.polled(url, report, now_s)
        if off_w is not None:
            self._metrics.estimate_was_off(substation_id, off_w)
        member = self._roster.members[substation_id]
        if member.report.journal_id != journal_id:
            log.warning(
                "a substation has another journal, without its earlier sessions",
                extra={"substation": substation_id, "url": url, "was": journal_id, "is": report.journal_id},
            )
        self._identity_log.check(substation_id, member, now_s)
        if self._roster.disputed(member, now_s):
            self._links.disconnect(substation_id)  # what was claimed there must not be placed on the other
        elif member.url == url:
            self._links.connect(substation_id, polled.stream_at(url, found.stream_address))


def shares_apart() -> Iterator[float]:
    """Yield shares of an interval: however many are taken, they are spread evenly over it.

    The golden ratio has the most even multiples of all numbers, modulo 1 (Knuth, TAOCP 3, 6.4).
    """
    return (number * GOLDEN_RATIO % 1 for number in itertools.count(1))


def checked(url: str, found: PageReading, unix_s: float) -> PageReading:
    """Return the reading of a page; raises PageUnusable when values are impossible or it names no stream."""
    port = STREAM.fullmatch(found.stream_address)
    if fault := report_fault(found.report, unix_s):
        raise PageUnusable(fault)
    if not port or not 0 < int(port[2]) <= HIGHEST_PORT:
        raise PageUnusable(f"{found.stream_address[:80]!r} at {url} is no address of a stream")
    return found


def check_server(server: Identity | None, substation_id: str) -> None:
    """Raise PageUnusable when the page of a substation came with another's certificate; `server` is None without TLS."""
    if server and server.name != substation_id:
        raise PageUnusable(f"the page of {substation_id} came with the certificate of {server}")


def stream_address(url: str, advertised: str) -> str:
    """Return `host:port` of a stream: what its page at `url` advertises, on the same host if it names none."""
    host, _, port = advertised.rpartition(":")
    if not host:
        name = urlsplit(url).hostname or ""
        host = f"[{name}]" if ":" in name else name
    return f"{host}:{port}"


def parse(page: bytes) -> list[MetricSample]:
    """Return the samples of ASKED by the official parser; raises ValueError when it can't."""
    try:
        families = list(text_string_to_metric_families(page.decode()))
    except IndexError as error:  # prometheus_client 0.26 raises these for some malformed pages
        raise ValueError("no page of metrics") from error
    return [
        MetricSample(s.name, s.labels, float(s.value))
        for family in families
        for s in family.samples
        if s.name in ASKED
    ]
