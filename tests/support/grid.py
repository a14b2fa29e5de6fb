"""A whole grid of real processes, started as `make run` does, on free ports and its own data."""

import json
import os
import select
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from admin_ui.people import one_time_link
from tests.support import template

ROOT = Path(__file__).resolve().parents[2]
LIMIT_S = 60.0  # nothing here takes as long unless it hangs


class Grid:
    """One grid; `start` it as often as needed, `stop` it at the end. Its processes come from the template."""

    popen: Callable[..., "subprocess.Popen[str]"] = staticmethod(template.popen)

    def __init__(self, data: Path, **environment: str) -> None:
        first = free_range(12)
        self.data = data
        self.gateway = f"http://127.0.0.1:{first}"
        self.balancer = f"http://127.0.0.1:{first + 1}"
        self.console = f"http://127.0.0.1:{first + 9}"
        self.substations = [f"http://127.0.0.1:{first + 3 + n}" for n in range(3)]
        self.environment = {
            **os.environ,
            "DATA_DIR": str(data),
            "GATEWAY_PORT": str(first),
            "BALANCER_PORT": str(first + 1),
            "BALANCER_STREAM_PORT": str(first + 2),
            "SUBSTATION_PORT": str(first + 3),
            "SUBSTATION_STREAM_PORT": str(first + 6),
            "CONSOLE_PORT": str(first + 9),
            "GATEWAY_MONITOR_PORT": str(first + 10),  # with GATEWAY_PROCESSES=2; it takes the next port too
            "PROMETHEUS_PORT": "0",
            "BASE_LOAD": "off",  # but in tests that are about it
            "RUNS_DIR": str(data / "runs"),
            **environment,
        }
        self.process: subprocess.Popen[str] | None = None
        self.printed = ""

    def start(self, limit_s: float = LIMIT_S) -> None:
        """Start it and wait until it says that it runs; end it and fail with what it printed when it never does."""
        self.process = self.popen(
            [sys.executable, "-m", "deploy.local.grid"],
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        assert self.process.stdout
        try:
            self.printed = printed_until_ready(self.process.stdout, limit_s)
        except AssertionError:
            self.kill_all()
            raise
        assert "The grid runs" in self.printed, self.printed

    def stop(self) -> int:
        """End it as Ctrl-C does; returns the exit code."""
        assert self.process
        self.process.send_signal(signal.SIGINT)
        code = self.process.wait(LIMIT_S)
        if self.process.stdout:
            self.process.stdout.close()
        return code

    def link(self) -> str:
        """Return a new one-time link to the console."""
        return one_time_link.url(self.data, self.console)

    def pids(self, service: str) -> list[int]:
        """Return the ids of this grid's processes of a service ('' for all of them)."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                command = (folder / "cmdline").read_bytes().decode().split("\0")
                mine = f"DATA_DIR={self.data}".encode() in (folder / "environ").read_bytes().split(b"\0")
            except OSError:
                continue
            if mine and len(command) > 2 and command[1] == "-m" and (not service or command[2] == service):
                found.append(int(folder.name))
        return sorted(found)

    def kill(self, service: str, index: int = 0) -> None:
        """kill -9 one process of a service."""
        os.kill(self.pids(service)[index], signal.SIGKILL)

    def kill_all(self) -> None:
        """kill -9 every process of the grid, the supervisor first."""
        for service in ("deploy.local.supervisor", ""):
            for pid in self.pids(service):
                os.kill(pid, signal.SIGKILL)
        if self.process:
            self.process.kill()  # one that has just begun has no environment in /proc yet
            self.process.wait(LIMIT_S)
            assert self.process.stdout
            self.process.stdout.close()
        for pid in self.pids(""):  # what it started meanwhile
            os.kill(pid, signal.SIGKILL)

    def wait(self, path: str = "/readyz") -> None:
        """Wait until every service answers `path` with success."""
        for base in (*self.substations, self.balancer, self.gateway, self.console):
            until(lambda base=base: status(base + path) == 200)

    def sessions(self) -> list[dict[str, Any]]:
        """Return all sessions of all substations, ended ones too."""
        found = []
        for base in self.substations:
            after: int | None = 0
            while after is not None:
                page = get(f"{base}/sessions?limit=1000&after={after}")
                found += page["sessions"]
                after = page["next_after"]
        return found

    def journals(self) -> dict[str, list[sqlite3.Row]]:
        """Return the session rows of every journal; only when nothing runs."""
        rows = {}
        for path in sorted(self.data.glob("*/journal.sqlite")):
            rows[path.parent.name] = sessions_in(path)
        return rows

    def journal_copies(self) -> dict[str, list[sqlite3.Row]]:
        """Return the session rows of a backup of every journal, by substation: for a grid that has to go on."""
        rows = {}
        for base in self.substations:
            with urllib.request.urlopen(f"{base}/backup", b"", timeout=LIMIT_S) as answer:
                copy = Path(json.loads(answer.read())["path"])
            rows[copy.parents[1].name] = sessions_in(copy)
        return rows

    def empty(self, key: str = "") -> None:
        """Stop every session, and wait until the balancer knows; `key` is an API key, where they are asked for."""
        for session in self.sessions():
            if session["state"] == "charging":
                self.end_session(session["session_id"], key)
        until(lambda: all(each["load_kw"] == 0 for each in get(f"{self.balancer}/fleet")["substations"]))

    def end_session(self, session_id: str, key: str = "") -> Any:
        """Stop a session as its client does; returns the answer."""
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        url = f"{self.gateway}/charge/{session_id}"
        request = urllib.request.Request(url, headers=headers, method="DELETE")
        with urllib.request.urlopen(request, timeout=LIMIT_S) as answer:
            return json.loads(answer.read())

    def sample(self, name: str) -> float:
        """Return the sum of all samples of a name over the substations."""
        total = 0.0
        for base in self.substations:
            for line in text(f"{base}/metrics?name[]={name}").splitlines():
                if line.startswith(name):
                    total += float(line.rpartition(" ")[2])
        return total


class FreshGrid(Grid):
    """One grid for tests of the start itself: each of its processes is an interpreter that has just started."""

    popen = staticmethod(subprocess.Popen)


def printed_until_ready(output: IO[str], limit_s: float) -> str:
    """Return what a grid prints until it runs or has ended; fails with that after `limit_s`."""
    printed, end_s = b"", time.monotonic() + limit_s
    poll = select.poll()
    poll.register(output, select.POLLIN)
    while b"Ctrl-C" not in printed:
        ready = poll.poll(max(0.0, end_s - time.monotonic()) * 1000)
        assert ready, f"the grid is not ready after {limit_s:.0f} s; it printed:\n{printed.decode()}"
        piece = os.read(output.fileno(), 65_536)
        if not piece:
            break
        printed += piece
    return printed.decode()


def sessions_in(journal: Path) -> list[sqlite3.Row]:
    """Return the rows of all sessions in a journal that nobody has open."""
    database = sqlite3.connect(journal)
    database.row_factory = sqlite3.Row
    try:
        return database.execute("SELECT * FROM record WHERE session_id IS NOT NULL").fetchall()
    finally:
        database.close()


def most_at_once(intervals: list[tuple[int, int, int]]) -> int:
    """Return the highest sum of watts over (start, end, watts); an end frees before a start takes."""
    events = sorted(
        [(end, -watts) for _, end, watts in intervals] + [(start, watts) for start, _, watts in intervals]
    )
    highest = load = 0
    for _, watts in events:
        load += watts
        highest = max(highest, load)
    return highest


def free_range(count: int) -> int:
    """Return the first of `count` ports in a row that are free; no two workers of pytest are given the same."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    begin = 20_000 + worker % 8 * 1_500
    for first in range(begin + os.getpid() % 50 * 20, begin + 1_500, count):
        if all(_free(port) for port in range(first, first + count)):
            return first
    raise OSError("no free ports")


def _free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def until(condition: Any) -> None:
    """Wait until `condition()` is true; fail when it never is."""
    end = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < end, "it never came to be"
        time.sleep(0.05)


def status(url: str) -> int:
    """Return the status of a GET, 0 without an answer."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code
    except OSError:
        return 0


def text(url: str) -> str:
    """Return the body of a GET."""
    with urllib.request.urlopen(url, timeout=10) as answer:
        return str(answer.read().decode())


def get(url: str) -> Any:
    """Return the JSON body of a GET."""
    return json.loads(text(url))
