"""What a grid uses: memory, descriptors, threads and tasks of each process, and the bytes of its files."""

import contextlib
import dataclasses
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

from tests.soak.slope import Point, Trend, trend
from tests.support.grid import Grid, text

SERVICES = ("gateway", "balancer", "substation", "admin_ui")
TASKS = re.compile(r"^smartgrid_event_loop_tasks ([0-9.e+]+)$", re.MULTILINE)
PAGE = os.sysconf("SC_PAGE_SIZE")
# What may be more at the end than at the beginning: a share of what it was, or so much, whichever is more.
ALLOWED = {
    "memory, kB": (0.05, 3000.0),
    "descriptors": (0.0, 3.0),
    "threads": (0.0, 1.0),
    "tasks": (0.0, 5.0),
    "files, kB": (0.05, 512.0),
}
NOT_JUDGED = {
    "log": "supervisord rotates logs",
    "history": "the balancer keeps quarter hours for 400 days",
    "orders": "the book keeps keys for 48 hours of its own clock, which does not jump; it drops more after a restart",
    "journal": "a substation drops by the clock that does not jump while it runs; `Year` looks at what a restart drops",
    "audit": "entries of the audit log are never deleted",
}
Key = tuple[str, str]  # of whom, what


@dataclasses.dataclass
class Measures:
    """The series of one grid, each by process or folder and by what is measured."""

    series: dict[Key, list[Point]] = dataclasses.field(default_factory=dict)

    def take(self, grid: Grid) -> None:
        """Measure everything once."""
        now_s = time.monotonic()
        taken = [*_processes(grid), *_tasks(grid), *_files(grid.data)]
        for key, value in taken:
            self.series.setdefault(key, []).append((now_s, value))

    def trends(self, since_s: float) -> dict[Key, Trend]:
        """Return the trend of each series from a moment on; processes that began later are left out."""
        return {
            key: trend(late)
            for key, points in self.series.items()
            if (late := [point for point in points if point[0] >= since_s])
            and len(late) >= 10  # fewer say nothing
            and points[0][0] <= since_s
        }


def rising(trends: dict[Key, Trend]) -> list[str]:
    """Return what has grown by more than is allowed, in words."""
    return [
        f"{who}: {what} rises by {found.growth:.0f}, from {found.first:.0f} to {found.last:.0f}"
        for (who, what), found in trends.items()
        if judged(who) and not found.flat(*ALLOWED[what])
    ]


def judged(who: str) -> bool:
    """Whether a series must be flat."""
    return not any(name in who for name in NOT_JUDGED)


def _processes(grid: Grid) -> Iterator[tuple[Key, float]]:
    for service in SERVICES:
        for pid in grid.pids(service):
            who, folder = f"{service} {pid}", Path(f"/proc/{pid}")
            with contextlib.suppress(OSError):  # it ends at this moment
                memory = int((folder / "statm").read_text().split()[1]) * PAGE / 1024
                descriptors, threads = (sum(1 for _ in (folder / name).iterdir()) for name in ("fd", "task"))
                yield (who, "memory, kB"), memory
                yield (who, "descriptors"), descriptors
                yield (who, "threads"), threads


def _tasks(grid: Grid) -> Iterator[tuple[Key, float]]:
    bases = {"gateway": grid.gateway, "balancer": grid.balancer, "admin_ui": grid.console}
    bases |= {f"substation-{number}": base for number, base in enumerate(grid.substations, 1)}
    for name, base in bases.items():
        with contextlib.suppress(OSError):
            if found := TASKS.search(text(f"{base}/metrics?name[]=smartgrid_event_loop_tasks")):
                yield (name, "tasks"), float(found[1])


def _files(data: Path) -> Iterator[tuple[Key, float]]:
    """Return the size of each file below a data folder that stays; a log of changes (-wal) is bounded by SQLite."""
    sizes: dict[str, float] = {}
    for folder, _, names in os.walk(data):
        for name in names:
            if not name.endswith(("-wal", "-shm", "-journal", ".new", ".pid")):
                path = Path(folder, name)
                with contextlib.suppress(OSError):
                    who = str(path.relative_to(data))
                    sizes[who] = sizes.get(who, 0.0) + path.stat().st_size / 1024
    for who, size in sizes.items():
        yield (who, "files, kB"), size
