"""Injects faults into a process below its libraries: `fault_shim.c` is loaded with it and shares a page with us."""

import enum
import mmap
import os
import shutil
import signal
import struct
import subprocess
from pathlib import Path

import pytest

SOURCE = Path(__file__).with_name("fault_shim.c")
COUNTDOWN, DISK, CLOCK = 0, 12, 16  # where these begin in the page
SIZE = 24


class Point(enum.IntEnum):
    """Where a process is killed or stopped: at a call for a file of SQLite, or of a socket."""

    BEFORE_SYNC = 1
    AFTER_SYNC = 2
    BEFORE_WRITE = 3
    AFTER_WRITE = 4
    BEFORE_SEND = 5
    AFTER_SEND = 6
    BEFORE_RECEIVE = 7
    AFTER_RECEIVE = 8


class Disk(enum.IntEnum):
    """What the disk does. Syncs wait or fail with EIO; writes fail with ENOSPC or EDQUOT."""

    WORKS = 0
    STALL = 1
    EIO = 2
    ENOSPC = 3
    EDQUOT = 4


class FaultShim:
    """The faults of one process, which is started with `environ`; they outlive it and hold for the next one."""

    def __init__(self, file: Path, library: Path) -> None:
        self.environ = {"LD_PRELOAD": str(library), "FAULT_SHIM": str(file)}
        file.write_bytes(bytes(SIZE))
        with file.open("r+b") as opened:
            self._page = mmap.mmap(opened.fileno(), SIZE)

    def signal_at(self, point: Point, number: signal.Signals, calls: int) -> None:
        """Let the process get a signal at the `calls`-th call of this point, counted from 1."""
        struct.pack_into("=ii", self._page, COUNTDOWN + 4, point, number)
        struct.pack_into("=i", self._page, COUNTDOWN, calls)

    def disarm(self) -> None:
        """Send no signal any more."""
        struct.pack_into("=i", self._page, COUNTDOWN, 0)

    def disk(self, does: Disk) -> None:
        """Let the disk misbehave, or work again."""
        struct.pack_into("=i", self._page, DISK, does)

    def clock(self, moved_s: float) -> None:
        """Move the wall clock, from what it really is."""
        struct.pack_into("=q", self._page, CLOCK, round(moved_s * 1000))


def built(folder: Path) -> Path:
    """Return the library, compiled once for a folder; the test is skipped where there is no compiler."""
    made = folder / "fault_shim.so"
    if not made.exists():
        compiler = shutil.which("cc")
        if not compiler:
            reason = "no C compiler (cc): faults are injected by a small C library"
            (pytest.fail if os.environ.get("REQUIRE_ALL") == "1" else pytest.skip)(reason)
        options = ["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", str(made), str(SOURCE), "-ldl"]
        subprocess.run([str(compiler), *options], check=True)
    return made
