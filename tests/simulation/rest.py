"""After the faults: everything answers within 5 s, nothing is left over, and nothing was lost."""

import asyncio

from balancer.contract import BalancerOutcome, Charge
from substation.plan import Plan
from tests.simulation.cars import NOT_PLACED, Caller
from tests.simulation.checks import reserved_w
from tests.simulation.faults import Faults
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
    await asyncio.sleep(1.0)  # reports
    _nothing_lost(world)
    _each_caller(world)
    _conserved(world)


async def _served(world: World) -> None:
    """Each gateway answers a request now."""
    for name in world.scenario.gateway_names:
        process = world.hosts[name].process
        answered = world.loop.create_future()

        async def ask(services: object = process.parts if process else None) -> None:
            charge = Charge(f"anonymous:probe {name}", "f", f"probe {name}", SMALL, (), 0, "anonymous")  # noqa: B023
            answered.set_result(await services.ask(charge))  # type: ignore[attr-defined]  # noqa: B023

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
        elif host.name.startswith("b"):
            wired, book = process.parts.wired, process.parts.book
            if wired.withdrawals._pending or wired.withdrawals._asking or wired.withdrawals._noting:
                left.append(f"withdrawals {sorted(wired.withdrawals._pending)}")
            if rows := book._store.rows("SELECT * FROM withdrawal"):
                left.append(f"{len(rows)} withdrawals in the book")
            if flights := wired.placement._flights._flights:
                left.append(f"flights {sorted(flights)}")
            if wired.placement._keyless:
                left.append("requests without a key under way")
            if len(wired.seats.room):
                left.append(f"{len(wired.seats.room)} requests in the waiting room")
            for name, member in process.parts.parts.view.roster.members.items():
                if member.outstanding_w:
                    left.append(f"{member.outstanding_w} W outstanding at {name}")
        if process:
            left += [f"{each.undone} items for {each.name}" for each in process.commits if each.undone > 1]
    return left


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
            if not told and live and all(caller.outcome in NOT_PLACED for caller in callers):
                checks.violated(f"{name} was refused, and has {live}")
            continue
        if world.scenario.one_session or forgetful:  # a vehicle comes twice; nobody remembers its request
            continue
        sessions = checks.of_vehicle(car.vehicle)
        ids = [one.record.entry.session_id for one in sessions if one.record.entry and not one.withdrawn]
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
