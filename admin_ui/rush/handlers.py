"""`/api/rush` and `/runs`: start and stop a run, list the runs, read their files, and compare them."""

import asyncio
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment
from tornado.iostream import StreamClosedError
from tornado.web import HTTPError

from admin_ui.rush.control import (
    COMPARE_WITHIN_S,
    DifferentRun,
    NoRunInProgress,
    RunInProgress,
    RushHourControl,
)
from admin_ui.rush.curve import RunCurve
from admin_ui.rush.options import parse_options, parse_run_ids, parse_stop
from admin_ui.rush.progress import Phase, RunProgress
from admin_ui.web.access import ConsoleHandler
from admin_ui.web.logins import Role
from admin_ui.web.pages import PageHandler, page_route
from admin_ui.web.routes import Route
from loadtest.contract import (
    COMPARE,
    DEFAULT_SEED,
    HTML,
    Verdict,
)
from runtime.problem import NOT_FOUND, UNAVAILABLE, Problem

# A report is a page that another program made from the answers of the grid. It may show its own style and pictures, but
# can do nothing in the name of the person who reads it.
REPORT_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; sandbox allow-downloads"
)
TYPES = {
    "html": "text/html; charset=utf-8",
    "json": "application/json",
    "csv": "text/csv; charset=utf-8",
    "jsonl": "application/x-ndjson",
}
CHUNK_BYTES = 256 * 1024
RUNS = "/rush-hour"
RUNNING = Problem("rush-running", 409, "A rush hour runs already")
HELD = Problem("rush-held", 409, "Another rush hour holds the grid")
NOT_READY = Problem("grid-not-ready", 503, "The grid is not ready for a rush hour")
NOT_STARTED = Problem("rush-failed", 502, "The rush hour did not start")
NONE_RUNS = Problem("no-rush", 409, "There is no rush hour to stop")
NOT_THIS_RUN = Problem(
    "rush-changed", 409, "Another rush hour is running, or somebody is already stopping this one"
)
REFUSALS: Mapping[str, Problem] = {
    Verdict.BUSY: HELD,
    Verdict.NOT_READY: NOT_READY,
    Verdict.ERROR: NOT_STARTED,
    Verdict.NOT_WRITTEN: NOT_STARTED,
}


class RushHandler(ConsoleHandler):
    """The base of these handlers."""

    def setup(self, rush: RushHourControl) -> None:  # type: ignore[override]
        """`rush` controls the run of this console, and has the runs folder."""
        self.rush = rush


class StartHandler(RushHandler):
    """`POST /api/rush` with preset and seed, and optionally requests and seconds."""

    acts = "start rush hour"

    async def post(self) -> None:
        """Answer 202 with the run once it has begun, or say why it has not."""
        assert self.login
        try:
            document = self.json_object()
            options = parse_options(document, [each.name for each in await self.rush.presets()])
            run = await self.rush.start(options, self.login.name, self.still_allowed)
        except ValueError as error:
            raise HTTPError(400, str(error)) from None
        except RunInProgress as error:
            self.write_problem(RUNNING, detail=str(error))
        else:
            self.audited = True
            self._answer(run)

    def _answer(self, run: RunProgress) -> None:
        if run.phase is Phase.FAILED:
            self.write_problem(NOT_STARTED, detail=run.why)
        elif problem := REFUSALS.get(run.verdict or ""):
            self.write_problem(problem, detail=run.why)
        else:
            self.write_json({"run_id": run.run_id, "phase": run.phase}, 202)


class StopHandler(RushHandler):
    """`POST /api/rush/stop` with run_id and end_sessions."""

    acts = "stop rush hour"

    async def post(self) -> None:
        """Answer when the run has ended, with its sessions if `end_sessions` is true; its measurements are kept."""
        assert self.login
        try:
            options = parse_stop(self.json_object())
            self.target = options.run_id or ""
            run = await self.rush.stop(options, self.login.name, self.still_allowed)
        except ValueError as error:
            raise HTTPError(400, str(error)) from None
        except NoRunInProgress as error:
            self.write_problem(NONE_RUNS, detail=str(error))
        except DifferentRun as error:
            self.write_problem(NOT_THIS_RUN, detail=str(error))
        else:
            self.audited = True
            result = {"run_id": run.run_id, "verdict": run.verdict, "why": run.why}
            self.write_json(result | {"taken_off": run.taken_off})


class CurveHandler(RushHandler):
    """`GET /api/rush/curve`."""

    async def get(self) -> None:
        """Write the figures over time of the run that is shown: one from elsewhere that holds the lease, or the console's last."""
        run = self.rush.elsewhere.run or self.rush.run
        empty = RunCurve().shown()
        self.write_json({"run_id": run.run_id if run else None} | (run.curve.shown() if run else empty))


class PresetsHandler(RushHandler):
    """`GET /api/rush/presets`."""

    async def get(self) -> None:
        """Write the presets and the default seed."""
        listed = [{"name": each.name, "about": each.about} for each in await self.rush.presets()]
        self.write_json({"presets": listed, "seed": DEFAULT_SEED})


class RunsHandler(RushHandler):
    """`GET /api/runs`."""

    async def get(self) -> None:
        """Write the runs, the newest first."""
        try:
            runs = await asyncio.to_thread(self.rush.folder.listed)
        except OSError as error:
            self.write_problem(UNAVAILABLE, detail=f"the folder of the runs can't be read: {error}")
        else:
            self.write_json({"runs": runs})


class RunFileHandler(RushHandler):
    """`GET /runs/{run_id}/{name}`: a file of a run; browsers show the report and download the data."""

    async def get(self, run_id: str, name: str) -> None:
        """Write the file."""
        path = await asyncio.to_thread(self.rush.folder.file, run_id, name)
        if not path:
            self.write_problem(NOT_FOUND)
            return
        self.set_header("Content-Type", TYPES[name.rpartition(".")[2]])
        if name.endswith(".html"):
            self.set_header("Content-Security-Policy", REPORT_POLICY)
        else:
            self.set_header("Content-Disposition", f'attachment; filename="{run_id}-{name}"')
        with path.open("rb") as file:
            try:
                while chunk := await asyncio.to_thread(file.read, CHUNK_BYTES):
                    first = name.endswith(".html") and file.tell() == len(chunk)
                    self.write(with_way_back(chunk, self.base + RUNS) if first else chunk)
                    await self.flush()
            except StreamClosedError:
                return
        await self.finish()


class CompareHandler(PageHandler):
    """`GET /runs/compare?run=...&run=...`: compares two runs or more."""

    def setup(self, environment: Environment, rush: RushHourControl, **more: Any) -> None:  # type: ignore[override]
        """`rush` has the runs folder."""
        super().setup(environment, **more)
        self._rush = rush

    async def get(self) -> None:
        """Write the page on which the load test compares the runs."""
        try:
            run_ids = parse_run_ids(self.get_query_arguments("run"))
        except ValueError as error:
            self.show("rush/compare_fault.html", 400, fault=str(error), back=self.base + RUNS)
            return
        back = f"{self.base}{RUNS}?compare={','.join(run_ids)}"
        async with self._rush.comparing:
            page, fault = await self._compared(run_ids)
        if page:
            self.set_header("Content-Security-Policy", REPORT_POLICY)
            self.set_header("Content-Type", TYPES["html"])
            self.finish(with_way_back(page, back))
        else:
            self.show("rush/compare_fault.html", 502, fault=fault, back=back)

    async def _compared(self, run_ids: list[str]) -> tuple[bytes, str]:
        """Return the page, or b"" and what is wrong in words."""
        with tempfile.TemporaryDirectory(prefix="compare-") as folder:
            file = Path(folder) / "compare.html"
            try:
                code, _, last_words = await self._rush.test.output(
                    [COMPARE, *run_ids, HTML, str(file)], COMPARE_WITHIN_S
                )
            except (OSError, TimeoutError) as error:
                return b"", str(error) or "it took too long"
            if code or not file.is_file():
                return b"", last_words.strip().rpartition("\n")[2] or "the load test wrote no page"
            return file.read_bytes(), ""


def with_way_back(page: bytes, address: str) -> bytes:
    """Return a page of the load test with a link to the list of runs at its top."""
    link = f'<p><a href="{address}">← Back to the runs</a></p>'
    return page.replace(b"<main>", b"<main>" + link.encode(), 1)


def routes(rush: RushHourControl, environment: Environment) -> list[Route]:
    """Return the routes of the rush hour and its runs."""
    arguments = {"rush": rush}
    compare = arguments | {"environment": environment, "here": "compare"}
    return [
        page_route("/rush-hour", "rush/rush.html", environment),
        Route("/api/rush", StartHandler, Role.OPERATOR, arguments),
        Route("/api/rush/stop", StopHandler, Role.OPERATOR, arguments),
        Route("/api/rush/curve", CurveHandler, Role.VIEWER, arguments),
        Route("/api/rush/presets", PresetsHandler, Role.VIEWER, arguments),
        Route("/api/runs", RunsHandler, Role.VIEWER, arguments),
        Route("/runs/compare", CompareHandler, Role.VIEWER, compare, page=True),
        Route("/runs/([^/]+)/([^/]+)", RunFileHandler, Role.VIEWER, arguments, page=True),
    ]
