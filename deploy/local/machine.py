"""Describes where a measurement ran: the commit, the machine, the programs, the day."""

import contextlib
import datetime as dt
import os
import platform
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT_S = 10
UNKNOWN = "unknown"
GIB = 2**30


def describe() -> dict[str, str]:
    """Return the facts in the order in which a reader wants them; what can't be found out is "unknown"."""
    return {
        "date": dt.datetime.now().astimezone().strftime("%Y-%m-%d %H:%M %Z"),
        "commit": _commit(),
        "processor": _processor(),
        "cores": _cores(),
        "memory": _memory(),
        "system": _system(),
        "Python": platform.python_version(),
        "load before the start": _load_before(),
    }


def _commit() -> str:
    """Return the commit of this folder, and whether files differ from it."""
    commit = _git("rev-parse", "--short=12", "HEAD")
    if not commit:
        return UNKNOWN
    subject = _git("log", "-1", "--format=%cs")
    changed = ", with uncommitted changes" if _git("status", "--porcelain") else ""
    return f"{commit} of {subject}{changed}"


def _git(*arguments: str) -> str:
    """Return what git prints for this folder; "" where there is no git, or no repository."""
    git = shutil.which("git")
    if not git:
        return ""
    quiet = subprocess.DEVNULL
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        command = [git, *arguments]
        return subprocess.check_output(command, cwd=ROOT, text=True, stderr=quiet, timeout=TIMEOUT_S).strip()  # noqa: S603
    return ""


def _processor() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return f"{value.strip()} ({platform.machine()})"
    return platform.processor() or platform.machine() or UNKNOWN


def _cores() -> str:
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return str(count or UNKNOWN)


def _memory() -> str:
    with contextlib.suppress(OSError, ValueError):
        return f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / GIB:.1f} GiB"
    return UNKNOWN


def _system() -> str:
    with contextlib.suppress(OSError):
        return f"{platform.freedesktop_os_release()['PRETTY_NAME']}, {platform.system()} {platform.release()}"
    return platform.platform()


def _load_before() -> str:
    with contextlib.suppress(OSError):
        return f"{os.getloadavg()[0]:.2f} processes (average of one minute)"
    return UNKNOWN
