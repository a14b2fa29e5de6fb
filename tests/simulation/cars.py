"""The callers: each asks at a gateway, and again, as clients of the API do, and keeps what it was told."""

import asyncio
import dataclasses
import random
from typing import TYPE_CHECKING

from balancer.contract import BalancerAnswer, BalancerOutcome, Charge, StopSession
from tests.simulation.process import Process
from tests.simulation.scenario import Car

if TYPE_CHECKING:
    from tests.simulation.world import World

NOT_PLACED = (BalancerOutcome.NO_CAPACITY, BalancerOutcome.NO_SUBSTATION)
FINAL = (
    BalancerOutcome.ADMITTED,
    BalancerOutcome.KEY_REUSED,
    BalancerOutcome.VEHICLE_CHARGING,
    BalancerOutcome.EXCEEDS_CAPACITY,
    BalancerOutcome.UNKNOWN_SUBSTATION,
)


@dataclasses.dataclass(eq=False)
class Caller:
    """One caller for a car, and how it stands. `outcome` is the last answer: None while it is not known."""

    car: Car
    number: int
    gateway: str
    done: bool = False
    outcome: BalancerOutcome | None = None
    lost: bool = False  # an answer was
    asked: int = 0
    began_s: float = 0.0

    @property
    def name(self) -> str:
        return self.car.key or f"{self.car.vehicle} #{self.number}"


class Cars:
    """All callers of a run."""

    def __init__(self, world: "World", rng: random.Random) -> None:
        self.callers: list[Caller] = []
        self._world = world
        self._rng = rng
        self._tasks: list[asyncio.Task[None]] = []
        self._awaiting: dict[Process, dict[asyncio.Future[BalancerAnswer | None], None]] = {}

    def come(self, car: Car) -> None:
        for gateway in car.gateways:
            caller = Caller(car, len(self.callers), gateway)
            self.callers.append(caller)
            self._tasks.append(asyncio.create_task(self._charge(caller)))

    def undone(self) -> list[Caller]:
        return [caller for caller in self.callers if not caller.done]

    def lost(self, process: Process) -> None:
        """A gateway has died: its connections break."""
        for future in self._awaiting.pop(process, {}):
            asyncio.get_running_loop().call_later(self._rng.uniform(0, 0.2), _settle, future, None)

    async def _charge(self, caller: Caller) -> None:
        car = caller.car
        charge = Charge(
            car.key,
            f"f {car.vehicle}" if car.key else "",
            car.vehicle,
            car.plan,
            (),
            car.max_wait_ms,
            "anonymous",
        )
        caller.began_s = self._world.loop.now_s
        refused = 0
        while not caller.done:
            hang_up_s = car.hangs_up_s if not caller.asked else 0.0
            caller.asked += 1
            answer = await self._ask(caller.gateway, charge, hang_up_s)
            caller.outcome = answer.outcome if answer else None
            caller.lost |= answer is None or answer.outcome is BalancerOutcome.UNKNOWN
            self._world.note(
                f"{caller.name} at {caller.gateway}: {answer.outcome if answer else 'no answer'}"
                f" {answer.session.session_id if answer and answer.session else ''}"
            )
            if answer:
                self._world.checks.answered(caller.name, answer)
                refused += answer.outcome in NOT_PLACED
            if not car.key or (answer and (answer.outcome in FINAL or refused > car.patience)):
                caller.done = True
                break
            pause_s = answer.retry_after_ms / 1000 if answer else self._rng.uniform(0.1, 0.5)
            await asyncio.sleep(min(pause_s, 5.0) or self._rng.uniform(0.1, 0.5))
            caller.gateway = self._rng.choice(self._world.scenario.gateway_names)
        if car.stops_s and answer and answer.session:
            await asyncio.sleep(car.stops_s)
            await self._stop(caller.gateway, answer.session.session_id)

    async def _stop(self, gateway: str, session_id: str) -> None:
        answer = await self._ask(gateway, StopSession(session_id), 0.0)
        self._world.note(f"stop {session_id}: {answer.outcome if answer else 'no answer'}")
        if answer and answer.outcome is BalancerOutcome.NOT_FOUND and self._world.has_disk_of(session_id):
            self._world.checks.violated(f"session {session_id} was told, and is not found")

    async def _ask(
        self, gateway: str, command: "Charge | StopSession", hang_up_s: float
    ) -> BalancerAnswer | None:
        """Ask at a gateway; None when the connection breaks, there is none, or the caller hangs up."""
        loop, world = self._world.loop, self._world
        process = world.hosts[gateway].process
        await asyncio.sleep(self._rng.uniform(0.0001, 0.002))
        if not process or not process.alive or not process.serving:
            return None
        future: asyncio.Future[BalancerAnswer | None] = loop.create_future()
        awaiting = self._awaiting.setdefault(process, {})
        awaiting[future] = None
        services = process.parts

        async def handle() -> None:
            answer = await services.ask(command)
            loop.call_later(self._rng.uniform(0.0001, 0.002), _settle, future, answer)

        task = process.run(handle())
        if hang_up_s:
            loop.call_later(hang_up_s, _hang_up, task, future, context=process.context())
        try:
            return await future
        finally:
            awaiting.pop(future, None)


def _settle(future: "asyncio.Future[BalancerAnswer | None]", answer: BalancerAnswer | None) -> None:
    if not future.done():
        future.set_result(answer)


def _hang_up(task: "asyncio.Task[None]", future: "asyncio.Future[BalancerAnswer | None]") -> None:
    if not future.done():
        future.set_result(None)
        task.cancel()
