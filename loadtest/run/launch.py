"""One run, or several in turn, as a process: signals, lines of progress, exit codes."""

import asyncio
import contextlib
import dataclasses
import functools
import os
import signal
import sys
import time
from collections.abc import Sequence

from loadtest.report import runs
from loadtest.run.measure import RunDisplay
from loadtest.run.one_run import REASONS, ended_by, run
from loadtest.run.order import RunOptions, RunOutcome, Verdict
from loadtest.run.rounds import check
from loadtest.send.credential import Credential
from loadtest.send.stop import StopSignal
from loadtest.show.pipe import Pipe
from loadtest.show.progress import ENDED, SCHEMA, STARTED, Progress
from loadtest.show.screen import NoScreen, screen

EXIT = {
    Verdict.HELD: 0,
    Verdict.BROKEN: 1,
    Verdict.CHANGED: 5,
    Verdict.NOT_WRITTEN: 1,
    Verdict.FAILED: 1,
    Verdict.NOT_READY: 3,
    Verdict.BUSY: 4,
    Verdict.LEASE_LOST: 4,
    Verdict.INTERRUPTED: 130,
}
EXIT_CODES = (
    "exit codes: 0 all thresholds held, 1 one broken, 2 usage, 3 grid not reachable, not ready or not one grid,"
    " 4 another run holds the rush hour, or the lease was lost, 5 somebody changed the grid during the run, 130 interrupted"
)
STDOUT = 1
COMPLETE = frozenset({Verdict.HELD, Verdict.BROKEN, Verdict.CHANGED})


async def launch(
    orders: Sequence[RunOptions], credential: Credential, *, to_program: bool
) -> list[RunOutcome]:
    """Run each order until its end or a signal; what does not go on to its end is the last.

    With `to_program` standard output has lines of progress and nothing else; there is one order then.
    """
    stop, loop = StopSignal(), asyncio.get_running_loop()
    for signal_number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(signal_number, stop.signalled, signal_number.name)
    keeping = functools.partial(stop.signalled, signal.SIGUSR1.name, keeps_sessions=True)
    loop.add_signal_handler(signal.SIGUSR1, keeping)

    def closed() -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: it has ended already
            loop.call_soon_threadsafe(stop.keeping_sessions, "nobody reads standard output any more")

    if refused := await _refused(orders, credential):
        return [_told(refused)]
    ended: list[RunOutcome] = []
    for number, order in enumerate(orders, start=1):
        if stop.is_set() or (ended and ended[-1].verdict not in COMPLETE):
            break
        shown = RunDisplay(
            NoScreen() if to_program else screen(closed),
            Progress(time.time, Pipe(STDOUT, closed) if to_program else None),
            stop,
        )
        if len(orders) > 1:
            shown.screen.console.print(
                f"run {number} of {len(orders)}: {order.policy or order.wish.preset.name}", highlight=False
            )
            order = dataclasses.replace(order, run_id=runs.new_id(order.wish.preset.name, order.wish.seed))  # noqa: PLW2901 - it begins now
        ended.append(_told(await _one(order, credential, shown)))
    return ended


def exit_code(ended: Sequence[RunOutcome]) -> int:
    """Return that of the last run if it did not go on to its end; else that of the worst one."""
    last = ended[-1].verdict if ended else Verdict.INTERRUPTED
    if last not in COMPLETE:
        return EXIT[last]
    return max(EXIT[each.verdict] for each in ended)


async def _refused(orders: Sequence[RunOptions], credential: Credential) -> RunOutcome | None:
    """Return why several runs can't begin: a policy that there is none of is told before anything is sent."""
    policies = dict.fromkeys(order.policy for order in orders if order.policy)
    if len(orders) == 1 or not policies:
        return None
    try:
        await check(orders[0], policies, credential)
    except REASONS as error:
        return ended_by(error)
    return None


async def _one(order: RunOptions, credential: Credential, shown: RunDisplay) -> RunOutcome:
    progress = shown.progress
    progress.tell(
        STARTED,
        schema=SCHEMA,
        run_id=order.run_id,
        preset=order.wish.preset.name,
        seed=order.wish.seed,
        requests=order.wish.requests,
        seconds=order.wish.seconds,
        gateway_url=order.gateway_url,
        balancer_url=order.balancer_url,
        pid=os.getpid(),
    )
    ended = RunOutcome(Verdict.FAILED, "a fault of this program")
    try:
        ended = await run(order, credential, shown)
    finally:
        paths = runs.files(ended.folder) if ended.folder else {}
        progress.tell(
            ENDED,
            run_id=order.run_id,
            verdict=ended.verdict,
            exit_code=EXIT[ended.verdict],
            why=ended.why,
            folder=str(ended.folder) if ended.folder else None,
            paths=paths,
        )
        await progress.close()
    return ended


def _told(ended: RunOutcome) -> RunOutcome:
    """Say on standard error why a run did not go on to its end."""
    if ended.why and ended.verdict is not Verdict.INTERRUPTED:
        with contextlib.suppress(OSError):  # nobody reads it
            print(f"loadtest: {ended.why}", file=sys.stderr, flush=True)  # noqa: T201 - a command line
    return ended
