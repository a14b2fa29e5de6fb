"""`make chaos KILLS=n MINUTES=n`: breaks grids until so many processes were killed, or so long, whichever is first.

What was done is in `data/chaos`, and a later run adds to it. Remove the folder to begin anew. As root, it runs in a
network of its own, where the kernel drops packets too.
"""

import argparse
import asyncio
import contextlib
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.chaos.faults import OUTSIDE, network, own_network
from tests.chaos.grid import FaultyGrid
from tests.chaos.plan import rounds
from tests.chaos.record import Record
from tests.chaos.run import Outcome, run, settings
from tests.support.fault_shim import built
from tests.support.postgres import programs, server

FOLDER = Path("data/chaos")
ROUNDS = 40  # of faults on one grid
RATE = 30.0  # keys a second
EVERY_THIRD = 3  # run has its order book in PostgreSQL


def main(kills: int, minutes: float) -> int:
    """Run; returns 1 when something was lost, doubled or above capacity, or service was not back, now or before."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    record = Record.read(FOLDER / "record.json")
    console = Console()
    end_s, last = time.monotonic() + minutes * 60, record.kills + kills
    with tempfile.TemporaryDirectory() as made:
        library = built(Path(made))
        while record.kills < last and time.monotonic() < end_s and not record.violations:
            _one(record, Path(made), library, end_s)
            console.print(
                f"run {record.runs}: {record.kills:,} kills, {record.faults.total():,} faults,"
                f" {record.figures['accepted']:,} keys accepted, {len(record.violations)} violations",
                highlight=False,
            )
    table = Table("fault or figure", "count")
    for row in record.rows():
        table.add_row(*row)
    console.print(table, *record.violations, sep="\n", markup=False)
    return 1 if record.violations else 0


def _one(record: Record, made: Path, library: Path, end_s: float) -> None:
    """Break one grid, and count what it showed; its data are kept if that is not in order."""
    seed = record.runs
    data = made / f"grid-{seed}"
    with contextlib.ExitStack() as stack:
        shared = seed % EVERY_THIRD == EVERY_THIRD - 1 and programs()
        database = stack.enter_context(server(made, "fsync=off")) if shared else None
        grid = FaultyGrid(data, library, database, 2 if database else 1, settings(RATE))
        outcome = asyncio.run(_broken(grid, seed, end_s))
    record.add(outcome, f"run {seed}")
    if outcome.violations:
        shutil.copytree(data, FOLDER / f"run-{seed}", dirs_exist_ok=True)
    shutil.rmtree(data)


async def _broken(grid: FaultyGrid, seed: int, end_s: float) -> Outcome:
    draw, packets = random.Random(seed), own_network()
    return await run(
        grid, RATE, lambda grid: rounds(grid, draw, packets=packets), most=ROUNDS, until_s=end_s, console=True
    )


def alone() -> None:
    """Become the same program in a network of its own, where that is permitted."""
    if os.geteuid() or OUTSIDE in os.environ or not shutil.which("iptables"):
        return
    begun = 'ip link set lo up && iptables -w -L -n >/dev/null && exec "$0" -m tests.chaos "$@"'
    command = ["unshare", "--net", "sh", "-c", begun, sys.executable, *sys.argv[1:]]
    if os.spawnvp(os.P_WAIT, "unshare", ["unshare", "--net", "true"]) == 0:
        os.execvpe("unshare", command, os.environ | {OUTSIDE: network()})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--kills", type=int, default=5000)
    parser.add_argument("--minutes", type=float, default=60.0)
    given = parser.parse_args()
    alone()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that no process is left
    sys.exit(main(given.kills, given.minutes))
