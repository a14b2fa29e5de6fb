"""Asking over links whose answers are made up; how substations answer is each test's own."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import pytest

from balancer.fleet.roster import Roster
from balancer.placing import asking
from balancer.placing.asking import Asker
from balancer.substation_stream import Links
from runtime.coalescer import LinkLost
from runtime.machine import Machine
from substation.contract import Command, FindSession, SubstationAnswer, SubstationOutcome, Withdraw

FOUND = SubstationAnswer(SubstationOutcome.FOUND)
Answering = Callable[[], Awaitable[SubstationAnswer]]


class MadeUp:
    """A link that answers as a function does."""

    up = True

    def __init__(self, answering: Answering) -> None:
        self._answering = answering
        self.calls = 0

    async def call(self, command: Command, within_s: float) -> SubstationAnswer:
        self.calls += 1
        async with asyncio.timeout(within_s):
            return await self._answering()

    async def close(self) -> None:
        """Nothing is open."""


def linked(**answering: Answering) -> tuple[Links, dict[str, MadeUp]]:
    links = Links(Roster(1.0))
    made = {name: MadeUp(each) for name, each in answering.items()}
    links._links.update(made)  # type: ignore[arg-type]
    return links, made


async def unavailable() -> SubstationAnswer:
    return SubstationAnswer(SubstationOutcome.UNAVAILABLE)


async def silent() -> SubstationAnswer:
    await asyncio.Event().wait()
    return FOUND


async def lost() -> SubstationAnswer:
    raise LinkLost


class SpeedRecorder:
    def __init__(self) -> None:
        self.seen: list[tuple[str, str]] = []
        self.late_s: dict[str, float] = {}

    def late(self, substation_id: str, now_s: float) -> None:
        self.seen.append(("late", substation_id))
        self.late_s[substation_id] = now_s

    def prompt(self, substation_id: str, now_s: float) -> None:
        self.seen.append(("prompt", substation_id))


class Sleeps:
    """Takes the place of asyncio.sleep and of the clock: what is slept passes at once."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now_s = 1000.0
        self.slept: list[float] = []
        self.machine = Machine(monotonic_s=lambda: self.now_s)
        monkeypatch.setattr(asyncio, "sleep", self._sleep)

    async def _sleep(self, pause_s: float) -> None:
        self.slept.append(pause_s)
        self.now_s += pause_s


@pytest.mark.gen_test
async def test_it_never_sleeps_past_its_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Sleeps(monkeypatch)
    links, made = linked(full=unavailable)
    for _ in range(40):
        until_s = clock.now_s + 4.8
        assert (
            await Asker(links, SpeedRecorder(), clock.machine).ask("full", FindSession("x"), until_s) is None
        )
        assert clock.now_s == pytest.approx(until_s)
    assert made["full"].calls >= 40 * 7


@pytest.mark.gen_test
async def test_a_substation_that_is_back_is_asked_within_a_second_or_two_however_long_the_caller_waits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = Sleeps(monkeypatch)
    links, _ = linked(full=unavailable)
    await Asker(links, SpeedRecorder(), clock.machine).ask("full", FindSession("x"), clock.now_s + 64.8)
    assert max(clock.slept) <= 1.5 * asking.LONGEST_PAUSE_S


@pytest.mark.gen_test
async def test_a_dead_substation_takes_no_retry_from_a_healthy_one() -> None:
    broken = iter([lost])

    async def breaks_once() -> SubstationAnswer:
        return await next(broken, _found)()

    links, _ = linked(dead=lost, fine=breaks_once)
    asker = Asker(links, SpeedRecorder())
    assert await asker.ask("dead", FindSession("x"), time.monotonic() + 0.01) is None
    asker._budgets["dead"].tokens = -1000.0
    assert await asker.ask("dead", FindSession("x"), time.monotonic() + 30) is None  # at once
    assert await asker.ask("fine", FindSession("x"), time.monotonic() + 5) == FOUND


@pytest.mark.gen_test
async def test_an_ask_without_retries_draws_on_no_budget() -> None:
    links, made = linked(dead=lost)
    asker = Asker(links, SpeedRecorder())
    for _ in range(300):
        assert await asker.once("dead", Withdraw("~a", 0), 5.0) is None
    assert made["dead"].calls == 300
    assert "dead" not in asker._budgets


@pytest.mark.gen_test
async def test_who_waits_for_a_substation_that_was_not_discovered_is_woken_when_it_is() -> None:
    links, _ = linked()
    asker = Asker(links, SpeedRecorder())
    waiting = [asyncio.create_task(asker.once("s-1", FindSession("x"), 30.0)) for _ in range(100)]
    await asyncio.sleep(0)
    links.connect("s-1", "127.0.0.1:1")
    links._links["s-1"].call = _call_found  # type: ignore[method-assign, assignment]
    assert set(await asyncio.gather(*waiting)) == {FOUND}
    await links.close()


@pytest.mark.gen_test
async def test_a_call_that_is_not_answered_soon_is_reported_before_its_deadline(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(asking, "LATE_S", 0.01)
    links, _ = linked(stalled=silent)
    watched = SpeedRecorder()
    asked = asyncio.create_task(Asker(links, watched).ask("stalled", FindSession("x"), time.monotonic() + 30))
    while not watched.seen:
        await asyncio.sleep(0.001)
    assert watched.seen == [("late", "stalled")]
    assert not asked.done()
    asked.cancel()
    await asyncio.gather(asked, return_exceptions=True)


@pytest.mark.gen_test
async def test_each_late_call_is_reported_once_and_those_that_have_ended_are_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(asking, "LATE_S", 0.05)
    links, _ = linked(stalled=silent, slow=silent, lost=lost)
    watched = SpeedRecorder()
    asker = Asker(links, watched)
    first = asyncio.create_task(asker.once("stalled", FindSession("x"), 30.0))
    assert await asker.once("lost", FindSession("x"), 30.0) is None
    while not watched.seen:  # by then the next one begins while no timer runs, or behind the first
        await asyncio.sleep(0.001)
    second = asyncio.create_task(asker.once("slow", FindSession("x"), 30.0))
    while len(watched.seen) < 2:
        await asyncio.sleep(0.001)
    assert watched.seen == [("late", "stalled"), ("late", "slow")]
    for asked in (first, second):
        asked.cancel()
    await asyncio.gather(first, second, return_exceptions=True)


@pytest.mark.gen_test
async def test_calls_that_overlap_are_each_late_in_their_own_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "LATE_S", 0.05)
    links, _ = linked(first=silent, second=silent)
    watched = SpeedRecorder()
    asker = Asker(links, watched)
    asked = [asyncio.create_task(asker.once("first", FindSession("x"), 30.0))]
    await asyncio.sleep(0.02)
    second_s = time.monotonic()
    asked.append(asyncio.create_task(asker.once("second", FindSession("x"), 30.0)))
    while len(watched.seen) < 2:
        await asyncio.sleep(0.001)
    assert watched.seen == [("late", "first"), ("late", "second")]
    assert watched.late_s["second"] >= second_s + asking.LATE_S
    for each in asked:
        each.cancel()
    await asyncio.gather(*asked, return_exceptions=True)


@pytest.mark.gen_test
async def test_only_a_decision_is_prompt() -> None:
    links, _ = linked(full=unavailable, fine=_found)
    watched = SpeedRecorder()
    asker = Asker(links, watched)
    await asker.once("full", FindSession("x"), 1.0)
    await asker.once("fine", FindSession("x"), 1.0)
    assert watched.seen == [("prompt", "fine")]


async def _found() -> SubstationAnswer:
    return FOUND


async def _call_found(command: Command, within_s: float) -> SubstationAnswer:
    return FOUND
