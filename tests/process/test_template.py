"""What comes of the template is a process like any other: its signals, its exit code, its streams, its place in /proc."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support import template
from tests.support.grid import ROOT, FreshGrid, Grid, until

ODD = [sys.executable, "-m", "tests.support.odd_program"]


def odd(*arguments: str, **options: Any) -> "subprocess.CompletedProcess[str]":
    return template.run([*ODD, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=60, **options)


def status(pid: int) -> str:
    return Path(f"/proc/{pid}/status").read_text()


def shown(pid: int, file: str) -> list[str]:
    return Path(f"/proc/{pid}/{file}").read_text().rstrip("\0").split("\0")


@pytest.mark.parametrize(
    ("how", "code", "words"),
    [
        ("well", 0, ""),
        ("code", 7, ""),
        ("words", 1, "it can't start\n"),
        ("fault", 1, "ValueError: a fault\n"),
        ("late", 0, "after the end of main\n"),
    ],
)
def test_an_exit_code_and_last_words_are_those_of_an_interpreter(how: str, code: int, words: str) -> None:
    done = odd(how)
    fresh = subprocess.run([*ODD, how], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (fresh.returncode, fresh.stdout) == (code, f"argument {how}\n")
    assert done.stderr.endswith(words)
    assert fresh.stderr.endswith(words)
    assert bool(done.stderr) == bool(words)


def waiting(**options: Any) -> "subprocess.Popen[Any]":
    """Start one that waits, and wait until it does."""
    process = template.popen(
        [*ODD, "wait"], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, **options
    )
    assert process.stdout
    assert process.stdout.readline() == b"argument wait\n"
    return process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_as_it_ends_an_interpreter(number: signal.Signals) -> None:
    with waiting() as process:
        process.send_signal(number)
        assert process.wait(60) == -number


def test_it_reads_and_writes_its_own_streams_and_sees_its_own_environment() -> None:
    environment = {"PATH": os.environ["PATH"], "ODD": "own"}
    assert odd("echo", env=environment, stdin=subprocess.DEVNULL).stdout == "argument echo\nown: \n"
    process = template.popen(
        [*ODD, "echo"],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.communicate("words", timeout=60)[0] == "argument echo\nown: words\n"


def test_it_is_a_child_with_its_own_session_command_line_and_descriptors_and_takes_every_signal() -> None:
    environment = {"PATH": os.environ["PATH"], "ODD": "own"}
    with waiting(env=environment, start_new_session=True) as process:
        pid = process.pid
        assert shown(pid, "cmdline") == [*ODD, "wait"]
        assert shown(pid, "environ") == [f"{name}={value}" for name, value in environment.items()]
        assert f"PPid:\t{os.getpid()}\n" in status(pid)
        assert os.getsid(pid) == pid
        assert sorted(each.name for each in Path(f"/proc/{pid}/fd").iterdir()) == ["0", "1", "2"]
        process.send_signal(signal.SIGSTOP)
        until(lambda: "\nState:\tT" in status(pid))
        process.send_signal(signal.SIGCONT)
        until(lambda: "\nState:\tT" not in status(pid))
        process.kill()
        assert process.wait(60) == -signal.SIGKILL


def signals(pid: int) -> list[str]:
    """What it ignores and what it handles."""
    return [line for line in status(pid).splitlines() if line.startswith(("SigIgn", "SigCgt"))]


def test_a_grid_s_services_are_children_of_its_supervisor_and_handle_the_signals_that_fresh_ones_do(
    tmp_path: Path,
) -> None:
    handled = []
    for kind in (Grid, FreshGrid):
        grid = kind(tmp_path / kind.__name__, GRID_SUBSTATIONS="1")
        grid.start()
        try:
            (supervisor,) = grid.pids("deploy.local.supervisor")
            services = [grid.pids(name)[0] for name in ("substation", "balancer", "gateway", "admin_ui")]
            assert all(f"PPid:\t{supervisor}\n" in status(pid) for pid in services)
            handled.append([signals(pid) for pid in (supervisor, *services)])
        finally:
            assert grid.stop() == 0
    assert handled[0] == handled[1]


@pytest.mark.parametrize(
    "options",
    [
        {"cwd": "/"},
        {"env": {"PYTHONWARNINGS": "error"}},
        {"env": {"LD_PRELOAD": ""}},
        {"preexec_fn": os.getpid},
    ],
    ids=str,
)
def test_what_a_fork_can_not_do_is_left_to_an_interpreter(options: dict[str, Any]) -> None:
    asked: dict[str, Any] = {"cwd": ROOT} | options
    assert template.can(ODD, {"cwd": ROOT})
    assert not template.can(ODD, asked)
    assert not template.can(["sh", "-c", "true"], {"cwd": ROOT})
