"""What fuzzing has done so far, kept in a file, so that a later run goes on: inputs, answers, faults, memory."""

import dataclasses
import json
from collections import Counter
from pathlib import Path
from typing import Any

MOST_KEPT = 100  # inputs with a fault


@dataclasses.dataclass
class Record:
    """The sums of all runs. `faults` are crashes, unexplained answers and errors in logs, with their inputs."""

    path: Path
    steps: int = 0
    inputs: Counter[str] = dataclasses.field(default_factory=Counter)
    statuses: Counter[str] = dataclasses.field(default_factory=Counter)
    faults: list[str] = dataclasses.field(default_factory=list)
    notes: dict[str, Any] = dataclasses.field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> "Record":
        """Return the record in a file, an empty one where there is none."""
        kept = json.loads(path.read_text()) if path.exists() else {}
        made = cls(path, **kept)
        made.inputs, made.statuses = Counter(made.inputs), Counter(made.statuses)
        return made

    def write(self) -> None:
        """Write it to its file."""
        fields = {name: value for name, value in vars(self).items() if name != "path"}
        fields["faults"] = self.faults[:MOST_KEPT]
        new = self.path.with_suffix(".new")
        new.write_text(json.dumps(fields, indent=1))
        new.replace(self.path)

    def text(self) -> str:
        """Return it for a person."""
        lines = [f"{self.inputs.total():,} inputs in {self.steps} steps, {len(self.faults)} faults"]
        lines += [f"  {name}: {count:,}" for name, count in sorted(self.inputs.items())]
        lines += ["answers: " + ", ".join(f"{status} x {n:,}" for status, n in sorted(self.statuses.items()))]
        lines += [f"{name}: {value}" for name, value in self.notes.items()]
        return "\n".join([*lines, *self.faults[:MOST_KEPT]])
