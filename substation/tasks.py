"""The tasks that a substation gives its writer by itself, and how they are carried out."""

import dataclasses
from pathlib import Path

from substation.contract import SubstationOutcome
from substation.journal import MOST_COMPARED, Journal
from substation.ledger import Decision
from substation.machine_clock import MachineClock
from substation.pausing import Pauses
from substation.pruning import WORTH_GOING_ON


@dataclasses.dataclass(frozen=True, slots=True)
class Probe:
    """Writes the time alone, to see whether the disk takes anything again."""


@dataclasses.dataclass(frozen=True, slots=True)
class FollowBaseLoad:
    """Pauses sessions when the base load has risen into their room, and resumes them when there is room again."""


@dataclasses.dataclass(frozen=True, slots=True)
class Prune:
    """Drops a bounded number of records that can't be asked for any more."""


@dataclasses.dataclass(frozen=True, slots=True)
class Compare:
    """Compares the indexes of the journal with a bounded number of its records."""


@dataclasses.dataclass(frozen=True, slots=True)
class Backup:
    """Writes a consistent copy of the journal to `path`, not synced yet; commits wait meanwhile."""

    path: Path


Task = Probe | FollowBaseLoad | Prune | Compare | Backup
TASKS = (Probe, FollowBaseLoad, Prune, Compare, Backup)  # isinstance looks through a union more slowly


class Tasks:
    """Carries tasks out, on the writer's thread and inside its transaction."""

    def __init__(self, journal: Journal, pauses: Pauses, machine: MachineClock) -> None:
        self._journal = journal
        self._pauses = pauses
        self._machine = machine
        self.more_to_prune = (
            False  # whether the last Prune dropped so many records that there are probably more
        )

    def carry_out(self, task: Task, now_ms: int, unix_ms: int) -> list[Decision]:
        """Carry out a task; returns what it decided. A backup is made after the commit, and not here."""
        match task:
            case FollowBaseLoad():
                return self._pauses.follow(unix_ms)
            case Prune():
                dropped = self._journal.prune(now_ms, min(unix_ms, self._machine.steady_unix_ms()))
                self.more_to_prune = dropped >= WORTH_GOING_ON
                if dropped:  # it may have ended since the last stamp: the totals must have its energy
                    return [Decision(SubstationOutcome.DONE, write=True)]
            case Compare():
                self._journal.check.indexes.compare(MOST_COMPARED)
        return []
