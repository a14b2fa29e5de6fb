"""One run as a process: its signals, its lines of progress, its exit code."""

import asyncio
import contextlib
import os
import signal
import sys
import time

from loadtest import runs
from loadtest.credential import Credential
from loadtest.measure import Shown
from loadtest.order import Ended, Order, Verdict
from loadtest.pipe import Pipe
from loadtest.progress import ENDED, SCHEMA, STARTED, Progress
from loadtest.rush import run
from loadtest.screen import NoScreen, screen
from loadtest.stop import Stop

EXIT = {
    Verdict.HELD: 0,
    Verdict.BROKEN: 1,
    Verdict.NOT_WRITTEN: 1,
    Verdict.FAILED: 1,
    Verdict.NOT_READY: 3,
    Verdict.BUSY: 4,
    Verdict.LEASE_LOST: 4,
    Verdict.INTERRUPTED: 130,
}
EXIT_CODES = (
    "exit codes: 0 all thresholds held, 1 one broken, 2 usage, 3 grid not reachable, not ready or not one grid,"
    " 4 another run holds the rush hour, or the lease was lost, 130 interrupted"
)
STDOUT = 1


async def launch(order: Order, credential: Credential, *, to_program: bool) -> int:
    """Run one rush hour until its end or a signal; returns the exit code.

    With `to_program` standard output has lines of progress and nothing else.
    """
    stop, loop = Stop(), asyncio.get_running_loop()
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(signal_number, stop.because, f"{signal_number.name} came")

    def closed() -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: it has ended already
            loop.call_soon_threadsafe(stop.because, "nobody reads standard output any more")

    progress = Progress(time.time, Pipe(STDOUT, closed) if to_program else None)
    progress.tell(
        STARTED, schema=SCHEMA, run_id=order.run_id, preset=order.wish.preset.name, seed=order.wish.seed,
        requests=order.wish.requests, seconds=order.wish.seconds, gateway_url=order.gateway_url,
        balancer_url=order.balancer_url, pid=os.getpid(),
    )  # fmt: skip
    ended = Ended(Verdict.FAILED, "a fault of this program")
    try:
        ended = await run(
            order, credential, Shown(NoScreen() if to_program else screen(closed), progress, stop)
        )
    finally:
        paths = runs.files(ended.folder) if ended.folder else {}
        progress.tell(
            ENDED, run_id=order.run_id, verdict=ended.verdict, exit_code=EXIT[ended.verdict],
            why=ended.why, folder=str(ended.folder) if ended.folder else None, paths=paths,
        )  # fmt: skip
        await progress.close()
    if ended.why and ended.verdict is not Verdict.INTERRUPTED:
        with contextlib.suppress(OSError):  # nobody reads it
            print(f"loadtest: {ended.why}", file=sys.stderr, flush=True)  # noqa: T201 - a command line
    return EXIT[ended.verdict]
