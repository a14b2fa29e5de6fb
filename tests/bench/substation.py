"""Rows 6, 11, 12 and 13: a substation with many open and many ended sessions."""

import asyncio
import contextlib
import dataclasses
import gc
import itertools
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

from prometheus_client import CollectorRegistry

from balancer.placing.walks import keyless_key
from substation import chores
from substation.clock import GridClock
from substation.contract import Place, StopSession, SubstationOutcome
from substation.journal import Journal
from substation.metrics import WriterMetrics
from substation.plan import Plan
from substation.station import Station
from substation.writer import Request
from tests.bench import cost, memory
from tests.bench.cost import CommitMeter, Cost
from tests.bench.journals import PLANS, SUBSTATION, VEHICLES, fill
from tests.bench.table import Row, Say, figure
from tests.support.grid import status
from tests.support.processes import Substation

CLIENTS = 64
CAPACITY_W = 10**9 * 100
READY_WITHIN_S = 60


@dataclasses.dataclass(frozen=True)
class Sizes:
    """How much is measured."""

    opened: tuple[int, ...] = (100, 1_000, 10_000, 30_000, 100_000)
    ended: int = 1_000_000
    rounds: int = 31
    prune_s: float = 20
    starts: int = 3


QUICK = Sizes((100, 10_000, 100_000), ended=200_000, rounds=5, prune_s=3, starts=1)


@contextlib.asynccontextmanager
async def running(path: Path) -> AsyncIterator[Station]:
    """A station of this process over a journal, with its writer's thread; a grid second is a second."""
    unix_ms = int(time.time() * 1000)
    journal = Journal(path, SUBSTATION, unix_ms)
    clock = GridClock.resume(journal.station().moment, unix_ms, time.monotonic(), 1.0)
    station = Station(journal, CAPACITY_W, clock, WriterMetrics(CollectorRegistry(), SUBSTATION))
    gc.freeze()  # as the service does when it has started
    try:
        yield station
    finally:
        await station.close()
        journal.close()


def key(*, keyed: bool) -> str:
    """Return the key of a request: a client's own, which may be anything, or one of the balancer's."""
    return f"anonymous:{secrets.token_hex(16)}" if keyed else keyless_key(time.time_ns() // 1000)


async def admit(
    station: Station, plans: Iterator[Plan], *, keyed: bool = False
) -> Callable[[], Awaitable[object]]:
    """Admit a car of each client at once, with the report that the answers would carry.

    Returns what lets the cars leave again, so that as many are open as before.
    """
    asked = [
        Place("book", key(keyed=keyed), 0, f"car-{secrets.randbelow(VEHICLES)}", plan)
        for plan in itertools.islice(plans, CLIENTS)
    ]
    answers = await asyncio.gather(*(station.ask(Request(place)) for place in asked))
    station.report()
    if any(answer.outcome is not SubstationOutcome.PLACED for answer in answers):
        raise RuntimeError("not every car was admitted, so the costs can't be compared")
    stops = [StopSession(answer.session.session_id) for answer in answers if answer.session]
    return lambda: asyncio.gather(*(station.ask(Request(stop)) for stop in stops))


async def costs(paths: list[Path], rounds: int, *, keyed: bool = False) -> list[list[Cost]]:
    """Return for each journal what the admissions of each round cost. Nothing is dropped meanwhile."""
    plans = itertools.cycle(PLANS)
    usual_s, chores.PRUNE_S = chores.PRUNE_S, 3600
    try:
        async with contextlib.AsyncExitStack() as stack:
            stations = [await stack.enter_async_context(running(path)) for path in paths]
            meters = [CommitMeter(station._commits) for station in stations]
            works = [
                lambda m=meter, s=station: m.of(lambda: admit(s, plans, keyed=keyed))
                for meter, station in zip(meters, stations, strict=True)
            ]
            return await cost.interleaved(works, rounds)
    finally:
        chores.PRUNE_S = usual_s


async def pruning(path: Path, seconds: float) -> tuple[float, float]:
    """Return how many records a second are dropped and how many cars are admitted meanwhile."""
    plans = itertools.cycle(PLANS)
    usual_s, chores.PRUNE_S = chores.PRUNE_S, 0.01
    try:
        async with running(path) as station:
            store = station._writer._journal.check.indexes._store
            last = store.rows("SELECT max(number) FROM record")[0][0]
            count = f"SELECT count(*) FROM record WHERE number <= {last}"
            before: int = store.rows(count)[0][0]
            admitted, began_s = 0, time.monotonic()
            while time.monotonic() < began_s + seconds:
                leave = await admit(station, plans)
                admitted += CLIENTS
                await leave()
            took_s = time.monotonic() - began_s
            left: int = store.rows(count)[0][0]
    finally:
        chores.PRUNE_S = usual_s
    return (before - left) / took_s, admitted / took_s


@contextlib.contextmanager
def process(data: Path) -> Iterator[Substation]:
    """A substation as a process of its own, ended with SIGKILL."""
    service = Substation(data, TIME_SCALE="1", CAPACITY_KW="1000000")
    try:
        yield service
    finally:
        service.process.kill()
        service.process.wait()


def ready_s(service: Substation, began_s: float) -> float:
    """Wait until it is ready; returns the seconds since `began_s`."""
    while status(f"http://127.0.0.1:{service.port}/readyz") != 200:
        if service.process.poll() is not None or time.monotonic() > began_s + READY_WITHIN_S:
            raise RuntimeError(f"the substation is not ready: {service.said()}")
        time.sleep(0.01)
    return time.monotonic() - began_s


def resident_mb(service: Substation) -> float:
    """Return its resident memory in MB."""
    return memory.resident_mb([service.process.pid])


def growth(folder: Path, sizes: Sizes, say: Say) -> list[Row]:
    """Return row 6: commits and their throughput as open sessions grow."""
    paths = [folder / f"open-{opened}" / "journal.sqlite" for opened in sizes.opened]
    for path, opened in zip(paths, sizes.opened, strict=True):
        say(f"a journal with {opened:,} open sessions")
        fill(path, opened=opened, ended=0)
    say("admissions")
    found = asyncio.run(costs(paths, sizes.rounds))
    few, many = found[0], found[-1]
    curve = [
        Row(
            6,
            f"{CLIENTS} admissions at once with {opened:,} open sessions",
            [each.ms for each in rounds],
            "ms",
        )
        for opened, rounds in zip(sizes.opened, found, strict=True)
    ]
    ratio = Row(
        6,
        f"admissions a second of a substation with {sizes.opened[-1]:,} open sessions against {sizes.opened[0]:,}",
        [a.ms / b.ms for a, b in zip(few, many, strict=True)],
        must=0.9,
        aim=1.0,
        higher_is_better=True,
        note="; ".join(str(Cost.median(each)) for each in (few, many)),
    )
    return [ratio, *curve]


def ended(folder: Path, sizes: Sizes, say: Say) -> list[Row]:
    """Return row 11: commits among ended sessions, and how fast those are dropped."""
    full, empty = folder / "ended" / "journal.sqlite", folder / "empty" / "journal.sqlite"
    say(f"a journal with {sizes.ended:,} ended sessions")
    fill(full, opened=0, ended=sizes.ended)
    commits = []
    for keyed, text in ((False, "without a key"), (True, "with random keys")):
        say(f"admissions {text}")
        among, alone = asyncio.run(costs([full, empty], sizes.rounds, keyed=keyed))
        commits.append(
            Row(
                11,
                f"{CLIENTS} admissions at once {text} among {sizes.ended:,} ended sessions, against an empty journal",
                [a.ms / b.ms for a, b in zip(among, alone, strict=True)],
                must=1.1,
                note="; ".join(str(Cost.median(each)) for each in (among, alone)),
            )
        )
    say("records are dropped")
    dropped, admitted = asyncio.run(pruning(full, sizes.prune_s))
    return [
        *commits,
        Row(
            11,
            "records dropped by a substation, against admissions meanwhile",
            [dropped / admitted],
            must=1.0,
            higher_is_better=True,
            note=f"{figure(dropped, '/s')}, {figure(admitted, '/s')}",
        ),
    ]


def processes(folder: Path, sizes: Sizes, say: Say) -> list[Row]:
    """Return row 12, the restart after a kill, and the memory that the sessions take."""
    opened = sizes.opened[-1]
    say(f"a journal with {opened:,} open and {sizes.ended:,} ended sessions")
    fill(folder / "large" / SUBSTATION / "journal.sqlite", opened=opened, ended=sizes.ended)
    took_s, large_mb = [], []
    for number in range(sizes.starts):
        say(f"restart {number + 1} of {sizes.starts}")
        began_s = time.monotonic()
        with process(folder / "large") as service:
            took_s.append(ready_s(service, began_s))
            large_mb.append(resident_mb(service))
    what = f"{opened:,} open and {sizes.ended:,} ended sessions"
    return [
        Row(12, f"restart of a substation with {what}, until it is ready", took_s, "s", must=2, aim=1),
        Row(13, f"memory of a substation with {what}", large_mb, "MB"),
    ]


def rows(folder: Path, say: Say, *, quick: bool) -> list[Row]:
    """Measure, and return rows 6, 11, 12 and 13."""
    sizes = QUICK if quick else Sizes()
    return [part for measure in (growth, ended, processes) for part in measure(folder, sizes, say)]
