"""A look for room that is skipped, and a waiter that is not tried, would have changed nothing.

Two queues go through the same story: the real one, and a plain one that tries every waiter in every look.
"""

import asyncio
import random
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from balancer.placing.decisions import Decisions
from balancer.placing.seating.choosing import Seat
from balancer.placing.seating.seats import Seats
from balancer.placing.seating.waiting_room import MOST_PASSES, Waiter, WaitingRoom
from tests.support.examples import examples
from tests.unit.balancer.fleets import KW, Fleet, charge, releases, report

# No two are equal, so that no choice is drawn at random.
CAPACITIES_W = {"a": 100 * KW, "b": 101 * KW, "c": 103 * KW}


class World:
    """Seats over three full substations, on a clock of its own."""

    def __init__(self, *, plain: bool) -> None:
        self.now_s = 0.0
        self.seq = 1
        self.fleet = Fleet(*(report(n, 100, capacity_w=w, rated_w=w) for n, w in CAPACITIES_W.items()))
        self.seats = Seats(self.fleet.view, Decisions(), WaitingRoom(1000), lambda: self.now_s)
        self.waiting: dict[str, asyncio.Task[Seat | None]] = {}
        self.seated: dict[str, Seat] = {}
        self.tried = 0
        self.plain = plain
        choose = self.seats.queue._chooser.choose

        def counted(*args: object, **named: object) -> Seat | None:
            self.tried += 1
            return choose(*args, **named)  # type: ignore[arg-type]

        self.seats.queue._chooser.choose = counted  # type: ignore[method-assign]
        if plain:
            self.seats.queue._bound.excludes = lambda *_: False  # type: ignore[method-assign]

    async def serve(self) -> None:
        await asyncio.sleep(0)
        if self.plain:
            self.seats.queue._in_vain = None
        self.seats.promised_returns.pass_time(self.now_s)
        self.seats.queue.serve()
        await asyncio.sleep(0)
        for name, task in list(self.waiting.items()):
            if task.done():
                seat = self.waiting.pop(name).result()
                assert seat
                self.seated[name] = seat

    def wait(self, name: str, kw: int, hours: int, eligible: tuple[str, ...]) -> None:
        asked = charge(kw, *eligible, vehicle=name, hours=hours)
        self.waiting[name] = asyncio.ensure_future(
            self.seats.queue.wait(asked, 0, asyncio.get_running_loop().time() + 60)
        )

    def told(self, name: str, kw: int, hours: int) -> None:
        self.seats.retry_after_s(charge(kw, vehicle=name, hours=hours))

    def report(self, name: str, load_kw: int, freed_kw: int, within_s: float) -> None:
        self.seq += 1
        freed = releases({within_s: min(freed_kw, load_kw) * KW}, load_kw * KW)
        w = CAPACITIES_W[name]
        seen = report(name, load_kw, seq=self.seq, capacity_w=w, rated_w=w, releases_w=freed)
        self.fleet.poll(seen, self.now_s)

    def end(self, number: int) -> None:
        """Give a seat back, as a refusal does."""
        if self.seated:
            name = sorted(self.seated)[number % len(self.seated)]
            self.seated.pop(name).hold.close()

    def passed(self, times: int) -> None:
        """Let the oldest one be passed, as admissions of newcomers do."""
        waiter: Waiter | None = next(iter(self.seats.room), None)
        if waiter and times:
            waiter.passes += times
            self.seats.room.changes += 1

    async def leave(self, number: int) -> None:
        if self.waiting:
            task = self.waiting.pop(sorted(self.waiting)[number % len(self.waiting)])
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def close(self) -> None:
        for task in self.waiting.values():
            task.cancel()
        await asyncio.gather(*self.waiting.values(), return_exceptions=True)
        await self.seats.close()


Event = Callable[[random.Random, str], Callable[[World], object]]


def waits(rng: random.Random, name: str) -> Callable[[World], object]:
    kw, hours = rng.randint(1, 30), rng.choice((1, 1, 2))
    eligible = rng.choice(((), (), (), ("a",), ("b", "c")))
    return lambda world: world.wait(name, kw, hours, eligible)


def told(rng: random.Random, name: str) -> Callable[[World], object]:
    kw, hours = rng.randint(1, 25), rng.choice((1, 2))
    return lambda world: world.told(name, kw, hours)


def reports(rng: random.Random, _: str) -> Callable[[World], object]:
    name, load_kw = rng.choice("abc"), rng.choice((60, 80, 90, 95, 100))
    freed_kw, within_s = rng.choice((0, 10, 40, 100)), rng.choice((0.5, 2.0, 5.0, 60.0))
    return lambda world: world.report(name, load_kw, freed_kw, within_s)


def time_passes(rng: random.Random, _: str) -> Callable[[World], object]:
    seconds = rng.choice((0.01, 0.3, 1.0, 2.5))
    return lambda world: setattr(world, "now_s", world.now_s + seconds)


def ends(rng: random.Random, _: str) -> Callable[[World], object]:
    number = rng.randrange(100)
    return lambda world: world.end(number)


def leaves(rng: random.Random, _: str) -> Callable[[World], object]:
    number = rng.randrange(100)
    return lambda world: world.leave(number)


def is_passed(rng: random.Random, _: str) -> Callable[[World], object]:
    times = rng.choice((1, MOST_PASSES))
    return lambda world: world.passed(times)


EVENTS: tuple[Event, ...] = (waits, waits, told, reports, reports, time_passes, ends, leaves, is_passed)


@given(seed=st.integers(0, 10**9), count=st.integers(10, 60))
@settings(max_examples=examples(150))
def test_the_same_requests_are_seated_at_the_same_looks_as_if_all_were_tried(seed: int, count: int) -> None:
    async def story() -> None:
        rng = random.Random(seed)
        real, plain = World(plain=False), World(plain=True)
        for number in range(count):
            happens = rng.choice(EVENTS)(rng, f"car-{number}")
            for world in (real, plain):
                done = happens(world)
                if asyncio.iscoroutine(done):
                    await done
                await world.serve()
            assert {n: s.target for n, s in real.seated.items()} == {
                n: s.target for n, s in plain.seated.items()
            }
            assert real.waiting.keys() == plain.waiting.keys()
        assert real.tried <= plain.tried
        await real.close()
        await plain.close()

    asyncio.run(story())


@pytest.mark.gen_test
async def test_a_look_tries_few_of_a_thousand_whom_promises_keep_out() -> None:
    """Their demands fall, so that each one might fit where the one before it did not."""
    world = World(plain=False)
    for number in range(1000):
        world.wait(f"car-{number:04}", 24 - number // 50, 1, ())
        await asyncio.sleep(0)
    for _ in range(20):
        world.now_s += 1.0
        world.report("a", 95, 95, 2.0)
        world.tried, before = 0, len(world.seated)
        await world.serve()
        assert world.tried < 20 + 3 * (len(world.seated) - before)
    await world.close()
