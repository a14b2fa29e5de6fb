"""Notices that files were replaced, without asking the system at each call."""

import os
import time
from collections.abc import Iterable
from pathlib import Path

LOOK_EVERY_S = 1.0  # at most; a look takes a call to the system for each file


class WatchedFiles:
    """Files that may be replaced at any time, by new ones under the same names."""

    def __init__(self, paths: Iterable[Path]) -> None:
        self._paths = tuple(paths)
        self._seen = self._stamps()
        self._looked_s = time.monotonic()

    def changed(self) -> bool:
        """Whether a file is another one than at the last call that has looked; looks at most every LOOK_EVERY_S."""
        now_s = time.monotonic()
        if now_s - self._looked_s < LOOK_EVERY_S:
            return False
        self._looked_s = now_s
        before, self._seen = self._seen, self._stamps()
        return self._seen != before

    def _stamps(self) -> list[tuple[int, int, int]]:
        return [_stamp(path) for path in self._paths]


def _stamp(path: Path) -> tuple[int, int, int]:
    try:
        status = os.stat(path)  # noqa: PTH116 - through links, as engines mount secrets
    except OSError:
        return 0, 0, 0
    return status.st_mtime_ns, status.st_size, status.st_ino
