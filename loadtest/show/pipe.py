"""Writes lines to a pipe from a thread of its own: a reader that stalls must not hold up the sending."""

import collections
import os
import threading
from collections.abc import Callable

MOST_WAITING = 256  # lines; beyond them the oldest are left out
LAST_WORDS_S = 2.0  # that a stalled reader gets at the end


class Pipe:
    """`closed` is called once, from the thread, when nobody reads any more."""

    def __init__(self, descriptor: int, closed: Callable[[], None]) -> None:
        self._descriptor = descriptor
        self._closed = closed
        self._lines: collections.deque[str] = collections.deque(maxlen=MOST_WAITING)
        self._changed = threading.Condition()
        self._ending = False
        self._thread = threading.Thread(target=self._run, name="progress", daemon=True)
        self._thread.start()

    def put(self, line: str) -> None:
        """Let a line be written; returns at once."""
        with self._changed:
            self._lines.append(line)
            self._changed.notify()

    def close(self) -> None:
        """Wait until all is written, for a bounded time."""
        with self._changed:
            self._ending = True
            self._changed.notify()
        self._thread.join(LAST_WORDS_S)

    def _run(self) -> None:
        try:
            while line := self._next():
                rest = line.encode()
                while rest:
                    rest = rest[os.write(self._descriptor, rest) :]
        except OSError:  # most likely a broken pipe
            self._closed()

    def _next(self) -> str:
        """Return the next line, '' at the end."""
        with self._changed:
            while not self._lines and not self._ending:
                self._changed.wait()
            return self._lines.popleft() if self._lines else ""
