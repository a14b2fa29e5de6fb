"""Carries out the faults of a scenario, and ends them."""

import asyncio
import contextvars
from collections.abc import Callable
from pathlib import Path
from typing import Any

from balancer.contract import BalancerOutcome
from runtime.store import Store
from tests.simulation.scenario import Fault
from tests.simulation.world import World
from tests.support.desk import NO_PAGE_LIMIT

KW = 1000
UNDER_WAY_S = 8.0  # a request takes five, unless it waits
DAY_S = 24 * 3600


class Faults:
    """The faults of one run."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.met = 0
        self._rng = world.rng("orders")
        self._full: list[Store] = []
        self._replaced: dict[str, str] = {}  # journals whose disk was replaced, by substation
        self._former: dict[str, Path] = {}  # disks that are to come back
        self._given_up: list[tuple[str, str]] = []
        self._kinds: dict[str, Callable[[Fault], None]] = {
            "crash": self._crash,
            "tear a commit": self._tear,
            "break": self._break,
            "cut off": self._cut_off,
            "cut off one way": self._cut_off,
            "stall the disk": self._stall,
            "stop": self._stop,
            "move the clock": self._move_the_clock,
            "drain": self._drain,
            "derate": self._derate,
            "base load": self._base_load,
            "fill the disk": self._fill,
            "another disk": self._another_disk,
        }

    def meet(self, fault: Fault) -> None:
        self._world.note(f"fault: {fault}")
        self.met += 1
        self._kinds[fault.kind](fault)

    def end(self) -> None:
        """All is well from now on."""
        world = self._world
        world.note("the faults end")
        for whom in list(self._former):
            self._bring_back(whom)
        conditions = world.network.conditions
        conditions.cut.clear()
        conditions.late = 0.0
        for host in world.hosts.values():
            host.disk.stalled = False
            host.disk.tear_next(0)
            host.jumped_s = 0.0
            if host.process:
                host.process.go_on()
                if host.process.jumped_s > DAY_S:  # its reports are refused: an operator starts it again
                    world.crash(host.process, "on purpose: its clock was wrong")
            world.start(host.name)
        for base_load in world.base_loads.values():
            base_load.watts = 0
        for store in self._full:
            store.rows(f"PRAGMA max_page_count = {NO_PAGE_LIMIT}")

    async def restore(self) -> None:
        """Take all orders back, as an operator who tries until it is done."""
        for name in self._world.scenario.substations:
            for what in ("restore", "capacity"):
                while await self._ordered(name, what, 0) is not BalancerOutcome.DONE:
                    await asyncio.sleep(0.3)
        for name, journal_id in self._given_up:
            self._world.checks.lost_journals.add(journal_id)
            # Not found: nothing is claimed there. A request that is under way may note a withdrawal there yet.
            since_s = self._world.loop.now_s
            while (
                outcome := await self._ordered(name, f"give up {journal_id}", 0)
            ) is not BalancerOutcome.DONE:
                if outcome is BalancerOutcome.NOT_FOUND and self._world.loop.now_s - since_s > UNDER_WAY_S:
                    break
                await asyncio.sleep(0.5)

    def _later(self, after_s: float, act: Callable[..., object], *args: Any) -> None:
        self._world.loop.call_later(after_s, act, *args, context=contextvars.Context())

    def _crash(self, fault: Fault) -> None:
        if process := self._world.hosts[fault.whom].process:
            self._world.crash(process)
            self._later(fault.lasts_s, self._world.start, fault.whom)

    def _tear(self, fault: Fault) -> None:
        self._world.hosts[fault.whom].disk.tear_next(1 + fault.number % 3)

    def _break(self, fault: Fault) -> None:
        pair = {fault.whom, fault.other}
        ends = [end for end in self._world.network.ends if {end.owner.name, end.peer.owner.name} == pair]
        for end in ends:
            if not end.over and end._left is None:
                self._world.network.cut(end, told=fault.number % 3 > 0)

    def _cut_off(self, fault: Fault) -> None:
        cut = self._world.network.conditions.cut
        directions = [(fault.whom, fault.other)]
        if fault.kind == "cut off":
            directions.append((fault.other, fault.whom))
        for direction in directions:
            cut[direction] = cut.get(direction, 0) + 1

        def mend() -> None:
            for direction in directions:
                if cut.get(direction):
                    cut[direction] -= 1

        self._later(fault.lasts_s, mend)

    def _stall(self, fault: Fault) -> None:
        disk = self._world.hosts[fault.whom].disk
        disk.stalled = True
        self._later(fault.lasts_s, setattr, disk, "stalled", False)

    def _stop(self, fault: Fault) -> None:
        if process := self._world.hosts[fault.whom].process:
            process.stop()
            self._later(fault.lasts_s, process.go_on)

    def _move_the_clock(self, fault: Fault) -> None:
        self._world.hosts[fault.whom].jumped_s += (-3600.0, -5.0, 5.0, 3600.0, 90_000.0)[fault.number % 5]

    def _fill(self, fault: Fault) -> None:
        process = self._world.hosts[fault.whom].process
        if process and process.alive and process.serving:
            store = process.parts.store
            if not store:  # its book is elsewhere
                return
            store.rows("PRAGMA max_page_count = 1")  # SQLite takes no less than the file has
            self._later(fault.lasts_s, store.rows, f"PRAGMA max_page_count = {NO_PAGE_LIMIT}")
            self._full.append(store)

    def _another_disk(self, fault: Fault) -> None:
        """A substation starts with an empty disk; the former one comes back, or its journal is given up."""
        host = self._world.hosts[fault.whom]
        process = host.process
        if not process or not process.alive or not process.serving or fault.whom in self._replaced:
            return
        journal_id = process.parts.station.journal_id
        self._world.crash(process, "for another disk")
        former = host.disk.replace(None)
        self._replaced[fault.whom] = journal_id
        self._later(0.2, self._world.start, fault.whom)
        if fault.number % 2:
            self._former[fault.whom] = former
            self._later(fault.lasts_s, self._bring_back, fault.whom)
        else:
            self._given_up.append((fault.whom, journal_id))

    def _bring_back(self, whom: str) -> None:
        """Put the former disk in again, unless that was done."""
        former = self._former.pop(whom, None)
        if not former:
            return
        host = self._world.hosts[whom]
        if host.process:
            meanwhile = host.process.parts.station.journal_id if host.process.parts else self._replaced[whom]
            if meanwhile != self._replaced[whom]:
                self._given_up.append((whom, meanwhile))
            self._world.crash(host.process, "and gets its former disk back")
        host.disk.replace(former)
        self._world.start(whom)

    def _drain(self, fault: Fault) -> None:
        self._order(fault.whom, "drain", 0)
        self._later(fault.lasts_s, self._order, fault.whom, "restore", 0)

    def _derate(self, fault: Fault) -> None:
        self._order(fault.whom, "capacity", (fault.number % 40 + 1) * KW)
        self._later(fault.lasts_s, self._order, fault.whom, "capacity", 0)

    def _base_load(self, fault: Fault) -> None:
        base_load = self._world.base_loads[fault.whom]
        base_load.watts = fault.number % 60 * KW
        self._later(fault.lasts_s, setattr, base_load, "watts", 0)

    def _order(self, whom: str, what: str, watts: int) -> None:
        asyncio.get_running_loop().create_task(
            self._ordered(whom, what, watts), context=contextvars.Context()
        )

    async def _ordered(self, whom: str, what: str, watts: int) -> BalancerOutcome | None:
        """Give an order at the balancer; None when there is no answer."""
        hosts = [self._world.hosts[name] for name in self._world.scenario.balancers]
        able = [host.process for host in hosts if host.process and host.process.serving and host.alive]
        if not able:
            return None
        process = self._rng.choice(able)
        orders, answered = process.parts.wired.orders, self._world.loop.create_future()

        async def order() -> None:
            if what.startswith("give up"):
                answer = await orders.decommission(whom, what.removeprefix("give up "))
            elif what == "capacity":
                answer = await orders.derate(whom, watts)
            else:
                answer = await orders.drain(whom, on=what == "drain")
            if not answered.done():
                answered.set_result(answer.outcome)

        process.run(order())
        try:
            async with asyncio.timeout(6.0):
                outcome: BalancerOutcome = await answered
        except TimeoutError:
            return None
        self._world.note(f"{what} {whom} {watts}: {outcome}")
        return outcome
