"""Starts services from a template: a process that has imported all of them, and becomes one in a fork.

An interpreter that imports a service needs 0.15 to 0.3 s of a processor, a fork 0.02 s, and tests start hundreds.
`popen` and `run` are used as those of `subprocess`. What they start is a child of this process, with a command line and
an environment in /proc, descriptors, a session and an exit code of its own, and it takes every signal. It only lacks what
an interpreter does before its first import, so tests that are about a start itself use `subprocess`.

A program that becomes another one, or starts one in a fork of its own, as supervisord does, stays with the template while
that is one of the project: all processes of a grid come from it (`template_process.py`).
"""

import asyncio
import functools
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

ROOT = Path(__file__).resolve().parents[2]
ROOM_BYTES = 30_000  # for the command line, and for the environment, of a program as /proc shows them
BEFORE_IMPORTS = ("PYTHON", "LD_", "LC_", "LANG", "SSL_")  # what is read before a fork, if it is read
SYS_CLONE = {"x86_64": 56, "aarch64": 220}  # elsewhere, all processes are interpreters
HARMLESS = ("PYTHONPATH", "PYTHONDONTWRITEBYTECODE")  # the project is found, and has been compiled
FRESH = subprocess.Popen


class Template:
    """The process, and the way to ask it. `environment` is what its interpreter reads before it imports anything."""

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        self._link, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._lock = threading.Lock()
        with its:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.support.template_process", str(its.fileno()), "-" * ROOM_BYTES],
                cwd=ROOT,
                env=os.environ | (environment or {}) | {"ROOM": "-" * ROOM_BYTES},
                pass_fds=[its.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is for the tests; it ends when the link is closed
            )

    def start(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        standard: Sequence[int],
        *,
        session: bool,
    ) -> int:
        """Start a program with these three standard descriptors; returns the id of the process."""
        asked = {"command": list(command), "environment": dict(environment), "session": session}
        with self._lock:
            socket.send_fds(self._link, [json.dumps(asked).encode()], standard)
            answer = self._link.recv(100)
        if not answer:
            raise OSError("the template of the services is gone")
        return int(answer)

    def end(self) -> None:
        """End the template, and nothing that has come of it."""
        self._link.close()
        self.process.wait(30)


@functools.cache
def template() -> Template:
    """Return the template of this process, which is started now if it was not."""
    return Template()


def end() -> None:
    """End the template of this process, if it has one."""
    if template.cache_info().currsize:
        template().end()
        template.cache_clear()


class Forked(subprocess.Popen[Any]):
    """A process that comes of a template, by default the one of this process."""

    origin = staticmethod(template)

    def _execute_child(self, *given: Any) -> None:
        """Do what `subprocess` does by a fork and an execution. The arguments are those of Python 3.11 to 3.14."""
        command, environment, pipes, session = given[0], given[6], given[10:16], given[20]
        into, _, _, out, _, error = pipes
        standard = [end if end != -1 else number for number, end in enumerate((into, out, error))]
        inherited = os.environ if environment is None else environment
        self.pid = self.origin().start(command, inherited, standard, session=session)
        self._child_created = True
        self._close_pipe_fds(*pipes)  # type: ignore[attr-defined]


def popen(command: Sequence[str], **options: Any) -> "subprocess.Popen[Any]":
    """Start `python -m module ...` of the project as `subprocess.Popen` does, from the template where it can."""
    return (Forked if can(command, options) else FRESH)(command, **options)


async def create_subprocess_exec(*command: str, **options: Any) -> asyncio.subprocess.Process:
    """Start `python -m module ...` of the project as `asyncio.create_subprocess_exec` does."""
    with mock.patch.object(subprocess, "Popen", popen):  # which asyncio calls
        return await asyncio.create_subprocess_exec(*command, **options)


def run(
    command: Sequence[str],
    *,
    capture_output: bool = False,
    check: bool = False,
    timeout: float | None = None,
    **options: Any,
) -> "subprocess.CompletedProcess[Any]":
    """Run `python -m module ...` of the project to its end as `subprocess.run` does."""
    if capture_output:
        options |= {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with popen(command, **options) as process:
        try:
            out, err = process.communicate(timeout=timeout)
        except BaseException:
            process.kill()
            raise
    done = subprocess.CompletedProcess(command, process.returncode, out, err)
    if check:
        done.check_returncode()
    return done


def can(command: Sequence[str], options: Mapping[str, Any]) -> bool:
    """Whether the template can start this: a module, in the project, with nothing that is read before an import."""
    environment = options.get("env") or os.environ
    names = [name for name in environment if name.startswith(BEFORE_IMPORTS) and name not in HARMLESS]
    return (
        os.uname().machine in SYS_CLONE
        and "PYTEST_VERSION" in os.environ  # a proof and a measurement start what `make run` starts
        and list(command[:2]) == [sys.executable, "-m"]
        and Path(options.get("cwd") or Path.cwd()) == ROOT
        and not {"preexec_fn", "pass_fds", "umask", "process_group"} & set(options)
        and all(environment[name] == os.environ.get(name) for name in names)
    )
