"""A substation's writer over a real journal, on clocks that the test moves."""

import contextlib
import resource
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from prometheus_client import CollectorRegistry

from substation.base_load.basis import Basis
from substation.clock import GridClock
from substation.contract import Command, SubstationAnswer
from substation.journal import Journal
from substation.machine_clock import MachineClock
from substation.metrics import WriterMetrics
from substation.outlook import BaseLoadOutlook
from substation.station import resume
from substation.tasks import FollowBaseLoad
from substation.writer import Request, Writer
from tests.support.sessions import UNIX_MS

NO_PAGE_LIMIT = 2**31 - 2
SUBSTATION = "substation-1"


class Transformer:
    """A base load that the test sets."""

    name = "test"

    def __init__(self) -> None:
        self.watts = 0
        self.expected: BaseLoadOutlook | None = None

    def watts_at(self, grid_ms: int) -> int:
        return self.watts

    def basis_at(self, grid_ms: int) -> Basis:
        return Basis.SOURCE

    def expect(self, outlook: BaseLoadOutlook) -> None:
        self.expected = outlook


class Desk:
    """One substation without its loop and its thread."""

    def __init__(
        self,
        path: Path,
        capacity_w: int,
        scale: float = 1.0,
        *,
        name: str = SUBSTATION,
        now_s: float = 1000.0,
        transformer: Transformer | None = None,
    ) -> None:
        self.name = name
        self.monotonic_s = now_s
        self.unix_s = UNIX_MS / 1000
        self.capacity_w = capacity_w
        self.path = path
        self.count = path.with_name(f"{path.name}-commits")
        self.accept_loss = False
        self.scale = scale
        self.transformer = transformer or Transformer()
        self.start()

    def start(self) -> None:
        """Open the journal and take up its sessions, as the service does when it starts."""
        unix_ms = int(self.unix_s * 1000)
        journal = Journal(self.path, self.name, unix_ms, accept_loss=self.accept_loss, check_later=True)
        with contextlib.ExitStack() as undo:
            undo.callback(journal.close)
            moment = journal.station().moment
            self.clock = GridClock.resume(moment, unix_ms, self.monotonic_s, self.scale)
            self.ledger = resume(journal, self.capacity_w, self.clock.start_ms, self.transformer)
            undo.pop_all()
        self.journal = journal
        metrics = WriterMetrics(CollectorRegistry(), self.name)
        self.writer = Writer(
            self.journal,
            self.ledger,
            self.clock,
            metrics,
            MachineClock(lambda: self.monotonic_s, lambda: self.unix_s),
            self.transformer,
        )

    @property
    def now_ms(self) -> int:
        return self.clock.at(self.monotonic_s)

    def pass_time(self, wall_s: float) -> None:
        self.monotonic_s += wall_s
        self.unix_s += wall_s

    def follow(self) -> None:
        """Look at the base load, as the service does twice a second."""
        self.commit([Request(FollowBaseLoad())])

    def ask(self, *commands: Command) -> list[SubstationAnswer]:
        """Commit a batch of commands; none is too late."""
        return self.commit([Request(command) for command in commands])

    def commit(self, batch: Sequence[Request]) -> list[SubstationAnswer]:
        answers = self.writer.commit(list(batch))
        assert len(answers) == len(batch)
        return answers

    def fill_the_disk(self) -> None:
        """Stop the journal from growing, as a full disk would: SQLite returns SQLITE_FULL."""
        self._limit_pages(1)  # not below what the file has

    def make_room(self) -> None:
        self._limit_pages(NO_PAGE_LIMIT)

    @contextmanager
    def quota_used_up(self) -> Iterator[None]:
        """Let this process make no file longer than the journal's `-wal`: a commit fails when it is written."""
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        size = self.path.with_name(f"{self.path.name}-wal").stat().st_size
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    def _limit_pages(self, most: int) -> None:
        self.journal._store.rows(f"PRAGMA max_page_count = {most}")

    def stop(self) -> None:
        self.journal.close()
