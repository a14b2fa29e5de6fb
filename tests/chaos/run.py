"""A keyed load with duplicates on one grid, while faults come in rounds; and what its journals say afterwards."""

import asyncio
import collections
import dataclasses
import itertools
import time
from collections.abc import Callable, Iterable
from typing import Any

from tests.chaos.faults import Killed
from tests.chaos.grid import FaultyGrid, faulty_grid
from tests.chaos.plan import Round
from tests.support.duplicated_load import DuplicatedLoad
from tests.support.histories import held_against
from tests.support.several_balancers import GATEWAYS

TIME_SCALE = 480.0
BODY = {"energy_kwh": 7.0, "max_power_kw": 11.0, "stay_minutes": 60.0}  # some 5 s at this time scale
COPIES = 2  # of each request, sent at once
# kW of each of three substations for a key a second: some 5 s x 11 kW / 2, so that two of them are just enough.
KW_OF_A_KEY_A_SECOND = 28
OPEN_S = (
    5.0  # load and links share a process: what asks again for longer keeps the links from passing anything on
)
SERVED_S = 180.0  # a limit, not an expectation


@dataclasses.dataclass
class Outcome:
    """What a run showed. `faults` counts what was done by family, and `recovery_s` has a time for each round."""

    faults: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    kills: int = 0
    missed: int = 0  # failpoints that were not reached in time: the process was signalled wherever it was
    recovery_s: list[tuple[float, str]] = dataclasses.field(default_factory=list)
    violations: list[str] = dataclasses.field(default_factory=list)
    figures: dict[str, Any] = dataclasses.field(default_factory=dict)


def settings(rate: float, poll_s: float = 0.2) -> dict[str, str]:
    """Return the settings of a grid of which two substations are just enough for so many keys a second."""
    capacity_kw = round(KW_OF_A_KEY_A_SECOND * rate)
    return {"TIME_SCALE": f"{TIME_SCALE:g}", "CAPACITY_KW": str(capacity_kw), "POLL_S": f"{poll_s:g}"}


async def run(
    grid: FaultyGrid,
    rate: float,
    rounds: Callable[[FaultyGrid], Iterable[Round]],
    *,
    most: int,
    until_s: float = float("inf"),
    console: bool = False,
) -> Outcome:
    """Send `rate` keys a second during at most so many rounds of faults, until a monotonic moment."""
    outcome = Outcome()
    gateways = [grid.client_url(name) for name in GATEWAYS]
    load = DuplicatedLoad(gateways, rate, COPIES, BODY, most_open=round(OPEN_S * rate))
    async with faulty_grid(grid, console=console):
        sending = asyncio.create_task(load.run())
        try:
            await _served(grid, load, time.monotonic())
            for faults, for_s in itertools.islice(rounds(grid), most):
                await _round(grid, load, (faults, for_s), outcome)
                if time.monotonic() > until_s or outcome.violations or sending.done():
                    break
        finally:
            load.end()
        await sending
    _judge(grid, load, rate, outcome)
    return outcome


async def _round(grid: FaultyGrid, load: DuplicatedLoad, drawn: Round, outcome: Outcome) -> None:
    """Let faults begin together, last, and end; then everything serves again, and nothing else has ended."""
    faults, for_s = drawn
    told = " and ".join(f"{fault}" for fault in faults)
    for fault in faults:
        outcome.faults[fault.family] += 1
        outcome.kills += isinstance(fault, Killed)
    began = await asyncio.gather(*(fault.begin(grid) for fault in faults), return_exceptions=True)
    await asyncio.sleep(for_s)
    may_end = {fault.may_end for fault in faults}
    ended = {name: code for name in grid.names if (code := grid.code(name)) is not None}
    outcome.violations += [
        f"{name} ended by itself with {code}: {told}" for name, code in ended.items() if name not in may_end
    ]
    await asyncio.gather(*(fault.end(grid) for fault in faults))
    over_s = time.monotonic()
    outcome.violations += [f"{error!r}: {told}" for error in began if isinstance(error, BaseException)]
    outcome.missed += began.count(False)
    try:
        await _served(grid, load, over_s)
    except AssertionError as error:
        outcome.violations.append(f"{error}: {told}; {_stand(grid)}")
    outcome.recovery_s.append((time.monotonic() - over_s, told))


def _stand(grid: FaultyGrid) -> str:
    """Return which processes have ended, with the last words of each, for somebody who looks for the cause."""
    said = grid.said()
    ended = [(name, code) for name in grid.names if (code := grid.code(name)) is not None]
    return "; ".join(f"{name} ended with {code}: {said[name][-300:]}" for name, code in ended) or "all run"


async def _served(grid: FaultyGrid, load: DuplicatedLoad, since_s: float) -> None:
    """Wait until a request that was sent since then has its 201, and every process finds every other one up."""
    while load.newest_accepted_s <= since_s:
        if time.monotonic() > since_s + SERVED_S:
            raise AssertionError(f"no request was accepted within {SERVED_S:g} s after the faults")
        await asyncio.sleep(0.01)
    while True:
        try:
            return await asyncio.to_thread(grid.placeable)
        except AssertionError:  # after a minute
            if time.monotonic() > since_s + SERVED_S:
                raise


def _judge(grid: FaultyGrid, load: DuplicatedLoad, rate: float, outcome: Outcome) -> None:
    figures = held_against(grid.journals(), load.requests, round(KW_OF_A_KEY_A_SECOND * rate) * 1000)
    outcome.figures = figures
    for name in ("lost", "doubled", "above capacity, W"):
        if figures[name]:
            outcome.violations.append(f"{name}: {figures[name]}")
    if not figures["keys"] == figures["accepted"] == figures["sessions"]:
        outcome.violations.append(f"not every key has one session in the end: {figures}")
