"""Who a request is from, and whether it may come in now: the key file as it is, and the quotas."""

import logging
import time
from collections.abc import Callable
from pathlib import Path

from gateway.callers import ANONYMOUS, Caller, UnusableKeys, digest, presented, read
from gateway.quota import Grant, Quota

log = logging.getLogger(__name__)

LOOK_EVERY_S = 1.0

Mark = tuple[int, int, int]


class KeyFile:
    """The callers in a file, read again when it has changed; one that can't be used changes nothing."""

    def __init__(self, path: Path, clock_s: Callable[[], float] = time.monotonic) -> None:
        """Read the file; raises UnusableKeys, or OSError."""
        self._path = path
        self._clock_s = clock_s
        self._looked_s = clock_s()
        self._mark: Mark | None = self._marked()
        self._callers = read(_text(path))

    def find(self, key: str) -> Caller | None:
        """Return whose key it is."""
        if self._clock_s() - self._looked_s >= LOOK_EVERY_S:
            self._looked_s = self._clock_s()
            self._look()
        return self._callers.get(digest(key))

    def _look(self) -> None:
        mark: Mark | None = None
        try:
            mark = self._marked()
            if mark != self._mark:
                self._callers = read(_text(self._path))
                log.info("API keys were read", extra={"keys": len(self._callers)})
        except (OSError, UnusableKeys) as error:
            if mark != self._mark:
                log.error(
                    "API keys can't be read; those of before hold",
                    extra={"path": str(self._path), "fault": str(error)},
                )
        self._mark = mark

    def _marked(self) -> Mark:
        """Return what differs once the file was written or replaced."""
        found = self._path.stat()
        return found.st_mtime_ns, found.st_size, found.st_ino


class Access:
    """Says who calls, and counts it against the caller's quota."""

    def __init__(
        self, keys: KeyFile | None, per_minute: int, clock_ns: Callable[[], int] = time.monotonic_ns
    ) -> None:
        """`keys` None: nobody is asked for a key. `per_minute` is for callers without their own quota."""
        self._keys = keys
        self._per_minute = per_minute
        self._clock_ns = clock_ns
        self._quota = Quota()

    def caller(self, authorization: list[str]) -> Caller | None:
        """Return who presents these `Authorization` headers; None if nobody who may call."""
        if self._keys is None:
            return ANONYMOUS
        key = presented(authorization)
        return self._keys.find(key) if key else None

    def take(self, caller: Caller) -> Grant:
        """Count a request."""
        return self._quota.take(caller.name, caller.per_minute or self._per_minute, self._clock_ns())


def _text(path: Path) -> str:
    """Read a file; what is not UTF-8 makes its line unusable."""
    return path.read_text(encoding="utf-8", errors="replace")
