"""Row 13: the resident memory of each service, idle and as admissions go through the whole grid."""

import dataclasses
import os
from collections.abc import Sequence
from pathlib import Path

from tests.bench import contenders, wrk
from tests.bench.table import Row, Say, figure

SERVICES = ("gateway", "balancer", "substation", "admin_ui")
CLIENTS = 16
MUST_MB = 80.0
BYTES_PER_MB = 1_000_000


@dataclasses.dataclass(frozen=True)
class Length:
    """How many times the memory is read, and for how many seconds requests are sent before each time."""

    readings: int = 8
    seconds: float = 60


def resident_mb(pids: Sequence[int]) -> float:
    """Return the resident memory in MB of the largest of some processes."""
    pages = [int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in pids]
    return max(pages) * os.sysconf("SC_PAGE_SIZE") / BYTES_PER_MB


def readings(folder: Path, length: Length, say: Say) -> tuple[list[int], dict[str, list[float]]]:
    """Return the admissions up to each reading, and the megabytes of each service; the first reading is idle.

    Sessions end after a third of a second, so that few are open; claims, keys and ended sessions stay.
    """
    admitted = [0]
    with contenders.ours(folder, TIME_SCALE="120") as grid:
        grid.wait()
        found = {service: [resident_mb(grid.pids(service))] for service in SERVICES}
        for number in range(length.readings):
            say(f"{admitted[-1]:,} admissions, part {number + 1} of {length.readings}")
            load = wrk.run(grid.gateway, length.seconds, CLIENTS, keyed=number % 2 == 1)
            if load.refused or load.errors:
                raise RuntimeError(f"not every request was admitted: {load}")
            admitted.append(admitted[-1] + round(load.rate * length.seconds))
            for service, each in found.items():
                each.append(resident_mb(grid.pids(service)))
    return admitted, found


def rows(folder: Path, say: Say, *, quick: bool) -> list[Row]:
    """Measure, and return row 13."""
    admitted, found = readings(folder, Length(4, 3) if quick else Length(), say)
    half = len(admitted) // 2
    shown = []
    for service, each in found.items():
        shown += [
            Row(13, f"memory of {service}, idle", [each[0]], "MB", must=MUST_MB),
            Row(
                13,
                f"memory of {service} after {admitted[-1]:,} admissions through all hops",
                [each[-1]],
                "MB",
                must=MUST_MB,
                note=f"{figure(each[half], 'MB')} after {admitted[half]:,}",
            ),
        ]
    return shown
