"""Rows 7 to 10 and 16: what decisions, polls, waiting and withdrawals cost the balancer, and how evenly it places.

The balancer's own classes do the work in this process, except for the latency of row 8 (polled_grid.py); only the
substations are made up. Shares are CPU time of this thread over wall time, so that a busy machine does not count as
work.
"""

import asyncio
import contextlib
import itertools
import random
import statistics
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import uvloop
from prometheus_client import CollectorRegistry

from balancer.book.decommissioned import DecommissionedJournals
from balancer.book.embedded import EmbeddedBook
from balancer.book.protocol import Withdrawal
from balancer.contract import Charge
from balancer.fleet.poller import Poller
from balancer.fleet.roster import Roster
from balancer.fleet.view import View
from balancer.forecast.calendar_days import SLOTS
from balancer.metrics import BalancerMetrics
from balancer.placing.asking import Asker
from balancer.placing.decisions import Decisions
from balancer.placing.policies import PolicySwitch
from balancer.placing.predictive.choice import ForecastChoice
from balancer.placing.predictive.grid_time import GridTime
from balancer.placing.predictive.peaks import BaseForecast, Outlook
from balancer.placing.seating.seats import Seats
from balancer.placing.seating.waiting_room import WaitingRoom
from balancer.placing.withdrawals import Withdrawals
from balancer.substation_stream import Links
from substation.contract import RELEASES_WITHIN_S, Report
from substation.plan import Plan
from tests.bench import polled_grid
from tests.bench.table import Row, Say, figure
from tests.unit.balancer.placing.simulation import Setup, estimated, oracle, simulate

CAPACITY_W = 1_400_000
MUST_US = {3: 8.0, 100: 50.0, 1_000: 400.0, 10_000: 4_000.0}  # of one decision, by the number of substations
POLLED = 1_000
BY_LOAD, BY_FORECAST = "", " by forecast"
SCALE = 120.0  # of grid time
WAITING, FREE_W, HIGHEST_W, LOWEST_W = 1_000, 12_000, 22_000, 7_400
PENDING = 10_000
MIXED = Setup(1.0, capacities_w=(50_000, 100_000, 150_000), powers_w=(370, 740, 1_100, 2_200))


def rows(folder: Path, say: Say, *, quick: bool) -> list[Row]:
    """Measure, and return rows 7 to 10 and 16."""
    rounds, seconds = (2, 1.5) if quick else (5, 6.0)
    say("decisions")
    found = decisions(rounds)
    say(f"polls of {POLLED} substations")
    found.append(uvloop.run(polls(rounds, seconds)))  # the loop of a service
    found.append(polled_grid.latency(folder, say, POLLED, rounds, seconds))
    for count in (3, 50):
        say(f"{WAITING} requests in the waiting room at {count} substations")
        found.append(asyncio.run(waiting(count, rounds, seconds)))
    say(f"{PENDING} withdrawals")
    found.append(asyncio.run(withdrawals(folder, 1 if quick else 3)))
    say("imbalance against the oracle")
    return [*found, imbalance(range(1, 3 if quick else 9))]


class Fleet:
    """A roster of made-up substations, each linked and healthy, on a clock that is given."""

    def __init__(self, count: int, load_w: Callable[[], int], clock: Callable[[], float]) -> None:
        self.count = count
        self.roster = Roster(1.0, "book")
        self.forecast_choice = ForecastChoice(self.roster.members)
        self.view = View(self.roster, lambda _: True, PolicySwitch(random.Random(1), self.forecast_choice))
        self.loads_w = [load_w() for _ in range(count)]
        self._clock = clock
        self._seq = 0
        for number in range(count):
            self.roster.addresses.watch(f"http://s-{number}:1")
            self.poll(number)

    def poll(self, number: int) -> None:
        """Take the next report of one substation, as a poll does."""
        self._seq += 1
        load_w = self.loads_w[number]
        freed = tuple(int(load_w * min(1, within_s / 600)) for within_s in RELEASES_WITHIN_S)
        seen = Report(
            f"s-{number}",
            "j",
            1,
            self._seq,
            load_w,
            CAPACITY_W,
            draining=False,
            releases_w=freed,
            sessions=40,
            rated_w=CAPACITY_W,
        )
        self.roster.polled(f"http://s-{number}:1", seen, self._clock())

    def poll_next(self) -> None:
        """Take the next report of the one that was polled longest ago."""
        self.poll(self._seq % self.count)

    def forecast(self) -> None:
        """Place by forecasts of an evening from now on."""
        now_s = self._clock()
        time_of_day = GridTime(18 * 3_600_000, now_s, SCALE)
        first, rng = time_of_day.slot_at(now_s), random.Random(1)
        evenings = {
            name: BaseForecast(first, tuple(rng.uniform(0.02, 0.2) * CAPACITY_W for _ in range(SLOTS)))
            for name in self.roster.members
        }
        self.forecast_choice.show(Outlook(time_of_day, evenings))
        self.view.policy.use("predictive")


def charge(number: int, power_w: int) -> Charge:
    """A request for an hour."""
    return Charge("", "", f"car-{number}", Plan(power_w * 3600, power_w), ())


def decisions(rounds: int) -> list[Row]:
    """Row 7: a seat found and given back, 1,000 a second, while each substation is polled every second."""
    rng = random.Random(1)
    desks = {}
    for by, count in itertools.product((BY_LOAD, BY_FORECAST), MUST_US):
        clock = Clock()
        fleet = Fleet(count, lambda: rng.randrange(CAPACITY_W * 7 // 10, CAPACITY_W * 8 // 10), clock)
        if by is BY_FORECAST:
            fleet.forecast()
        desks[by, count] = fleet, Seats(fleet.view, Decisions(), WaitingRoom(1000), clock), clock
    took_us: dict[tuple[str, int], list[float]] = {desk: [] for desk in desks}
    for _ in range(rounds):
        for desk, (fleet, seats, clock) in desks.items():
            took_us[desk].append(statistics.median(_decision_us(fleet, seats, clock)))
    return [
        Row(7, f"one decision{by} at {count:,} substations", took, "us", must=MUST_US[count])
        for (by, count), took in took_us.items()
    ]


class Clock:
    """The time of one fleet, so that decisions of others don't make its reports old."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        """Return it."""
        return self.now_s


def _decision_us(fleet: Fleet, seats: Seats, clock: Clock) -> Iterator[float]:
    """Yield the microseconds of a decision, for each of some batches."""
    batch = min(500, max(5, 5_000 // fleet.count))
    asked, due = charge(0, 11_000), 0.0
    for _ in range(12):
        due += batch * fleet.count / 1000
        while due >= 1:
            due -= 1
            fleet.poll_next()
        began_s = time.thread_time()
        for _ in range(batch):
            clock.now_s += 0.001
            seat = seats.now(asked, 0)
            if not seat:
                raise RuntimeError("there was room, and no seat was found")
            seat.hold.close()
        yield (time.thread_time() - began_s) / batch * 1e6


async def shares(rounds: int, seconds: float) -> list[float]:
    """Return the share of one core that this thread uses, in percent, in each round."""
    found = []
    for _ in range(rounds):
        used_s, began_s = time.thread_time(), time.monotonic()
        await asyncio.sleep(seconds)
        found.append(100 * (time.thread_time() - used_s) / (time.monotonic() - began_s))
    return found


class NoLinks(Links):
    """Links to substations that have no stream."""

    def connect(self, substation_id: str, address: str) -> None:
        """Open nothing."""


async def polls(rounds: int, seconds: float) -> Row:
    """Row 8: the real poller, and the pages of real collectors over 127.0.0.1."""
    roster = Roster(1.0, "book")
    metrics = BalancerMetrics(CollectorRegistry())
    with polled_grid.pages(POLLED) as urls:
        view = View(roster, lambda _: True, PolicySwitch(random.Random(1)))
        poller = Poller(view, NoLinks(roster), metrics, DecommissionedJournals())
        for url in urls:
            poller.watch(url)
            await asyncio.sleep(1 / POLLED)  # so that they are spread over the second
        await asyncio.sleep(2)
        before = roster.reports
        began_s = time.monotonic()
        found = await shares(rounds, seconds)
        rate = (roster.reports - before) / (time.monotonic() - began_s)
        await poller.close()
    note = (
        f"{rate:,.0f} reports a second were read, {figure(statistics.median(found) / rate * 1e4, 'us')} each"
    )
    return Row(
        8, f"polling {POLLED:,} substations every second: of one core", found, "%", must=30, aim=15, note=note
    )


@contextlib.asynccontextmanager
async def polled(fleet: Fleet) -> AsyncIterator[None]:
    """Let each substation report once a second."""

    async def run() -> None:
        while True:
            await asyncio.sleep(1 / fleet.count)
            fleet.poll_next()

    task = asyncio.create_task(run())
    try:
        yield
    finally:
        task.cancel()


async def waiting(count: int, rounds: int, seconds: float) -> Row:
    """Row 9: there is power for some of the waiting requests, but earlier ones are promised it."""
    fleet = Fleet(count, lambda: CAPACITY_W - FREE_W, time.monotonic)
    seats = Seats(fleet.view, Decisions(), WaitingRoom(WAITING))
    until_s = asyncio.get_running_loop().time() + 600
    async with polled(fleet):
        idle = statistics.median(await shares(3, seconds / 2))  # the made-up polls alone
        step_w = (HIGHEST_W - LOWEST_W) / WAITING
        requests = [charge(n, int(HIGHEST_W - step_w * n)) for n in range(WAITING)]
        tasks = [asyncio.create_task(seats.queue.wait(each, 0, until_s)) for each in requests]
        await asyncio.sleep(0.5)
        found = [share - idle for share in await shares(rounds, seconds)]
        left = len(seats.room)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    await seats.close()
    text = f"{WAITING:,} waiting requests, falling demands, {count} substations: of one core"
    return Row(9, text, found, "%", must=3, aim=1, note=f"{left} were still waiting at the end")


async def withdrawals(folder: Path, rounds: int) -> Row:
    """Row 10: a substation that was never discovered."""
    book = EmbeddedBook(folder / "withdrawals" / "orders.sqlite")
    roster = Roster(1.0, book.book_id)
    links = Links(roster)
    pending = Withdrawals(book, Asker(links, roster), DecommissionedJournals())
    noted = [
        pending.note_soon(Withdrawal(f"~{number:032x}", 0, "s-gone", "journal")) for number in range(PENDING)
    ]
    await asyncio.gather(*noted)
    found = await shares(rounds, 6.0)  # a round of asking takes 5 s
    await pending.close()
    await links.close()
    await book.close()
    text = f"{PENDING:,} withdrawals of a substation that is not there: of one core"
    return Row(10, text, found, "%", must=1)


def imbalance(seeds: range) -> Row:
    """Row 16: max / mean utilization less one, against a balancer that knows the true loads at every moment."""
    ours = [simulate(MIXED, estimated, seed).imbalance - 1 for seed in seeds]
    best = [simulate(MIXED, oracle, seed).imbalance - 1 for seed in seeds]
    note = f"max / mean: ours {1 + statistics.mean(ours):.4f}, oracle {1 + statistics.mean(best):.4f}"
    text = "imbalance against the oracle, mixed powers, unequal capacities, one balancer"
    return Row(16, text, [a / b for a, b in zip(ours, best, strict=True)], must=1.10, note=note)
