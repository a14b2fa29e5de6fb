"""A console that runs alone, as a real process: without a balancer, or with a fake one."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from admin_ui.people import one_time_link
from tests.support import template
from tests.support.grid import LIMIT_S, ROOT, status, until
from tests.support.ports import free_port

PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


class LoneConsole:
    """One console at `url`, which follows a balancer at `balancer`."""

    def __init__(self, data: Path, balancer_port: int) -> None:
        port = free_port()
        self.data = data
        self.url = f"http://127.0.0.1:{port}"
        self.balancer = f"http://127.0.0.1:{balancer_port}"
        self.process = python(
            "admin_ui",
            DATA_DIR=str(data),
            CONSOLE_PORT=str(port),
            BALANCER_URL=self.balancer,
            GATEWAY_URL=f"http://127.0.0.1:{free_port()}",
        )
        until(lambda: status(f"{self.url}/livez") == 200)

    def link(self) -> str:
        """Return a new one-time link."""
        return one_time_link.url(self.data, self.url)

    def cpu_s(self) -> float:
        """Return the seconds of processor time that it has used."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS_A_SECOND

    def memory_bytes(self) -> int:
        """Return its resident memory."""
        return int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]) * PAGE_BYTES


def python(module: str, *arguments: str, **environment: str) -> subprocess.Popen[bytes]:
    """Start a module as a process; its output is dropped."""
    return template.popen(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        env=os.environ | environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


@contextlib.contextmanager
def ended(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """End a process afterwards."""
    try:
        yield
    finally:
        process.kill()
        process.wait(LIMIT_S)


@contextlib.contextmanager
def console(data: Path, count: int | None) -> Iterator[LoneConsole]:
    """A console before a made-up fleet of `count` substations; None for no balancer at all."""
    port = free_port()
    with contextlib.ExitStack() as stack:
        if count is not None:
            stack.enter_context(ended(python("tests.support.made_up_balancer", str(port), str(count))))
        made = LoneConsole(data, port)
        stack.enter_context(ended(made.process))
        yield made
