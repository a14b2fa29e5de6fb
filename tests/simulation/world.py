"""A grid in virtual time: hosts, the processes on them, and the faults that meet them."""

import asyncio
import hashlib
import random
from pathlib import Path
from typing import Any

from balancer.settings import Settings as BalancerSettings
from runtime.steady_loop import SteadyLoop
from substation.contract import SessionState
from substation.settings import Settings as SubstationSettings
from tests.simulation import services
from tests.simulation.cars import Cars
from tests.simulation.checks import Checks, Known
from tests.simulation.disk import Disk
from tests.simulation.loop import START_S, SimulatedLoop
from tests.simulation.network import Network
from tests.simulation.process import Host, Process
from tests.simulation.scenario import DATABASE, Scenario
from tests.support.desk import Transformer

KW = 1000


class World:
    """All that there is in a run."""

    def __init__(self, scenario: Scenario, loop: SimulatedLoop, folder: Path, *, verbose: bool) -> None:
        self.scenario = scenario
        self.loop = loop
        self.checks = Checks()
        self.story: list[str] = []
        self.digest = hashlib.sha256()
        self.crashes: dict[str, int] = {}
        self._verbose = verbose
        self._seed = scenario.seed
        self.network = loop.network = Network(loop, self.rng("network"), self)
        self.network.conditions.late = scenario.late
        self.network.conditions.pieces = scenario.pieces
        self.cars = Cars(self, self.rng("cars"))
        self.hosts: dict[str, Host] = {}
        for name in scenario.hosts:
            disk = Disk(folder / name, self.rng(f"disk of {name}"))
            self.hosts[name] = Host(name, loop, disk, self.rng(name))
        self.base_loads = {name: Transformer() for name in scenario.substations}
        self.ended_processes: list[Process] = []
        SteadyLoop()  # Tornado keeps it

    def rng(self, what: str) -> random.Random:
        """Return chance of its own for one thing, so that another thing does not change it."""
        return random.Random(f"{self._seed} {what}")

    def note(self, what: str) -> None:
        """Go on with the story."""
        line = f"{self.loop.now_s - START_S:9.4f} {what}"
        self.story.append(line)
        self.digest.update(line.encode())
        if self._verbose:
            print(line, flush=True)

    def start(self, name: str) -> None:
        """Start what runs on a host, unless it runs."""
        host = self.hosts[name]
        if host.alive:
            return
        process = Process(host)
        task = process.run(self._serve(process))
        task.add_done_callback(lambda done: self._started(process, done), context=_nobody())

    def crash(self, process: Process, why: str = "") -> None:
        """Kill a process."""
        if not process.alive:
            return
        self.note(f"{process.name} crashes {why}")
        self.crashes[process.name[0]] = self.crashes.get(process.name[0], 0) + 1
        self.ended_processes.append(process)
        process.kill()
        self.cars.lost(process)
        self.loop.call_later(3.0, self.start, process.name, context=_nobody())

    def ended(self, process: Process, why: str) -> None:
        """A process has ended by itself: it could not go on."""
        self.checks.violated(f"{process.name} ended: {why}")
        self.crash(process, why)

    def ended_by_plan(self, known: Known) -> bool:
        """Whether a session has ended as planned: a withdrawal that came later found nothing to end."""
        process = self.hosts[known.host].process
        return (
            process is not None
            and known.record.state_at(process.parts.station.grid_ms()) is SessionState.COMPLETED
        )

    def has_disk_of(self, session_id: str) -> bool:
        """Whether the journal of a session is where its substation runs."""
        known = self.checks.sessions[session_id]
        process = self.hosts[known.host].process
        return (
            process is not None and process.serving and process.parts.station.journal_id == known.journal_id
        )

    def committed(self, process: Process, name: str) -> None:
        """Look at what a commit has written."""
        if name == "journal" and process.parts:
            self.checks.committed(process)

    def _started(self, process: Process, task: "asyncio.Task[None]") -> None:
        if not task.cancelled() and (error := task.exception()):
            self.checks.violated(f"{process.name} can't start: {error!r}")

    async def _serve(self, process: Process) -> None:
        name, scenario = process.name, self.scenario
        if name in self.base_loads:
            settings = SubstationSettings(
                capacity_kw=scenario.capacities_kw[scenario.substations.index(name)],
                time_scale=scenario.time_scale,
            )
            await services.substation(process, settings, self.base_loads[name])
            self.checks.opened(process)
        elif name == DATABASE:
            await services.database(process)
        elif name in scenario.balancers:
            urls = tuple(f"http://{each}:{services.PAGE_PORT}" for each in scenario.substations)
            given: dict[str, Any] = {"one_session_per_vehicle": int(scenario.one_session)}
            await services.balancer(
                process, BalancerSettings(substations=urls, **given), self.hosts.get(DATABASE)
            )
        else:
            await services.gateway(process, tuple(scenario.balancers))
        self.note(f"{name} serves")


def _nobody() -> Any:
    """Return a context that belongs to no process."""
    import contextvars  # noqa: PLC0415

    return contextvars.Context()
