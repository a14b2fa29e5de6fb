"""Processes are killed and frozen under load, one after the other: what is lost, doubled, or above capacity."""

import asyncio
import dataclasses
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tests.support.duplicated_load import DuplicatedLoad, Request
from tests.support.histories import held_against
from tests.support.postgres import PostgresServer
from tests.support.several_balancers import GATEWAYS, SeveralBalancers, several_balancers

Row = dict[str, Any]
TIME_SCALE = 480.0
BODY = {"energy_kwh": 7.0, "max_power_kw": 11.0, "stay_minutes": 60.0}  # some 5 s at this time scale
COPIES = 3  # of each request, sent at once
# kW of each of three substations for a key a second: some 5 s x 11 kW / 2, so that two of them are just enough.
KW_OF_A_KEY_A_SECOND = 28
COUNTS = {"balancer": 3, "gateway": 2, "substation": 3}
OPEN_S = 8.0  # after an outage, all that were sent in this time ask again, and no more
FOR_S = 6.0  # a fault; longer than it takes to notice it
DATABASE = "PostgreSQL"
KILLED, FROZEN = "killed", "frozen"


@dataclasses.dataclass(frozen=True)
class Fault:
    """A process that is killed or frozen; `for_s` later it is started again, or goes on."""

    process: str
    how: str
    for_s: float

    @property
    def name(self) -> str:
        return f"{self.process} {self.how}"


def every_process() -> list[Fault]:
    """Return a kill and a freeze of each process, one after the other."""
    processes = [f"{kind}-{number}" for kind, count in COUNTS.items() for number in range(1, count + 1)]
    return [Fault(name, how, FOR_S) for name in (*processes, DATABASE) for how in (KILLED, FROZEN)]


def lost_processes(
    data: Path, database: PostgresServer, faults: Sequence[Fault], *, rate: float, calm_s: float
) -> list[Row]:
    """Send `rate` keys a second, COPIES of each at once over both gateways, while one fault follows the other.

    Between two faults, all runs for `calm_s`. Two of the substations are just enough for the load. Returns a
    row for each fault, and one for the whole.
    """
    capacity_kw = round(KW_OF_A_KEY_A_SECOND * rate)
    settings = {"TIME_SCALE": f"{TIME_SCALE:g}", "CAPACITY_KW": str(capacity_kw), "POLL_S": "0.5"}
    with several_balancers(data, database, 3, **settings) as grid:
        gateways = [grid.url(name) for name in GATEWAYS]
        load = DuplicatedLoad(gateways, rate, COPIES, BODY, most_open=round(OPEN_S * rate))
        rows = asyncio.run(_under_load(grid, load, faults, calm_s))
    verdict = held_against(grid.journals(), load.requests, capacity_kw * 1000)
    return [*rows, {"fault": "all, by the journals"} | verdict]


async def _under_load(
    grid: SeveralBalancers, load: DuplicatedLoad, faults: Sequence[Fault], calm_s: float
) -> list[Row]:
    sending = asyncio.create_task(load.run())
    happened = []
    await _accepting(load, time.monotonic())
    for fault in faults:
        await asyncio.sleep(calm_s)
        at_s, in_flight = time.monotonic(), load.in_flight
        await asyncio.to_thread(_begin(grid, fault))
        await asyncio.sleep(fault.for_s)
        await asyncio.to_thread(_end(grid, fault))
        await _accepting(load, time.monotonic())
        await asyncio.to_thread(grid.placeable)
        happened.append((fault, at_s, time.monotonic(), in_flight))
        print(_row(load.requests, *happened[-1]), file=sys.stderr, flush=True)
    await asyncio.sleep(calm_s)
    load.end()
    await sending
    return [_row(load.requests, *each) for each in happened]


async def _accepting(load: DuplicatedLoad, since_s: float) -> None:
    """Wait until a request that was sent after a moment is accepted."""
    while load.newest_accepted_s <= since_s:
        await asyncio.sleep(0.02)


def _begin(grid: SeveralBalancers, fault: Fault) -> Callable[[], None]:
    database = grid.database
    if fault.process == DATABASE and database:
        how = signal.SIGSTOP
        return (
            (lambda: database.signal(how)) if fault.how == FROZEN else (lambda: database.stop(signal.SIGQUIT))
        )
    return (lambda: grid.freeze(fault.process)) if fault.how == FROZEN else (lambda: grid.kill(fault.process))


def _end(grid: SeveralBalancers, fault: Fault) -> Callable[[], None]:
    database = grid.database
    if fault.process == DATABASE and database:
        return (lambda: database.signal(signal.SIGCONT)) if fault.how == FROZEN else database.start
    return (lambda: grid.thaw(fault.process)) if fault.how == FROZEN else (lambda: grid.start(fault.process))


def _row(requests: Sequence[Request], fault: Fault, at_s: float, until_s: float, in_flight: int) -> Row:
    """Return what clients saw of a fault: the first 201 of a request sent after it, and the longest wait of a copy."""
    after = [one for one in requests if at_s <= one.sent_s < until_s]
    touched = [
        one for one in requests if one.sent_s < until_s and max(one.accepted_s, default=until_s) > at_s
    ]
    return {
        "fault": f"{fault.name} for {fault.for_s:g} s",
        "in flight": in_flight,
        "keys/s": round(len(after) / (until_s - at_s)),
        "sent meanwhile": len(after),
        "without a 201": sum(not one.session_ids for one in touched),
        "doubled": sum(len(one.session_ids) > 1 for one in touched),
        "served again after, s": round(min(min(one.accepted_s) for one in after if one.accepted_s) - at_s, 2),
        "longest wait, s": round(
            max(max(one.accepted_s) - one.sent_s for one in touched if one.accepted_s), 2
        ),
    }
