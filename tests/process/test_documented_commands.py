"""Every command of the README, the tutorial, the guides and the runbooks is typed as it stands, on one running grid.

What differs from a reader's machine: ports, ids that the grid makes up, and the size of a load test. A block that can't
be run says why in a comment; `NOT_RUN` counts them, so that none is added without notice.
"""

import collections
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.support.command_blocks import GRID_STOPPED, LEFT_RUNNING, Block, Command, blocks, lacks
from tests.support.grid import ROOT, Grid

DOCS = ROOT / "docs"
FIRST = [ROOT / "README.md", DOCS / "tutorial.md"]
LAST = [
    DOCS / "how-to" / page
    for page in ("back-up-a-journal.md", "back-up-the-balancer.md", "read-a-journal.md")
]  # these stop the grid
ALARMS = {*(DOCS / "runbooks").glob("*.md")} - {
    DOCS / "runbooks" / "SubstationUnseen.md"
}  # asks where nobody is
REFERENCE = [DOCS / "reference" / page for page in ("fleet.md", "load-test.md", "rushhour.md")]
PAGES = [*FIRST, *sorted({*(DOCS / "how-to").glob("*.md")} - {*LAST}), *REFERENCE, *sorted(ALARMS), *LAST]
NOT_RUN = {
    "README.md": {"starts the grid": 1},
    "tutorial.md": {"starts the grid": 2},
    "api-keys.md": {"listens on all addresses of the machine": 1, "another machine sends it": 1},
    "back-up-a-journal.md": {"it is a test itself": 1},
    "base-load.md": {"uses the ports of the grid that runs": 2, "needs a meter": 1},
    "behind-a-proxy.md": {"needs a proxy": 1},
    "compare-runs.md": {"takes minutes": 1, "starts another grid": 1},
    "console-people.md": {"needs a certificate": 1},
    "empty-disk.md": {"needs a substation that lost its disk": 1},
    "forecast-your-own-data.md": {
        "it is a test itself": 1,
        "there is no such file": 1,
        "needs the import": 1,
    },
    "grafana.md": {"opens an editor and writes files of the project": 1, "needs Prometheus": 1},
    "monitor-the-grid.md": {
        "needs an Alertmanager": 1,
        "changes files of the project": 1,
        "takes minutes": 1,
    },
    "operator-token.md": {"listens on all addresses of the machine": 1, "another machine sends it": 1},
    "other-ports-and-capacities.md": {"starts another grid": 2, "uses the ports of the grid that runs": 4},
    "report-on-a-rush-hour.md": {"takes minutes": 1},
    "encrypt-the-grid.md": {
        "starts the grid": 1,
        "a part of a grid": 2,
        "needs the grid of TLS=on": 1,
    },
    "order-book-in-postgresql.md": {"needs a database": 3, "needs an order book that was lost": 1},
    "run-in-containers.md": {"needs a container engine": 12},
    "run-on-a-swarm.md": {"needs a Swarm": 6},
    "run-on-kubernetes.md": {"needs a Kubernetes cluster": 4},
    "rush-hour-from-a-program.md": {"needs another machine": 1},
    "several-balancers.md": {"needs a database": 1},
    "several-gateway-processes.md": {"starts another grid": 1, "uses the ports of the grid that runs": 2},
    "single-sign-on.md": {
        "needs an OpenID provider": 1,
        "needs a container engine": 2,
        "needs a Swarm": 1,
    },
    "steer-the-grid.md": {"needs a substation that is gone for good": 1},
    **dict.fromkeys(
        ("runbooks/BookNotPruned.md", "runbooks/BookReplicaBehind.md", "runbooks/BookReplicaLost.md"),
        {"needs a database": 1},
    ),
}
# What the grid made up: a page shows one of its day, and the newest of this grid takes its place.
MADE_UP = (
    re.compile(r"substation-\d\.[0-9a-f]{16}"),
    re.compile(r"\d{8}T\d{6}Z-[a-z-]+-\d+-[0-9a-f]{4}"),
    re.compile(r"(?<=with pid )\d+|(?<=kill -9 )\d+"),
)
PRESETS = "rush-hour|burst|overload|spike|outage|hot-spot|day"
A_LOAD = re.compile(rf"(-m loadtest (?:{PRESETS})(?!.*--dry-run).*)$", re.MULTILINE)
SMALL = "--requests 3 --seconds 0.3"
MEASURED = re.compile(
    r'^report: |"kind": "ended"', re.MULTILINE
)  # a run that did what it was told, whatever its thresholds say
PROBLEM = "urn:smartgrid:problem:"
HUNG_S = 240.0  # several runs in one command, on a busy machine


class Reader:
    """Types what the pages say, in a folder that looks like the project's and is not it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "project"
        self.folder.mkdir()
        for path in ROOT.iterdir():
            if path.name not in {".venv", "data", ".git"}:
                (self.folder / path.name).symlink_to(path)
        (self.folder / ".venv").symlink_to(sys.prefix)
        self.grid = Grid(folder / "data", TIME_SCALE="2400", BASE_LOAD="")
        (self.folder / "data").symlink_to(self.grid.data)
        self.environment = {
            name: value for name, value in self.grid.environment.items() if name != "RUNS_DIR"
        } | {"ARGS": SMALL, "MAKEFLAGS": "--old-file=.venv/.runtime"}
        self.known: dict[re.Pattern[str], str] = {}
        self.outputs: list[str] = []
        self.running = contextlib.ExitStack()
        self.patience = 30  # how often a 503 is answered by another try

    def read(self, page: Path) -> None:
        """Type every block of a page."""
        self.outputs = []
        with self.running:
            for block in blocks(page.read_text(encoding="utf-8")):
                if not block.reason:
                    self._do(block)

    def left(self) -> list[str]:
        """Return the files that the commands have left beside those of the project."""
        return sorted(path.name for path in self.folder.iterdir() if not path.is_symlink())

    def _do(self, block: Block) -> None:
        self._bring(running=block.marker != GRID_STOPPED)
        for command in block.commands:
            if block.kind == "json":
                self._compare(command.typed)
            elif block.marker == LEFT_RUNNING:
                self.running.enter_context(self._left_running(command.typed))
            else:
                self._type(command, [sys.executable] if block.kind == "python" else ["bash", "-e"])

    def _bring(self, *, running: bool) -> None:
        """Start or stop the grid, if it is not as a block needs it."""
        up = self.grid.process is not None and self.grid.process.poll() is None
        if up and not running:
            self.grid.stop()
        if running and not up:
            self.grid.start()

    def _type(self, command: Command, program: list[str]) -> None:
        done = self._typed(command, program)
        while '"status": 503' in done.stdout and "Idempotency-Key" in command.typed and self.patience:
            self.patience -= 1  # as the pages say: repeat with the same key
            time.sleep(1)
            done = self._typed(command, program)
        said = f"{command.typed}\n{done.stdout}\n{done.stderr}"
        assert done.returncode == 0 or MEASURED.search(done.stdout), said
        assert PROBLEM in command.shown or PROBLEM not in done.stdout, said
        assert not lacks(command.shown, done.stdout + done.stderr), said
        self.outputs.append(done.stdout)
        for pattern in MADE_UP:
            if found := pattern.findall(done.stdout):
                self.known[pattern] = found[-1]

    def _typed(self, command: Command, program: list[str]) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [*program, "-c", self._here(command.typed)],
            cwd=self.folder,
            env=self.environment,
            text=True,
            input="a password of some length\n",
            capture_output=True,
            timeout=HUNG_S,
            check=False,
        )

    def _here(self, typed: str) -> str:
        """Return a command as it has to be typed for this grid."""
        for port, ours in self._ports().items():
            typed = re.sub(rf"\b{port}\b", ours, typed)
        for pattern, newest in self.known.items():
            typed = pattern.sub(newest, typed)
        typed = re.sub(r"--repeat \d+", "--repeat 2", typed)
        typed = typed.replace("/tmp/second-grid", str(self.folder.parent / "second-grid"))
        typed = re.sub(r'make rush-hour ARGS="', rf"\g<0>{SMALL} ", typed)
        return A_LOAD.sub(rf"\1 {SMALL}", typed)

    def _ports(self) -> Mapping[str, str]:
        ours = [self.grid.gateway, self.grid.balancer, self.grid.console, *self.grid.substations]
        return dict(
            zip(
                ("8000", "8001", "8080", "8101", "8102", "8103"),
                (url.rpartition(":")[2] for url in ours),
                strict=True,
            )
        )

    def _compare(self, sample: str) -> None:
        """Compare a sample of JSON with what the commands of its page have answered."""
        lines = [line for output in self.outputs for line in output.splitlines() if line.startswith("{")]
        answered = [set(json.loads(line)) for line in lines]
        assert set(json.loads(sample)) in answered, sample

    @contextlib.contextmanager
    def _left_running(self, typed: str) -> Iterator[None]:
        started = subprocess.Popen(
            ["bash", "-c", self._here(typed)],
            cwd=self.folder,
            text=True,
            env=self.environment | {"GRID_SUBSTATIONS": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        assert started.stdout
        try:
            assert any("Ctrl-C" in line for line in started.stdout), "it did not start"
            yield
        finally:
            os.killpg(started.pid, signal.SIGINT)  # as Ctrl-C in a terminal does
            started.communicate(timeout=HUNG_S)


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    made = Reader(tmp_path_factory.mktemp("reader"))
    made.grid.start()
    yield made
    if made.grid.process and made.grid.process.poll() is None:
        made.grid.stop()


def test_what_is_not_run_says_why_and_is_counted() -> None:
    found = {
        name(page).removeprefix("docs/").removeprefix("how-to/"): dict(
            collections.Counter(
                each.reason for each in blocks(page.read_text(encoding="utf-8")) if each.reason
            )
        )
        for page in PAGES
    }
    assert {page: reasons for page, reasons in found.items() if reasons} == NOT_RUN


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_the_commands_of_a_page_do_what_it_says(page: Path, reader: Reader) -> None:
    if "sqlite3 " in page.read_text(encoding="utf-8") and not shutil.which("sqlite3"):
        pytest.skip("sqlite3 is not installed")
    reader.read(page)
    assert reader.left() == [], "git would see files that no page says to remove"
