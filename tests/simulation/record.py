"""What was run so far, kept beside the data of the grid, so that a long run can go on where it ended."""

import dataclasses
import json
from pathlib import Path

from tests.simulation.run import Result


@dataclasses.dataclass(slots=True)
class Record:
    """The totals of all seeds from `first` up to, not including, `next`."""

    first: int = 1
    next: int = 1
    virtual_s: float = 0.0
    cpu_s: float = 0.0
    counts: dict[str, int] = dataclasses.field(default_factory=dict)
    failed: list[int] = dataclasses.field(default_factory=list)

    @property
    def seeds(self) -> int:
        return self.next - self.first

    def add(self, result: Result, cpu_s: float) -> None:
        self.next = result.seed + 1
        self.virtual_s += result.virtual_s
        self.cpu_s += cpu_s
        for name, count in result.counts.items():
            self.counts[name] = self.counts.get(name, 0) + count
        if result.violations:
            self.failed.append(result.seed)

    def words(self) -> str:
        counts = ", ".join(f"{count} {name}" for name, count in sorted(self.counts.items()))
        return (
            f"{self.seeds} seeds, {self.virtual_s / 3600:.1f} h of virtual time in {self.cpu_s:.0f} s of CPU; {counts};"
            f" {len(self.failed)} failed"
        )


def read(path: Path, first: int) -> Record:
    """Return the record of a run that began at a seed; a new one where there is none, or that of another first seed."""
    try:
        kept = Record(**json.loads(path.read_text()))
    except (OSError, ValueError, TypeError):
        return Record(first, first)
    return kept if kept.first == first else Record(first, first)


def write(path: Path, record: Record) -> None:
    """Keep a record; a run that is killed while it writes leaves the former one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    new.write_text(json.dumps(dataclasses.asdict(record)))
    new.replace(path)
