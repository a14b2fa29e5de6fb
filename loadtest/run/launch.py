"""The process of one run, or of several in turn: signals, progress, and why a run did not get to its end."""

import asyncio
import contextlib
import dataclasses
import functools
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence

from loadtest import contract, events
from loadtest.contract import COMPLETE, EXIT_CODES, Verdict
from loadtest.events import EndEvent, StartEvent
from loadtest.report import runs
from loadtest.run import rounds
from loadtest.run.lifecycle import run
from loadtest.run.measure import RunDisplay
from loadtest.run.options import RunOptions
from loadtest.run.outcome import REASONS, RunOutcome
from loadtest.send.credential import Credential
from loadtest.send.stop import StopSignal
from loadtest.show.pipe import Pipe
from loadtest.show.progress import Progress
from loadtest.show.screen import NoScreen, screen

EXIT_CODES_HELP = (
    "exit codes: 0 all thresholds passed, 1 a threshold failed, 2 usage, 3 grid not reachable, not ready or not one grid,"
    " 4 another run holds the rush hour, or the lease was lost, 5 somebody changed the grid during the run, 130 interrupted"
)
STDOUT = 1


async def launch(
    planned: Sequence[RunOptions], credential: Credential, *, to_program: bool
) -> list[RunOutcome]:
    """Run each of `planned` to its end or to a signal; after one that does not get to its end no other begins.

    With `to_program` standard output has lines of progress and nothing else; there is one run then.
    """
    stop, loop = StopSignal(), asyncio.get_running_loop()
    for signal_number in (signal.SIGINT, contract.END_SESSIONS, signal.SIGHUP):
        loop.add_signal_handler(signal_number, stop.signalled, signal_number.name)
    keep = functools.partial(stop.signalled, contract.KEEP_SESSIONS.name, keeps_sessions=True)
    loop.add_signal_handler(contract.KEEP_SESSIONS, keep)

    def on_closed() -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: the run has ended already
            loop.call_soon_threadsafe(stop.keeping_sessions, "nobody reads standard output any more")

    if refused := await _policies_refused(planned, credential):
        _report_reason(refused)
        return [refused]
    outcomes: list[RunOutcome] = []
    for number, options in enumerate(planned, start=1):
        if stop.is_set() or (outcomes and outcomes[-1].verdict not in COMPLETE):
            break
        display = _display(stop, on_closed, to_program=to_program)
        if len(planned) > 1:
            display.screen.console.print(f"run {number} of {len(planned)}: {options.label}", highlight=False)
            new_id = runs.new_id(options.plan.preset.name, options.plan.seed)  # it has the moment of this run
            options = dataclasses.replace(options, run_id=new_id)  # noqa: PLW2901
        if outcomes:
            options = rounds.at_the_same_time(options, outcomes[0])  # noqa: PLW2901
        outcome = await _run(options, credential, display)
        _report_reason(outcome)
        outcomes.append(outcome)
    return outcomes


def _display(stop: StopSignal, on_closed: Callable[[], None], *, to_program: bool) -> RunDisplay:
    if to_program:
        return RunDisplay(NoScreen(), Progress(time.time, Pipe(STDOUT, on_closed)), stop)
    return RunDisplay(screen(on_closed), Progress(time.time, None), stop)


async def _policies_refused(planned: Sequence[RunOptions], credential: Credential) -> RunOutcome | None:
    """Return why several runs can't begin: an unknown policy is reported before anything is sent."""
    policies = dict.fromkeys(each.policy for each in planned if each.policy)
    if len(planned) == 1 or not policies:
        return None
    try:
        await rounds.check(planned[0], policies, credential)
    except REASONS as error:
        return RunOutcome.of(error)
    return None


async def _run(options: RunOptions, credential: Credential, display: RunDisplay) -> RunOutcome:
    """Run once, with a first and a last line of progress whatever happens."""
    progress, plan = display.progress, options.plan
    progress.write(
        StartEvent(
            schema=events.PROGRESS_SCHEMA,
            run_id=options.run_id,
            preset=plan.preset.name,
            seed=plan.seed,
            requests=plan.requests,
            seconds=plan.seconds,
            gateway_url=options.gateway_url,
            balancer_url=options.balancer_url,
            pid=os.getpid(),
        )
    )
    outcome = RunOutcome(Verdict.ERROR, "a fault of this program")
    try:
        outcome = await run(options, credential, display)
    finally:
        progress.write(_end_event(options.run_id, outcome))
        await progress.close()
    return outcome


def _end_event(run_id: str, outcome: RunOutcome) -> EndEvent:
    return EndEvent(
        run_id=run_id,
        verdict=outcome.verdict,
        exit_code=EXIT_CODES[outcome.verdict],
        why=outcome.why,
        folder=str(outcome.folder) if outcome.folder else None,
        paths=runs.paths_by_name(outcome.folder) if outcome.folder else {},
    )


def _report_reason(outcome: RunOutcome) -> None:
    """Print to standard error why a run did not get to its end."""
    if outcome.why and outcome.verdict is not Verdict.INTERRUPTED:
        with contextlib.suppress(OSError):  # nobody reads it
            print(f"loadtest: {outcome.why}", file=sys.stderr, flush=True)
