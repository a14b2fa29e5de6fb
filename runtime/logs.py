"""Logging: one JSON object a line on standard error, with a limit for equal lines."""

import json
import logging
import sys
import time
from collections.abc import Callable
from typing import Any, TextIO

from runtime import trace

STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
INTERVAL_S = 10.0
MOST_EQUAL = 200  # lines in an interval: 20 requests a second are all there
MOST_KINDS = 500  # beyond them in an interval, all others of a logger are of one kind

Kind = tuple[str, int, str]


class JsonLines(logging.Formatter):
    """Formats a record, its `extra` fields and the request that it belongs to as one JSON object."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        """Return one line; the time is UTC with milliseconds."""
        at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        line: dict[str, Any] = {
            "time": f"{at}.{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "service": self._service,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if now := trace.CURRENT.get():
            line |= {"trace_id": now.trace_id, "request_id": now.request_id}
        line.update({k: v for k, v in vars(record).items() if k not in STANDARD})
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


class LimitedLines(logging.StreamHandler[TextIO]):
    """Writes at most `most` equal lines in an interval, and then how many more there were.

    Lines are equal when logger, level and message are; what is in `extra` makes no difference.
    """

    def __init__(
        self, stream: TextIO, most: int = MOST_EQUAL, clock_s: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(stream)
        self._most = most
        self._clock_s = clock_s
        self._until_s = clock_s() + INTERVAL_S
        self._seen: dict[Kind, int] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record, or count it; called with the lock held."""
        if self._clock_s() >= self._until_s:
            self._next_interval()
        kind = (record.name, record.levelno, record.getMessage())
        if kind not in self._seen and len(self._seen) >= MOST_KINDS:
            kind = (record.name, record.levelno, "")
        count = self._seen[kind] = self._seen.get(kind, 0) + 1
        if count <= self._most:
            super().emit(record)

    def count_if_over(self, name: str, level: int, message: str) -> bool:
        """Count a line without making a record of it, if it would be left out; returns whether it would be.

        For lines that are logged for every request: most of the cost of such a line is its record.
        """
        kind = (name, level, message)
        self.acquire()  # as emit() has it
        try:
            count = self._seen.get(kind, 0)
            over = count >= self._most and self._clock_s() < self._until_s
            if over:
                self._seen[kind] = count + 1
        finally:
            self.release()
        return over

    def write_left_out(self, *, ending: bool = False) -> None:
        """Write how many lines were left out, if the interval is over or the process is `ending`."""
        self.acquire()  # as emit() has it
        try:
            if ending or self._clock_s() >= self._until_s:
                self._next_interval()
        finally:
            self.release()

    def _next_interval(self) -> None:
        counts, self._seen = self._seen, {}
        self._until_s = self._clock_s() + INTERVAL_S
        token = trace.CURRENT.set(None)  # it is about many requests
        for (name, level, message), count in counts.items():
            if count > self._most:
                extra = {"left_out": count - self._most, "of": message or "others", "interval_s": INTERVAL_S}
                record = logging.LogRecord(name, level, "", 0, "equal lines were left out", (), None)
                vars(record).update(extra)
                super().emit(record)
        trace.CURRENT.reset(token)


_limiting: list[LimitedLines] = []  # what limits the lines of this process, once they are sent anywhere


def left_out(log: logging.Logger, level: int, message: str) -> bool:
    """Whether a line would be left out because of its limit, or is not enabled; if so, it is counted here.

    `message` is the finished text.
    """
    if not log.isEnabledFor(level):
        return True
    return bool(_limiting) and _limiting[0].count_if_over(log.name, level, message)


def start(service: str, level: str) -> LimitedLines:
    """Send all logs of this process to standard error as JSON lines; returns what limits them."""
    # A line shows neither its place in the code nor its thread, so these are not found out for each record
    # (https://docs.python.org/3/howto/logging.html#optimization).
    logging._srcfile = None  # noqa: SLF001 - the documented switch
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    lines = LimitedLines(sys.stderr)
    _limiting[:] = [lines]
    lines.setFormatter(JsonLines(service))
    logging.basicConfig(level=level.upper(), handlers=[lines], force=True)
    return lines
