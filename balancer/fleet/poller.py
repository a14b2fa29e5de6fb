"""Polls every substation's `/metrics`.

One PeriodicCallback begins all polls and limits their time. It waits for none: an answer is taken as its connection brings it, so
a slow substation delays no other (docs/adr/0044).
"""

import asyncio
import collections
import dataclasses
import functools
import logging
import re
from urllib.parse import urlencode, urlsplit

from prometheus_client.parser import text_string_to_metric_families
from tornado.ioloop import PeriodicCallback

from balancer.book.decommissioned import DecommissionedJournals
from balancer.fleet.identity_log import IdentityLog
from balancer.fleet.page_layout import PageLayout, page_layout
from balancer.fleet.poll_schedule import PollSchedule
from balancer.fleet.scan import ASKED, MetricSample, PageReading, PageUnusable, page_reading, scan
from balancer.fleet.view import View
from balancer.metrics import BalancerMetrics
from balancer.report_fault import report_fault
from balancer.substation_stream import Links
from runtime.machine import THIS, Machine
from runtime.page_client import PageClient
from runtime.response_head import ResponseUnusable
from runtime.settings import HIGHEST_PORT
from runtime.tls.credentials import Callee, Credentials
from runtime.tls.identity import Identity, Role

log = logging.getLogger(__name__)

QUERY = urlencode([("name[]", name) for name in ASKED])
MOST_BYTES = 64 * 1024  # of a page; the names asked for make 3 kB. The parser takes 130 ms for 256 KiB
TIMEOUT_SHARE = 0.8  # of the interval
TIDY_S = 5.0  # between two looks for substations that are gone for good
STREAM = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]*):([0-9]{1,5})")


@dataclasses.dataclass(slots=True)
class _Polled:
    """One polled address, and what needs not be found out again at each poll.

    `began_s` is when the poll under way began, None while there is none. `layout` is that of the last page; `stream` is
    what `advertised` means there.
    """

    url: str
    page: PageClient
    began_s: float | None = None
    layout: PageLayout | None = None
    advertised: str = ""
    stream: str = ""

    def stream_at(self, advertised: str) -> str:
        """Return as `stream_address`."""
        if self.advertised != advertised:
            self.advertised, self.stream = advertised, stream_address(self.url, advertised)
        return self.stream

    def read(self, page: bytes, metrics: BalancerMetrics) -> PageReading:
        """Read a page, by the layout of the last one if it has the same; raises PageUnusable, ValueError."""
        if self.layout and (found := self.layout.read(page)):
            return found
        try:
            samples = scan(page)
            found = page_reading(samples)
        except (PageUnusable, ValueError):
            metrics.scan_missed()
            return page_reading(parse(page))
        self.layout = page_layout(page, samples, found)
        return found


class Poller:
    """Keeps the roster up to date, and moves links to new addresses; ignores journals that were given up."""

    def __init__(
        self,
        view: View,
        links: Links,
        metrics: BalancerMetrics,
        decommissioned: DecommissionedJournals,
        tls: Credentials | None = None,
        machine: Machine = THIS,
    ) -> None:
        self._tls = Callee(tls, Role.SUBSTATION) if tls else None
        self._machine = machine
        self._view = view
        self._roster = view.roster
        self._links = links
        self._metrics = metrics
        self._decommissioned = decommissioned
        self._timeout_s = TIMEOUT_SHARE * view.roster.poll_s
        self._polled: dict[str, _Polled] = {}
        self._schedule = PollSchedule(view.roster.poll_s, machine.random)
        self._awaited: collections.deque[tuple[float, _Polled]] = collections.deque()  # by when they began
        self._closing: set[asyncio.Task[None]] = set()
        self._identity_log = IdentityLog(view)
        self._turning = PeriodicCallback(self.turn, self._schedule.turn_s * 1000)
        self._turning.start()
        self._tidying = PeriodicCallback(self.tidy, TIDY_S * 1000)
        self._tidying.start()

    def watch(self, url: str) -> None:
        """Poll `url` now, and at each interval from a share of the interval on."""
        now_s = self._machine.monotonic_s()
        self._roster.addresses.watch(url)
        page = PageClient(f"{url}/metrics?{QUERY}", MOST_BYTES, self._tls)
        polled = self._polled[url] = _Polled(url, page)
        self._schedule.add(url, now_s)
        self._turning.callback_time = self._schedule.turn_s * 1000
        self._begin(polled, now_s)

    def unwatch(self, url: str) -> None:
        """Stop polling `url`; the answer to a poll under way is not used."""
        self._schedule.drop(url)
        closing = asyncio.create_task(self._polled.pop(url).page.close())
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)
        self._roster.addresses.unwatch(url)

    def tidy(self) -> None:
        """Forget substations that are gone for good or given up, and close their links."""
        for substation_id in self._roster.forget(self._machine.monotonic_s()):
            self._links.disconnect(substation_id)
            self._metrics.forgotten(substation_id)
            self._identity_log.forget(substation_id)
            log.info("forgotten", extra={"substation": substation_id})

    async def close(self) -> None:
        """Stop polling."""
        self._tidying.stop()
        self._turning.stop()
        await asyncio.gather(*(polled.page.close() for polled in self._polled.values()), *self._closing)

    def turn(self) -> None:
        """Give up the polls that take too long, and begin those that are due."""
        now_s, awaited = self._machine.monotonic_s(), self._awaited
        while awaited and awaited[0][0] <= now_s - self._timeout_s:
            began_s, polled = awaited.popleft()
            if polled.began_s == began_s:
                polled.page.give_up()
                self._answered(polled, TimeoutError(f"no page within {self._timeout_s:g} s"))
        for url in self._schedule.begin(now_s, self._schedule.turn_s):
            self._begin(self._polled[url], now_s)

    def _begin(self, polled: _Polled, now_s: float) -> None:
        """Begin to poll one substation once, unless a poll is under way that began late: its time is not over yet."""
        if polled.began_s is not None:
            return
        polled.began_s = now_s
        self._awaited.append((now_s, polled))
        polled.page.ask(functools.partial(self._answered, polled))

    def _answered(self, polled: _Polled, page: bytes | OSError | ResponseUnusable) -> None:
        """Take the answer to a poll. Any failure counts as a miss of this address alone."""
        began_s, polled.began_s = polled.began_s, None
        if self._polled.get(polled.url) is not polled or began_s is None:  # unwatched meanwhile
            return
        try:
            if isinstance(page, Exception):
                raise page
            found = checked(polled.url, polled.read(page, self._metrics), self._machine.unix_s())
            check_server(polled.page.server, found.report.substation_id)
        except (OSError, ResponseUnusable, PageUnusable, ValueError) as error:  # TimeoutError is an OSError
            log.info("poll missed", extra={"url": polled.url, "error": f"{type(error).__name__}: {error}"})
            self._metrics.polled(self._machine.monotonic_s() - began_s, ok=False)
            self._roster.addresses.missed(polled.url)
        else:
            now_s = self._machine.monotonic_s()
            self._metrics.polled(now_s - began_s, ok=True)
            self._take(polled, found, now_s)

    def _take(self, polled: _Polled, found: PageReading, now_s: float) -> None:
        report, url = found.report, polled.url
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
            self._links.connect(substation_id, polled.stream_at(found.stream_address))


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
