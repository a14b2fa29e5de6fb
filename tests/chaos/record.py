"""What all runs of `make chaos` have done so far, kept in a file, so that a later run adds to it."""

import collections
import dataclasses
import json
from pathlib import Path
from typing import Any

from tests.chaos.run import Outcome

MOST_KEPT = 100  # violations
SLOWEST = 10  # rounds
LIMIT_S = 5.0  # after the end of the faults everything serves again


@dataclasses.dataclass
class Record:
    """The sums of all runs; each violation has the seed of its run."""

    path: Path
    runs: int = 0
    kills: int = 0
    missed: int = 0
    faults: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    figures: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    rounds: int = 0
    late: int = 0
    slowest: list[tuple[float, str]] = dataclasses.field(default_factory=list)
    violations: list[str] = dataclasses.field(default_factory=list)

    @classmethod
    def read(cls, path: Path) -> "Record":
        """Return the record in a file, an empty one where there is none."""
        kept: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
        made = cls(path, **kept)
        made.faults, made.figures = collections.Counter(made.faults), collections.Counter(made.figures)
        made.slowest = [(seconds, told) for seconds, told in made.slowest]
        return made

    def add(self, outcome: Outcome, run: str) -> None:
        """Count a run, and write the file."""
        self.runs += 1
        self.kills += outcome.kills
        self.missed += outcome.missed
        self.faults += outcome.faults
        summed = ("keys", "accepted", "sessions", "lost", "doubled")
        self.figures += collections.Counter({name: outcome.figures.get(name, 0) for name in summed})
        self.rounds += len(outcome.recovery_s)
        self.late += sum(seconds > LIMIT_S for seconds, _ in outcome.recovery_s)
        rounds = [(round(seconds, 2), f"{run}: {told}") for seconds, told in outcome.recovery_s]
        self.slowest = sorted([*self.slowest, *rounds], reverse=True)[:SLOWEST]
        self.violations = [*self.violations, *(f"{run}: {each}" for each in outcome.violations)][:MOST_KEPT]
        self.write()

    def write(self) -> None:
        """Write it to its file."""
        fields = {name: value for name, value in vars(self).items() if name != "path"}
        new = self.path.with_suffix(".new")
        new.write_text(json.dumps(fields, indent=1))
        new.replace(self.path)

    def rows(self) -> list[tuple[str, str]]:
        """Return it for a table."""
        slowest = f"{self.slowest[0][0]:g} s" if self.slowest else "-"
        return [
            *((family, f"{count:,}") for family, count in sorted(self.faults.items())),
            ("all kills", f"{self.kills:,}"),
            ("failpoints not reached within a second", f"{self.missed:,}"),
            ("all faults", f"{self.faults.total():,}"),
            ("rounds, runs", f"{self.rounds:,}, {self.runs:,}"),
            *((name, f"{self.figures[name]:,}") for name in ("keys", "accepted", "sessions")),
            *((name, f"{self.figures[name]:,}") for name in ("lost", "doubled")),
            (f"rounds after which service took over {LIMIT_S:g} s", f"{self.late:,}"),
            ("slowest", slowest),
            ("violations", f"{len(self.violations)}"),
        ]
