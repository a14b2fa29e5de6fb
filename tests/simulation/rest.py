"""After the faults: everything answers within 5 s, nothing is left over, and nothing was lost."""

import asyncio
from typing import Any

from balancer.contract import BalancerOutcome, Charge
from balancer.fleet.health import HealthState
from balancer.fleet.view import View
from substation.plan import Plan
from tests.simulation.cars import NOT_PLACED, Caller
from tests.simulation.checks import reserved_w
from tests.simulation.faults import Faults
from tests.simulation.services import BalancerParts, DatabaseParts, SubstationParts
from tests.simulation.world import World

SERVICE_S = 5.0
ANSWER_S = 1.5
REST_S = 60.0
SMALL = Plan(360_000, 3_700)


async def at_rest(world: World, faults: Faults) -> None:
    """Wait until nothing is to be done any more, and look at what is left."""
    restoring = asyncio.create_task(faults.restore())
    await asyncio.sleep(SERVICE_S)
    await _served(world)
    until_s = world.loop.now_s + REST_S
    while left := _left(world, restoring):
        if world.loop.now_s > until_s:
            world.checks.violated(f"after {REST_S:g} s without faults there is still: {'; '.join(left)}")
            return
        await asyncio.sleep(0.5)
    await asyncio.sleep(2.5)  # two polls
    _nothing_lost(world)
    _each_caller(world)
    _conserved(world)
    _seen(world)


async def _served(world: World) -> None:
    """Each gateway answers a request now."""
    for name in world.scenario.gateway_names:
        process = world.hosts[name].process
        answered = world.loop.create_future()

        async def ask(services: object = process.parts if process else None) -> None:
            charge = Charge(f"anonymous:probe {name}", "f", f"probe {name}", SMALL, (), 0, "anonymous")  # noqa: B023
            answer = await services.ask(charge)  # type: ignore[attr-defined]
            if not answered.done():  # noqa: B023
                answered.set_result(answer)  # noqa: B023

        if not process or not process.serving:
            world.checks.violated(f"{name} does not serve {SERVICE_S:g} s after the last fault")
            continue
        process.run(ask())
        try:
            async with asyncio.timeout(ANSWER_S):
                answer = await answered
        except TimeoutError:
            world.checks.violated(f"{name} does not answer {SERVICE_S:g} s after the last fault")
            continue
        world.note(f"probe at {name}: {answer.outcome}")
        world.checks.answered(f"anonymous:probe {name}", answer)
        if answer.outcome not in {BalancerOutcome.ADMITTED, BalancerOutcome.NO_CAPACITY}:
            world.checks.violated(f"{name} answers {answer.outcome} {SERVICE_S:g} s after the last fault")


def _left(world: World, restoring: "asyncio.Task[None]") -> list[str]:
    """Return what is still to be done, in words."""
    left = [f"{caller.name} without an answer" for caller in world.cars.undone()]
    left += [] if restoring.done() else ["an order to take back"]
    for host in world.hosts.values():
        process = host.process
        if not process or not process.serving:
            left.append(f"{host.name} does not serve")
            continue
        left += [f"{each.undone} items for {each.name}" for each in process.commits if each.undone > 1]
        if isinstance(process.parts, BalancerParts):
            left += _left_in(process.parts)
        if isinstance(process.parts, BalancerParts | DatabaseParts) and process.parts.store:
            rows = process.parts.store.rows("SELECT key FROM withdrawal")
            left += [f"withdrawal {row['key']} in the book" for row in rows]
        if isinstance(process.parts, SubstationParts) and (paused := process.parts.station.report().paused):
            left.append(f"{paused} sessions paused at {host.name}")
    return left


def _left_in(balancer: BalancerParts) -> list[str]:
    """Return what a balancer has still to do, in words."""
    wired = balancer.wired
    withdrawals, placement = wired.withdrawals, wired.placement
    members = balancer.parts.view.roster.members
    found: dict[str, list[Any]] = {
        "withdrawals": [*withdrawals._pending, *withdrawals._asking, *withdrawals._noting],
        "flights": list(placement._flights._flights),
        "requests without a key": list(placement._keyless),
        "requests in the waiting room": list(wired.seats.room),
        "power outstanding": [name for name, member in members.items() if member.outstanding_w],
    }
    return [f"{what}: {[str(each) for each in which]}" for what, which in found.items() if which]


def _nothing_lost(world: World) -> None:
    checks = world.checks
    for caller, session_id in checks.told.items():
        known = checks.sessions.get(session_id)
        if known and known.withdrawn:
            checks.violated(f"{caller} was told {session_id}, which was withdrawn later")


def _each_caller(world: World) -> None:
    """What a caller was told last is what there is."""
    checks = world.checks
    by_car: dict[str, list[Caller]] = {}
    for caller in world.cars.callers:
        by_car.setdefault(caller.name, []).append(caller)
    forgetful = bool(world.crashes.get("b") or world.crashes.get("g"))
    for name, callers in by_car.items():
        car, told = callers[0].car, checks.told.get(name)
        if car.key:
            live = checks.live(car.key)
            if len(live) > 1:
                checks.violated(f"{name} has {live}")
            # Several balancers: one that has not noticed yet that its caller is gone may go on.
            sure = world.scenario.balancer_count == 1 or not any(caller.lost for caller in callers)
            if sure and not told and live and all(caller.outcome in NOT_PLACED for caller in callers):
                checks.violated(f"{name} was refused, and has {live}")
            continue
        noted = callers[0].outcome is BalancerOutcome.WITHDRAWN and world.scenario.book_is_there
        if world.scenario.one_session or (forgetful and not noted):
            continue  # a vehicle comes twice; nobody remembers its request
        sessions = checks.of_vehicle(car.vehicle)
        ids = [
            one.record.entry.session_id
            for one in sessions
            if one.record.entry and not one.withdrawn and not world.ended_by_plan(one)
        ]
        if [each for each in ids if each != told]:
            checks.violated(
                f"{name} was told {told}, its answer was {callers[0].outcome}, and there is {ids}"
            )


def _conserved(world: World) -> None:
    """Power and energy as reported are those of the sessions in the journals."""
    for name in world.scenario.substations:
        process = world.hosts[name].process
        if not process or not process.serving:
            continue
        station, found = process.parts.station, world.checks._read(process)
        now_ms = station.grid_ms()
        load_w = sum(reserved_w(record, now_ms) for record in found.values())
        report = station.report()
        if report.load_w != load_w:
            world.checks.violated(f"{name} reports {report.load_w} W, and has {load_w} W")
        energy_j = sum(r.entry.delivered_j(min(now_ms, r.entry.end_ms)) for r in found.values() if r.entry)
        if abs(station.delivered_j() - energy_j) > len(found):
            world.checks.violated(f"{name} counts {station.delivered_j()} J, and has delivered {energy_j} J")


def _seen(world: World) -> None:
    """What each balancer sees is what there is."""
    for name in world.scenario.balancers:
        if process := world.hosts[name].process:
            _seen_by(world, process.parts.parts.view)


def _seen_by(world: World, view: View) -> None:
    now_s = world.loop.now_s
    for name in world.scenario.substations:
        member = view.roster.members.get(name)
        process = world.hosts[name].process
        if not member or not process:
            world.checks.violated(f"the balancer does not see {name}")
            continue
        station = process.parts.station
        seen, there = member.report, station.report()
        if (seen.journal_id, seen.epoch) != (there.journal_id, there.epoch):
            world.checks.violated(f"the balancer has a report of {name} from before its last start")
        elif (seen.capacity_w, seen.draining) != (there.capacity_w, there.draining):
            world.checks.violated(
                f"the balancer sees {seen.capacity_w} W at {name}, which has {there.capacity_w} W"
            )
        elif not seen.load_w >= there.load_w:  # it can only fall since
            world.checks.violated(
                f"the balancer sees a load of {seen.load_w} W at {name}, which has {there.load_w} W"
            )
        if (state := view.state(member, now_s)) not in (HealthState.HEALTHY, HealthState.PROBING):
            world.checks.violated(f"the balancer calls {name} {state}")
