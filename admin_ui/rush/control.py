"""The rush hour of this console: one run of the load test at a time, as a child process.

The grid's lease prevents two runs at once on one grid, even if different programs start them; this module prevents
two runs of one console. A run that another process has started is shown, and can't be stopped here.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

import aiohttp

from admin_ui.audit.chain import AuditOutcome
from admin_ui.audit.log import AuditLog, AuditUnwritable, require
from admin_ui.rush.child import LoadTest, end, follow
from admin_ui.rush.elsewhere import RunElsewhere
from admin_ui.rush.options import RushHourOptions, StopOptions
from admin_ui.rush.progress import Phase, RunProgress
from admin_ui.rush.runs_folder import RunsFolder
from admin_ui.web.problems import NoLongerAllowedError
from loadtest.contract import (
    COMPLETE,
    DEFAULT_PRESET,
    DEFAULT_SECONDS,
    END_SESSIONS,
    KEEP_SESSIONS,
    LIST_PRESETS,
    NOTHING_SENT,
    PresetSummary,
    Verdict,
    read_presets,
)

log = logging.getLogger(__name__)

CONFIRMED_WITHIN_S = 20.0  # for an interpreter to start on a busy machine and look at the grid
# The load test waits for open requests for 5 s, looks at every substation, and ends sessions for 30 s at most.
STOPPED_WITHIN_S = 60.0
LIST_WITHIN_S = 20.0
COMPARE_WITHIN_S = 60.0
GIVE_BACK_S = 1.0
OUTCOMES: Mapping[str, AuditOutcome] = dict.fromkeys((*COMPLETE, Verdict.INTERRUPTED), AuditOutcome.DONE)


class RunInProgress(Exception):
    """A run of this console is in progress already."""


class NoRunInProgress(Exception):
    """No run of this console is in progress."""


class DifferentRun(Exception):
    """The run in progress is not the one to stop, or somebody is already stopping it."""


class RushHourControl:
    """Starts, follows and stops runs. Use it on the event loop's thread."""

    def __init__(self, test: LoadTest, audit: AuditLog, http: aiohttp.ClientSession) -> None:
        self.folder = RunsFolder(test.runs)
        self.elsewhere = RunElsewhere(self.folder)
        self.test = test
        self.run: RunProgress | None = None
        self._audit = audit
        self._http = http
        self._process: asyncio.subprocess.Process | None = None
        self._following: asyncio.Task[None] | None = None
        self._confirmed = asyncio.Event()  # set once it is known whether the run has begun
        self._ended = 0
        self._presets: tuple[PresetSummary, ...] = ()
        self.comparing = asyncio.Semaphore(1)

    async def presets(self) -> tuple[PresetSummary, ...]:
        """Return the presets, the default one first; the default one alone when the load test does not list them."""
        if not self._presets:
            try:
                code, listed, last_words = await self.test.output(LIST_PRESETS, LIST_WITHIN_S)
            except (OSError, TimeoutError) as error:
                code, listed, last_words = 1, "", str(error)
            self._presets = () if code else read_presets(listed)
            if not self._presets:
                log.warning("the load test does not list its presets", extra={"why": last_words[-200:]})
        return self._presets or (PresetSummary(DEFAULT_PRESET, "", None, DEFAULT_SECONDS),)

    async def start(self, options: RushHourOptions, by: str, allowed: Callable[[], bool]) -> RunProgress:
        """Start a run, and return it once it is known whether it has begun.

        Raises RunInProgress, AuditUnwritable, and NoLongerAllowedError unless `by` is `allowed` to at that moment.
        """
        if self.run and not self.run.ended:
            raise RunInProgress(_whose(self.run))
        # The place is taken before the first await, so that a second start is refused.
        run = self.run = RunProgress(options.document(), by, time.time())
        self._confirmed.clear()
        if self._following:  # the end of the previous run may not be in the audit log yet
            await asyncio.wait([self._following])
        try:
            entry = await self._audit.begin(by, "start rush hour", options.preset, "", options.document())
            await require(self._audit, entry, allowed)
        except AuditUnwritable as error:
            run.refuse(f"the audit log can't be written: {error}")
            raise
        except NoLongerAllowedError as error:
            run.refuse(str(error))
            raise
        try:
            self._process = await self.test.start([*options.arguments(), *self.test.credentials()])
        except OSError as error:
            run.refuse(f"the load test can't be started: {error}")
        else:
            self._following = asyncio.create_task(self._follow(self._process, run, by))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._confirmed.wait(), CONFIRMED_WITHIN_S)
        await self._audit.end(entry, _started(run), {"run_id": run.run_id, "why": run.why})
        return run

    async def stop(self, options: StopOptions, by: str, allowed: Callable[[], bool]) -> RunProgress:
        """Stop the run, and return it once it has ended.

        Raises NoRunInProgress, DifferentRun, AuditUnwritable, NoLongerAllowedError.
        """
        run, process, following = self.run, self._process, self._following
        if not run or run.ended or not process or not following:
            raise NoRunInProgress("no run of this console is in progress")
        if why := _why_no_stop(run, options):
            raise DifferentRun(why)
        run.stop(by, end_sessions=options.end_sessions)  # before the first await: nobody else can stop it
        details: dict[str, object] = {"end_sessions": options.end_sessions, "admitted": run.admitted}
        try:
            entry = await self._audit.begin(by, "stop rush hour", run.run_id or "", "", details)
            await require(self._audit, entry, allowed)
        except (AuditUnwritable, NoLongerAllowedError):
            run.withdraw_stop()
            raise
        if process.returncode is None:
            process.send_signal(END_SESSIONS if options.end_sessions else KEEP_SESSIONS)
        await asyncio.wait([following], timeout=STOPPED_WITHIN_S)
        if not run.ended:
            log.warning("the load test does not stop: it is killed")
            await end(process)
            await asyncio.wait([following])
        stopped = AuditOutcome.DONE if run.phase is Phase.ENDED else AuditOutcome.FAILED
        result: dict[str, object] = {"verdict": run.verdict, "why": run.why, "taken_off": run.taken_off}
        await self._audit.end(entry, stopped, result)
        return run

    async def close(self) -> None:
        """Stop the run in progress; it writes its result if it ends in time."""
        if self._process and self._following:
            await end(self._process)
            await self._following

    def shown(self, holder: str | None) -> dict[str, Any]:
        """Return the run as browsers get it; `holder` is the id of the run that holds the grid's lease."""
        ours = self.run.run_id if self.run else None
        elsewhere = holder if holder != ours else None
        followed = self.elsewhere.look_for(elsewhere)
        return {
            "run": self.run.shown() if self.run else None,
            "elsewhere": elsewhere,
            "elsewhere_run": followed.shown() if followed else None,
            "ended": self._ended,
        }

    async def _follow(self, process: asyncio.subprocess.Process, run: RunProgress, by: str) -> None:
        def take(line: bytes) -> None:
            run.take(line)
            if run.phase is not Phase.STARTING:
                self._confirmed.set()

        try:
            code, last_words = await follow(process, take)
            run.end(code, last_words)
        except Exception:
            log.exception("a run could not be followed")
            await end(process)
            run.refuse("the console could not follow the run: see its log")
        self._confirmed.set()
        self._ended += 1
        if run.phase is Phase.FAILED:
            await _give_back(self._http, self.test.balancer_url(), run)
        if run.run_id and run.verdict not in NOTHING_SENT:
            outcome = OUTCOMES.get(run.verdict or "", AuditOutcome.FAILED)
            details: dict[str, object] = {"verdict": run.verdict, "why": run.why}
            await self._audit.note(by, "rush hour ended", run.run_id, outcome, details)


async def _give_back(http: aiohttp.ClientSession, balancer_url: str, run: RunProgress) -> None:
    """Give back the lease of a run that was killed; without an answer, the lease ends by itself."""
    if not run.run_id:
        return
    url = f"{balancer_url}/rushhour/{run.run_id}"
    with contextlib.suppress(aiohttp.ClientError, TimeoutError):
        async with http.delete(url, timeout=aiohttp.ClientTimeout(total=GIVE_BACK_S)):
            pass


def _why_no_stop(run: RunProgress, options: StopOptions) -> str:
    if run.run_id != options.run_id:
        return f"{run.run_id or 'a run that has no id yet'} is running now, not {options.run_id or 'the run that was shown'}"
    if run.stopping:
        how = "ends its sessions" if run.ends_sessions else "leaves its sessions on the grid"
        return f"{run.stopped_by} stops {run.run_id} already, and {how}"
    return ""


def _whose(run: RunProgress) -> str:
    shown = run.shown()
    return f"{shown['by']} has started {shown['run_id'] or shown['preset']} here, and it is still running"


def _started(run: RunProgress) -> AuditOutcome:
    if run.phase is Phase.STARTING:
        return AuditOutcome.UNCONFIRMED
    if run.verdict in NOTHING_SENT:
        return AuditOutcome.REFUSED
    return AuditOutcome.FAILED if run.phase is Phase.FAILED else AuditOutcome.DONE
