"""The disk of a simulated machine: real files, of which a crash keeps what was synced.

A process works in one folder; when it is killed, its files go on in another one, as a machine that crashed would find them:
the `-wal` is cut somewhere behind its last synced length where the crash was within a commit. So a store that was killed is not
closed, which would write it.
"""

import random
import shutil
from pathlib import Path

COMMIT_S = (0.0003, 0.004)
STALLED_S = (1.0, 7.0)
HEADER_BYTES = 32


class Disk:
    """Files in `folder`, which changes with each crash."""

    def __init__(self, root: Path, rng: random.Random) -> None:
        self._root = root
        self._rng = rng
        self._number = 0
        self._tear_in = 0  # commits until one is torn; 0: none is
        self._before: dict[Path, tuple[int, bytes]] = {}
        self._notes: dict[Path, bytes] = {}
        self._cut: dict[str, int | bytes] = {}
        self.stalled = False
        self.folder = self._make()

    def commit_s(self) -> float:
        """Return how long the next commit takes."""
        stalled = self.stalled and self._rng.random() < 0.3
        return self._rng.uniform(*(STALLED_S if stalled else COMMIT_S))

    def tear_next(self, commits: int) -> None:
        """Let the machine crash within one of the next commits."""
        self._tear_in = commits

    def takes_part(self) -> bool:
        """Note the state before a commit; returns whether the machine crashes within it."""
        if not self._tear_in:
            return False
        self._tear_in -= 1
        if self._tear_in:
            return False
        self._before = {path: (path.stat().st_size, _header(path)) for path in self.folder.glob("*-wal")}
        self._notes = {path: path.read_bytes() for path in self.folder.glob("*-commits")}
        return True

    def tear(self) -> None:
        """Choose what of the commit that was just made is on the disk."""
        for path in self.folder.glob("*-wal"):
            size = path.stat().st_size
            synced, header = self._before.get(path, (0, b""))
            if header != _header(path):  # it begins anew: nothing of it was synced
                synced = 0
            cut = self._rng.choice((synced, size, self._rng.randint(min(synced, size), size)))
            self._cut[path.name] = cut
            if cut < size or self._rng.random() < 0.5:  # the note is written after the sync
                self._cut.update({note.name: content for note, content in self._notes.items()})

    def died(self) -> None:
        """Go on with what the machine finds after the crash."""
        former, self.folder = self.folder, self._make()
        for path in former.iterdir():
            if path.name.endswith("-shm"):
                continue
            content: bytes | None = None
            kept = self._cut.get(path.name)
            if isinstance(kept, int):
                content = path.read_bytes()[:kept]
            elif kept is not None:
                content = kept
            to = self.folder / path.name
            if content is None:
                shutil.copyfile(path, to)
            else:
                to.write_bytes(content)
        self._cut = {}

    def replace(self, folder: Path | None) -> Path:
        """Put another disk in, or an empty one; returns the folder of the former one."""
        former, self.folder = self.folder, self._make()
        for path in folder.iterdir() if folder else ():
            shutil.copyfile(path, self.folder / path.name)
        return former

    def _make(self) -> Path:
        self._number += 1
        folder = self._root / str(self._number)
        folder.mkdir(parents=True)
        return folder


def _header(wal: Path) -> bytes:
    with wal.open("rb") as file:
        return file.read(HEADER_BYTES)
