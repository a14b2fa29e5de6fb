"""Writes the progress of a run: one JSON object a line, to standard output and into the folder of the run.

`loadtest.contract` has the kinds of lines and their fields, docs/reference/rushhour.md what they mean.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path

from loadtest.contract import PROGRESS_FILE
from loadtest.events import (
    EndingEvent,
    Event,
    JudgingEvent,
    ProgressEvent,
    SubstationLoad,
    write_event,
)
from loadtest.record.stopped_sessions import StoppedSessions
from loadtest.show.pipe import Pipe
from loadtest.show.snapshot import RunSnapshot
from loadtest.units import W_PER_KW

EVERY_S = 0.25
JUDGED_EVERY_S = 1.0


class Progress:
    """Writes lines. Those that come before the folder is known are kept, and are written into it first."""

    def __init__(self, now: Callable[[], float], pipe: Pipe | None) -> None:
        """`now` returns unix seconds; without a `pipe` only the folder gets the lines."""
        self._now = now
        self._pipe = pipe
        self._folder: Path | None = None
        self._kept: list[str] = []

    def write(self, event: Event) -> None:
        """Write one line now."""
        line = write_event(event, round(self._now(), 3))
        if self._pipe:
            self._pipe.put(line)
        self._kept.append(line)
        self._save()

    def keep_in(self, folder: Path) -> None:
        """Write the lines so far into `folder`, and every further line."""
        self._folder = folder
        self._save()

    async def follow(self, snapshot: Callable[[], RunSnapshot]) -> None:
        """Write a line of progress every EVERY_S until cancelled, and a last one then."""
        try:
            while True:
                self.write(progress_event(snapshot()))
                await asyncio.sleep(EVERY_S)
        finally:
            self.write(progress_event(snapshot()))

    async def judge(self, judging: Callable[[], JudgingEvent]) -> None:
        """Write how the thresholds stand, every JUDGED_EVERY_S until cancelled, and a last time then."""
        try:
            while True:
                await asyncio.sleep(JUDGED_EVERY_S)
                self.write(judging())
        finally:
            self.write(judging())

    async def close(self) -> None:
        """Wait until the reader has the lines, for a bounded time."""
        if self._pipe:
            await asyncio.to_thread(self._pipe.close)

    def _save(self) -> None:
        if not self._folder or not self._kept:
            return
        try:
            with (self._folder / PROGRESS_FILE).open("a", encoding="utf-8") as file:
                file.writelines(self._kept)
        except (
            OSError
        ):  # a full disk does not end the run; if the result can't be written either, the run says so
            return
        self._kept.clear()


def progress_event(snapshot: RunSnapshot) -> ProgressEvent:
    """Return the line of a moment."""
    p50_ms, p95_ms, p99_ms = (None if ms is None else round(ms, 2) for ms in snapshot.percentiles_ms)
    return ProgressEvent(
        elapsed_s=round(snapshot.elapsed_s, 3),
        seconds=snapshot.seconds,
        planned=snapshot.planned,
        sent=snapshot.sent,
        admitted=snapshot.admitted,
        refused=snapshot.refused,
        failed=snapshot.failed,
        rate_per_s=round(snapshot.rate_per_s, 1),
        p50_ms=p50_ms,
        p95_ms=p95_ms,
        p99_ms=p99_ms,
        substations=tuple(
            SubstationLoad(
                substation_id,
                round(reading.load_w / W_PER_KW, 3),
                round(reading.capacity_w / W_PER_KW, 3),
                round(reading.base_load_w / W_PER_KW, 3),
            )
            for substation_id, reading in snapshot.readings.items()
        ),
        waiting=snapshot.waiting,
    )


def ending_event(stopped: StoppedSessions) -> EndingEvent:
    """Return the line of how far a stop is with the sessions of the run."""
    return EndingEvent(
        sessions=stopped.sessions,
        ended=stopped.ended,
        over=stopped.over,
        remaining=stopped.remaining,
        unknown=stopped.unknown,
        text=stopped.in_words(),
    )
