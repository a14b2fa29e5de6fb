"""Finds the caller of a request by its API key, and applies the caller's quota."""

import logging
import time
from collections.abc import Callable
from pathlib import Path

from gateway.callers import ANONYMOUS, Caller, UnusableKeys, digest, presented, read
from gateway.quota import Quota, QuotaDecision

log = logging.getLogger(__name__)

LOOK_EVERY_S = 1.0

FileVersion = tuple[int, int, int]


class KeyFile:
    """The callers of a key file. It is read again when it has changed; an unusable file changes nothing."""

    def __init__(self, path: Path, clock_s: Callable[[], float] = time.monotonic) -> None:
        """Read the file; raises UnusableKeys, or OSError."""
        self._path = path
        self._clock_s = clock_s
        self._looked_s = clock_s()
        self._mark: FileVersion | None = self._marked()
        self._callers = read(_text(path))

    def find(self, key: str) -> Caller | None:
        """Return the caller that a key belongs to; None for an unknown key."""
        if self._clock_s() - self._looked_s >= LOOK_EVERY_S:
            self._looked_s = self._clock_s()
            self._look()
        return self._callers.get(digest(key))

    def _look(self) -> None:
        mark: FileVersion | None = None
        try:
            mark = self._marked()
            if mark != self._mark:
                self._callers = read(_text(self._path))
                log.info("API keys were read", extra={"keys": len(self._callers)})
        except (OSError, UnusableKeys) as error:
            if mark != self._mark:
                log.error(
                    "API keys can't be read; the previous keys stay in force",
                    extra={"path": str(self._path), "fault": str(error)},
                )
        self._mark = mark

    def _marked(self) -> FileVersion:
        """Return values that change when the file is written or replaced."""
        found = self._path.stat()
        return found.st_mtime_ns, found.st_size, found.st_ino


class Access:
    """Finds the caller of a request, and counts the request against the caller's quota."""

    def __init__(
        self, keys: KeyFile | None, per_minute: int, clock_ns: Callable[[], int] = time.monotonic_ns
    ) -> None:
        """If `keys` is None, no key is needed. `per_minute` is the quota of callers that have none of their own."""
        self._keys = keys
        self._per_minute = per_minute
        self._clock_ns = clock_ns
        self._quota = Quota()

    def caller(self, authorization: list[str]) -> Caller | None:
        """Return the caller that these `Authorization` headers name; None if there is no valid key."""
        if self._keys is None:
            return ANONYMOUS
        key = presented(authorization)
        return self._keys.find(key) if key else None

    def take(self, caller: Caller) -> QuotaDecision:
        """Count a request."""
        return self._quota.take(caller.name, caller.per_minute or self._per_minute, self._clock_ns())


def _text(path: Path) -> str:
    """Read a file; a line that is not UTF-8 becomes unusable."""
    return path.read_text(encoding="utf-8", errors="replace")
