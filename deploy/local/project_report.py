"""Writes project_report.pdf: runs a rush hour on a grid, and prints what it measured.

`make report` calls it. Without GATEWAY_URL it starts a grid of its own, on free ports and with its own
data, and ends it. It needs Chromium, which prints.
"""

import argparse
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from loadtest.paper.page import project_report
from loadtest.report.document import load
from loadtest.report.runs import RESULT

ROOT = Path(__file__).resolve().parents[2]
BROWSERS = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--no-first-run",
    "--no-pdf-header-footer",
)
PORTS = ("GATEWAY_PORT", "BALANCER_PORT", "BALANCER_GRPC_PORT")
SUBSTATIONS = 3
PRINT_TIMEOUT_S = 120
STOP_TIMEOUT_S = 30
LACKING = "Chromium is needed to print the report: apt-get install chromium, or name one in CHROMIUM."


def main() -> int:
    """Make the report; returns the exit code."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument(
        "--output", type=Path, default=ROOT / "project_report.pdf", help="where to [%(default)s]"
    )
    asked.add_argument("--result", type=Path, help="print this result: run nothing")
    told, rush_hour = asked.parse_known_args()
    browser = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)
    if not browser:
        sys.stderr.write(f"{LACKING}\n")
        return 2
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        result = told.result or _measured(folder, rush_hour)
        if not result.exists():
            sys.stderr.write("The rush hour left no result.\n")
            return 1
        page = folder / "project_report.html"
        page.write_text(project_report(load(result)), encoding="utf-8")
        _print(browser, page, told.output)
    print(f"report: {told.output}")
    return 0


def _measured(folder: Path, rush_hour: list[str]) -> Path:
    """Run a rush hour; returns where its result is, if it left one."""
    command = [sys.executable, "-m", "loadtest", "rush-hour", "--json", str(folder / RESULT), *rush_hour]
    with contextlib.nullcontext(os.environ) if os.environ.get("GATEWAY_URL") else _grid(folder) as environ:
        subprocess.run(command, cwd=ROOT, env=environ, check=False)  # noqa: S603 - a broken threshold is reported too
    return folder / RESULT


@contextlib.contextmanager
def _grid(folder: Path) -> Iterator[dict[str, str]]:
    """Start a grid; yields an environment that names it, and ends it."""
    ports = {name: str(port) for name, port in zip(PORTS, _free_ports(len(PORTS)), strict=True)}
    first = _free_range(2 * SUBSTATIONS)
    ports |= {"SUBSTATION_PORT": str(first), "SUBSTATION_GRPC_PORT": str(first + SUBSTATIONS)}
    environ = {**os.environ, **ports, "DATA_DIR": str(folder / "data"), "GRID_SUBSTATIONS": str(SUBSTATIONS)}
    grid = subprocess.Popen(
        [sys.executable, "-m", "deploy.local.grid"], cwd=ROOT, env=environ, stdout=subprocess.PIPE, text=True
    )
    try:
        for line in grid.stdout or ():
            if "Ctrl-C" in line:
                break
        urls = {"GATEWAY_URL": PORTS[0], "BALANCER_URL": PORTS[1]}
        yield environ | {name: f"http://127.0.0.1:{ports[port]}" for name, port in urls.items()}
    finally:
        grid.send_signal(signal.SIGINT)
        grid.communicate(timeout=STOP_TIMEOUT_S)


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


def _free_range(count: int) -> int:
    """Return the first of `count` ports in a row that were free a moment ago."""
    for first in range(20_000 + os.getpid() % 500 * 20, 32_000, count):
        with contextlib.ExitStack() as stack, contextlib.suppress(OSError):
            for port in range(first, first + count):
                stack.enter_context(socket.socket()).bind(("127.0.0.1", port))
            return first
    raise OSError("no free ports")


def _print(browser: str, page: Path, to: Path) -> None:
    with tempfile.TemporaryDirectory() as profile:
        subprocess.run(  # noqa: S603 - the browser that was found
            [browser, *FLAGS, f"--user-data-dir={profile}", f"--print-to-pdf={to.absolute()}", page.as_uri()],
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=PRINT_TIMEOUT_S,
        )


if __name__ == "__main__":
    sys.exit(main())
