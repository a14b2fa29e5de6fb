"""The rush hour of this console: one run of the load test at a time, as its child.

The grid's lease keeps runs apart, whoever starts them; this keeps apart the operators of this console.
A run that another process has started is told, never adopted: it is not ours to stop.
"""

import asyncio
import contextlib
import logging
import time
from typing import Any

import aiohttp

from admin_ui.audit.chain import AuditOutcome
from admin_ui.audit.log import Audit, Unwritable
from admin_ui.rush import child as rush_child
from admin_ui.rush import options as rush_wish
from admin_ui.rush.child import LoadTest
from admin_ui.rush.options import RushHourOptions, StopOptions
from admin_ui.rush.progress import Phase, RunSoFar
from admin_ui.rush.runs_folder import RunsFolder

log = logging.getLogger(__name__)

CONFIRMED_WITHIN_S = 20.0  # an interpreter that starts on a busy machine, and its first look at the grid
# The load test waits for open requests for 5 s, looks at every substation, and ends sessions for 30 s at most.
STOPPED_WITHIN_S = 60.0
LIST_WITHIN_S = 20.0
COMPARE_WITHIN_S = 60.0
GIVE_BACK_S = 1.0
OUTCOMES = dict.fromkeys(("held", "broken", "changed", "interrupted"), AuditOutcome.DONE)
NOT_BEGUN = frozenset({"busy", "not ready"})


class Running(Exception):
    """This console has a run that goes on already."""


class NotRunning(Exception):
    """There is no run of this console that could be stopped."""


class OtherRun(Exception):
    """The run to be stopped is not the running one, or somebody is already stopping it."""


class RushHours:
    """Starts, follows and stops runs; to be used on the event loop's thread."""

    def __init__(self, test: LoadTest, audit: Audit, http: aiohttp.ClientSession) -> None:
        self.folder = RunsFolder(test.runs)
        self.test = test
        self.run: RunSoFar | None = None
        self._audit = audit
        self._http = http
        self._process: asyncio.subprocess.Process | None = None
        self._following: asyncio.Task[None] | None = None
        self._known = asyncio.Event()  # whether the run goes on is known
        self._ended = 0
        self._presets: dict[str, str] = {}
        self.comparing = asyncio.Semaphore(1)

    async def presets(self) -> dict[str, str]:
        """Return the presets with a line about each; the default one alone when the load test does not list them."""
        if not self._presets:
            try:
                code, listed, last_words = await self.test.output(["--list"], LIST_WITHIN_S)
            except (OSError, TimeoutError) as error:
                code, listed, last_words = 1, "", str(error)
            self._presets = {} if code else rush_wish.presets(listed)
            if not self._presets:
                log.warning("the load test does not list its presets", extra={"why": last_words[-200:]})
        return self._presets or {rush_wish.DEFAULT_PRESET: ""}

    async def start(self, wish: RushHourOptions, by: str) -> RunSoFar:
        """Start a run, and return it once it is known whether it goes on; raises Running, Unwritable."""
        if self.run and not self.run.over:
            raise Running(_whose(self.run))
        run = self.run = RunSoFar(wish.asked(), by, time.time())  # before anything is waited for: it is taken
        self._known.clear()
        if self._following:  # the run before may still be written into the audit log
            await asyncio.wait([self._following])
        try:
            entry = await self._audit.begin(by, "start rush hour", wish.preset, "", wish.asked())
        except Unwritable as error:
            run.refuse(f"the audit log can't be written: {error}")
            raise
        try:
            self._process = await self.test.start([*wish.arguments(), *self.test.credentials()])
        except OSError as error:
            run.refuse(f"the load test can't be started: {error}")
        else:
            self._following = asyncio.create_task(self._follow(self._process, run, by))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._known.wait(), CONFIRMED_WITHIN_S)
        await self._audit.end(entry, _started(run), {"run_id": run.run_id, "why": run.why})
        return run

    async def stop(self, wish: StopOptions, by: str) -> RunSoFar:
        """Stop the run, and return it once it has ended; raises NotRunning, OtherRun, Unwritable."""
        run, process, following = self.run, self._process, self._following
        if not run or run.over or not process or not following:
            raise NotRunning("no run of this console goes on")
        if why := _why_no_stop(run, wish):
            raise OtherRun(why)
        run.stopped_by, run.ends_sessions = (
            by,
            wish.end_sessions,
        )  # before anything is waited for: it is taken
        asked: dict[str, object] = {"end_sessions": wish.end_sessions, "admitted": run.admitted}
        try:
            entry = await self._audit.begin(by, "stop rush hour", run.run_id or "", "", asked)
        except Unwritable:
            run.stopped_by = ""
            raise
        if process.returncode is None:
            process.send_signal(rush_child.END_SESSIONS if wish.end_sessions else rush_child.KEEP_SESSIONS)
        await asyncio.wait([following], timeout=STOPPED_WITHIN_S)
        if not run.over:
            log.warning("the load test does not stop: it is killed")
            await rush_child.end(process)
            await asyncio.wait([following])
        stopped = AuditOutcome.DONE if run.phase is Phase.ENDED else AuditOutcome.FAILED
        told: dict[str, object] = {"verdict": run.verdict, "why": run.why, "taken_off": run.taken_off}
        await self._audit.end(entry, stopped, told)
        return run

    async def close(self) -> None:
        """End the run that goes on, with its result written if it makes haste."""
        if self._process and self._following:
            await rush_child.end(self._process)
            await self._following

    def shown(self, holder: str | None) -> dict[str, Any]:
        """Return what browsers are shown; `holder` is the run that holds the grid's rush hour."""
        ours = self.run.run_id if self.run else None
        return {
            "run": self.run.shown() if self.run else None,
            "elsewhere": holder if holder != ours else None,
            "ended": self._ended,
        }

    async def _follow(self, process: asyncio.subprocess.Process, run: RunSoFar, by: str) -> None:
        def take(line: bytes) -> None:
            run.take(line)
            if run.phase is not Phase.STARTING:
                self._known.set()

        try:
            code, last_words = await rush_child.follow(process, take)
            run.end(code, last_words)
        except Exception:
            log.exception("a run could not be followed")
            await rush_child.end(process)
            run.refuse("the console could not follow the run: see its log")
        self._known.set()
        self._ended += 1
        if run.phase is Phase.FAILED:
            await self._give_back(run)
        if run.run_id and run.verdict not in NOT_BEGUN:
            outcome = OUTCOMES.get(run.verdict or "", AuditOutcome.FAILED)
            told: dict[str, object] = {"verdict": run.verdict, "why": run.why}
            await self._audit.note(by, "rush hour ended", run.run_id, outcome, told)

    async def _give_back(self, run: RunSoFar) -> None:
        """Give the lease of a run that was killed back; without an answer it ends by itself."""
        if not run.run_id:
            return
        url = f"{self.test.balancer_url}/rushhour/{run.run_id}"
        with contextlib.suppress(aiohttp.ClientError, TimeoutError):
            async with self._http.delete(url, timeout=aiohttp.ClientTimeout(total=GIVE_BACK_S)):
                pass


def _why_no_stop(run: RunSoFar, wish: StopOptions) -> str:
    if run.run_id != wish.run_id:
        return f"{run.run_id or 'a run that has no id yet'} is running now, not {wish.run_id or 'the run that was shown'}"
    if run.stopping:
        how = "ends its sessions" if run.ends_sessions else "leaves its sessions on the grid"
        return f"{run.stopped_by} stops {run.run_id} already, and {how}"
    return ""


def _whose(run: RunSoFar) -> str:
    shown = run.shown()
    return f"{shown['by']} has started {shown['run_id'] or shown['preset']} here, and it goes on"


def _started(run: RunSoFar) -> AuditOutcome:
    if run.phase is Phase.STARTING:
        return AuditOutcome.UNCONFIRMED
    if run.verdict in NOT_BEGUN:
        return AuditOutcome.REFUSED
    return AuditOutcome.FAILED if run.phase is Phase.FAILED else AuditOutcome.DONE
