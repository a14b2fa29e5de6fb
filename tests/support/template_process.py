"""The template's own process: forks, and becomes a module of the project in the fork, as if it had been executed."""

import atexit
import contextlib
import ctypes
import gc
import importlib
import json
import os
import re
import runpy
import shlex
import signal
import socket
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn, TextIO, cast

from tests.support.template import ROOT, SYS_CLONE

# What is imported before the first fork: all of the services, and the programs that tests start most.
MODULES = (
    "substation.__main__",
    "balancer.__main__",
    "gateway.__main__",
    "admin_ui.__main__",
    "loadtest.__main__",
    "balancer.forecast.__main__",
    "deploy.local.grid",
    "deploy.local.supervisor",
    "deploy.local.announce",
)
# How supervisord starts a program of the project: deploy/local/supervision.py.
IN_PROJECT = re.compile(r'cd "\$GRID_ROOT" && exec "\$GRID_PYTHON" (?P<arguments>.+)')
AT_MOST_BYTES = 200_000  # of a request
ARGUMENTS, ENVIRONMENT = (47, 48), (49, 50)  # where these begin and end: fields of /proc/self/stat, from 0
CLONE_PARENT = 0x8000
C = ctypes.PyDLL(None)
really_execute = os.execve


def main() -> None:
    """Fork for each request until the link is closed."""
    link = socket.socket(fileno=int(sys.argv[1]))
    link.set_inheritable(False)
    for module in MODULES:
        importlib.import_module(module)
    gc.collect()
    gc.freeze()  # what is not touched is not copied
    while True:
        message, descriptors, _, _ = socket.recv_fds(link, AT_MOST_BYTES, 3)
        if not message:
            return
        if not (pid := fork_for_parent()):
            for number, each in enumerate(descriptors):
                os.dup2(each, number)
                os.close(each)
            start(json.loads(message))
        for each in descriptors:
            os.close(each)
        link.send(b"%d" % pid)


def fork_for_parent() -> int:
    """Fork such that the child is one of this process's parent, which waits for it as for any other of its children."""
    C.PyOS_BeforeFork()
    pid = int(C.syscall(SYS_CLONE[os.uname().machine], CLONE_PARENT | signal.SIGCHLD, 0, 0, 0, 0))
    (C.PyOS_AfterFork_Parent if pid else C.PyOS_AfterFork_Child)()
    if pid < 0:
        raise OSError("no process can be started")
    return pid


def start(asked: Mapping[str, Any]) -> NoReturn:
    """Become what was asked for, in the fork."""
    if asked["session"]:
        os.setsid()
    os.execve = execute  # type: ignore[assignment]  # it takes what the project and supervisord give it
    execute(sys.executable, asked["command"], asked["environment"])


def execute(path: str, command: Sequence[str], environment: Mapping[str, str]) -> NoReturn:
    """Do what `os.execve` does, and stay in this process when a module of the project is to be executed."""
    if in_project := command[0] == "/bin/sh" and IN_PROJECT.fullmatch(command[2]):
        os.chdir(environment["GRID_ROOT"])
        command = [environment["GRID_PYTHON"], *shlex.split(in_project["arguments"])]
    if command[0] != sys.executable or str(ROOT) not in (str(Path.cwd()), environment.get("PYTHONPATH")):
        really_execute(path, list(command), dict(environment))
    forget_signals()
    os.environ.clear()
    os.environ.update(environment)
    for descriptor in [int(each.name) for each in Path("/proc/self/fd").iterdir()]:
        with contextlib.suppress(OSError):  # the one that lists them
            if not os.get_inheritable(descriptor):
                os.close(descriptor)
    show(ARGUMENTS, command)
    show(ENVIRONMENT, [f"{name}={value}" for name, value in environment.items()])
    reopen()
    time.tzset()
    tempfile.tempdir = None
    end(run(command[1:]))


def forget_signals() -> None:
    """Handle signals as an interpreter does that has just started."""
    signal.set_wakeup_fd(-1)
    for number in signal.valid_signals():
        if signal.getsignal(number) not in (signal.SIG_DFL, signal.SIG_IGN):
            signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def opened(descriptor: int, mode: str, former: TextIO, buffering: int = -1) -> TextIO:
    """Return a stream like the former one."""
    made = open(  # noqa: SIM115 - it stays open
        descriptor, mode, buffering, encoding=former.encoding, errors=former.errors, closefd=False
    )
    return cast("TextIO", made)


def reopen() -> None:
    """Read and write the standard descriptors as they are now: what was opened before may have been a file."""
    was_in, was_out, was_error = sys.stdin, sys.stdout, sys.stderr
    sys.stdin = opened(0, "r", was_in)
    sys.stdout = opened(1, "w", was_out)
    sys.stderr = opened(2, "w", was_error, buffering=1)


def show(where: tuple[int, int], words: Sequence[str]) -> None:
    """Let /proc show these words in place of those that this process was started with."""
    fields = Path("/proc/self/stat").read_text().split(" ")
    begin, end = (int(fields[field]) for field in where)
    shown = "\0".join(words).encode()
    assert len(shown) < end - begin, "no room: raise ROOM_BYTES"
    ctypes.memmove(begin, shown.ljust(end - begin, b"\0"), end - begin)


def run(arguments: Sequence[str]) -> int:
    """Run `-m module ...` or `script ...`; returns the exit code, minus the signal that an interpreter would end by."""
    sys.path[0] = str(ROOT)
    try:
        if arguments[0] == "-m":
            module = arguments[1]
            for name in (module, f"{module}.__main__"):  # it is run anew, not the one that was imported
                if hasattr(sys.modules.get(name), "__file__") and not hasattr(sys.modules[name], "__path__"):
                    del sys.modules[name]
            sys.argv = list(arguments[1:])
            runpy.run_module(module, run_name="__main__", alter_sys=True)
        else:
            sys.argv = list(arguments)
            runpy.run_path(arguments[0], run_name="__main__")
    except SystemExit as ended:
        return exit_code(ended)
    except KeyboardInterrupt:
        traceback.print_exc()
        return -signal.SIGINT
    except BaseException:  # noqa: BLE001 - as an interpreter does
        traceback.print_exc()
        return 1
    return 0


def exit_code(ended: SystemExit) -> int:
    """Return the exit code of a process; words are written to standard error, as an interpreter does."""
    if ended.code is None or isinstance(ended.code, int):
        return ended.code or 0
    sys.stderr.write(f"{ended.code}\n")
    return 1


def end(code: int) -> NoReturn:
    """End as an interpreter does: threads, exit functions, what is to be written."""
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    if code < 0:
        signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code & 0xFF)


if __name__ == "__main__":
    main()
