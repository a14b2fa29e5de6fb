"""One run of a seed: the grid starts, cars come and faults meet it, the faults end, and all has to come to rest."""

import asyncio
import contextlib
import dataclasses
import gc
import logging
import os
import random
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from tornado.ioloop import IOLoop

from tests.simulation.faults import Faults
from tests.simulation.loop import START_S, SimulatedLoop
from tests.simulation.rest import at_rest
from tests.simulation.scenario import Fault, Scenario, scenario
from tests.simulation.world import World

# Errors that the log may have, by the fault that they are about: one id under two journals within seconds.
EXPECTED = {"identity conflict: nothing is placed there": "another disk"}
DESCRIPTORS = Path("/proc/self/fd")
MEMORY = Path("/dev/shm")


@dataclasses.dataclass(frozen=True)
class Result:
    """What became of a run. `digest` is a hash of all that happened in it."""

    seed: int
    violations: tuple[str, ...]
    digest: str
    story: tuple[str, ...]
    virtual_s: float
    steps: int
    counts: dict[str, int]


def run(seed: int, faults: Sequence[Fault] | None = None, *, verbose: bool = False) -> Result:
    """Run a seed, with other faults than its own if some are given."""
    made = scenario(seed)
    if faults is not None:
        made = dataclasses.replace(made, faults=tuple(faults))
    return simulate(made, verbose=verbose)


def simulate(made: Scenario, *, verbose: bool = False) -> Result:
    """Run a scenario to its end."""
    folder = Path(tempfile.mkdtemp(prefix="simulation-", dir=MEMORY if MEMORY.is_dir() else None))
    state = random.getstate()
    random.seed(made.seed)
    try:
        with _quiet() as errors:
            return _simulated(made, folder, errors, verbose=verbose)
    finally:
        random.setstate(state)
        _close_notes(folder)
        shutil.rmtree(folder, ignore_errors=True)


def _simulated(made: Scenario, folder: Path, errors: list[str], *, verbose: bool) -> Result:
    """Run a scenario. Nothing of it is left when this returns but what waits for the garbage collector."""
    loop = SimulatedLoop()
    asyncio.set_event_loop(loop)
    try:
        world = World(made, loop, folder, verbose=verbose)
        loop.set_exception_handler(lambda _, about: errors.append(_words(about)))
        try:
            loop.run_until_complete(_life(world))
        except Exception as error:  # noqa: BLE001 - it is a finding
            world.checks.violated(f"the run ended: {error!r}")
        kinds = {fault.kind for fault in made.faults}
        for line in dict.fromkeys(errors):
            if EXPECTED.get(line) not in kinds:
                world.checks.violated(f"logged: {line}")
        return _result(world)
    finally:
        _throw_away(loop)


async def _life(world: World) -> None:
    made, faults = world.scenario, Faults(world)
    for name in world.hosts:
        world.start(name)
    todo = [(car.at_s, 0, number, car) for number, car in enumerate(made.cars)]
    todo += [(fault.at_s, 1, number, fault) for number, fault in enumerate(made.faults)]  # type: ignore[misc]
    for at_s, _, _, what in sorted(todo, key=lambda each: each[:3]):
        await asyncio.sleep(max(0.0, START_S + at_s - world.loop.now_s))
        if isinstance(what, Fault):
            faults.meet(what)
        else:
            world.cars.come(what)
    await asyncio.sleep(max(0.0, START_S + made.lasts_s - world.loop.now_s))
    faults.end()
    await at_rest(world, faults)


def _result(world: World) -> Result:
    world.digest.update(world.network.digest.digest())
    counts = {
        "cars": len(world.cars.callers),
        "admitted": len(world.checks.told),
        "sessions": len(world.checks.sessions),
        "faults": len(world.scenario.faults),
        **{f"crashes of {name}": number for name, number in world.crashes.items()},
    }
    return Result(
        world.scenario.seed,
        tuple(world.checks.violations),
        world.digest.hexdigest(),
        tuple(world.story),
        world.loop.now_s - START_S,
        world.loop.steps,
        counts,
    )


@contextlib.contextmanager
def _quiet() -> Iterator[list[str]]:
    """Keep what is logged from the screen; yields what is logged as an error."""
    errors: list[str] = []

    class Errors(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            what = record.getMessage()
            if record.exc_info and record.exc_info[1]:
                what += f": {record.exc_info[1]!r}"
            errors.append(what)

    root, handler = logging.getLogger(), Errors(logging.ERROR)
    level, handlers = root.level, root.handlers
    root.handlers = [handler]
    root.setLevel(logging.ERROR)
    hook, sys.unraisablehook = sys.unraisablehook, lambda _: None
    on = gc.isenabled()
    gc.disable()
    gc.freeze()  # what was there before a run is not looked through after it
    try:
        yield errors
    finally:
        root.handlers = handlers
        root.setLevel(level)
        gc.collect()
        gc.unfreeze()
        sys.unraisablehook = hook
        if on:
            gc.enable()


def _close_notes(folder: Path) -> None:
    """Close the notes of commits that killed processes have left open; SQLite closes its own files when it is forgotten."""
    for descriptor in DESCRIPTORS.iterdir():
        with contextlib.suppress(OSError):  # the one of this listing
            path = descriptor.readlink()
            if path.is_relative_to(folder) and path.name.endswith("-commits"):
                os.close(int(descriptor.name))


def _words(about: dict[str, object]) -> str:
    error = about.get("exception")
    return f"{about.get('message')}: {error!r}"


def _throw_away(loop: SimulatedLoop) -> None:
    """Forget the loop; what its tasks clean up now no longer counts."""
    loop.call_soon = loop.call_soon_threadsafe = _nothing  # type: ignore[method-assign,assignment]
    loop.set_exception_handler(lambda _, __: None)
    asyncio.set_event_loop(None)
    IOLoop._ioloop_for_asyncio.pop(loop, None)  # Tornado keeps it until there is another one
    loop.close()


def _nothing(*_: object, **__: object) -> None:
    """Do nothing."""
