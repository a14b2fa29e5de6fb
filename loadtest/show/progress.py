"""What a run tells while it goes on: one JSON object a line, to standard output and into the run's folder.

docs/reference/rushhour.md has the kinds of lines and their fields.
"""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from loadtest.record.records import W_PER_KW
from loadtest.record.stopped_sessions import StoppedSessions
from loadtest.show.pipe import Pipe
from loadtest.show.view import SHOWN, View

SCHEMA = "smartgrid-progress/1"
EVERY_S = 0.25
FILE = "progress.jsonl"
STARTED, SETTLING, PROGRESS, ENDING, ENDED = KINDS = ("started", "settling", "progress", "ending", "ended")


class Progress:
    """Writes lines; those of before the folder was known are written into it first."""

    def __init__(self, now: Callable[[], float], pipe: Pipe | None) -> None:
        self._now = now
        self._pipe = pipe
        self._folder: Path | None = None
        self._kept: list[str] = []

    def tell(self, kind: str, **fields: Any) -> None:
        """Write one line now."""
        line = json.dumps({"kind": kind, "at_unix_s": round(self._now(), 3), **fields}) + "\n"
        if self._pipe:
            self._pipe.put(line)
        self._kept.append(line)
        self._save()

    def keep_in(self, folder: Path) -> None:
        """Write into this folder from now on, and what was told before."""
        self._folder = folder
        self._save()

    async def follow(self, view: Callable[[], View]) -> None:
        """Tell of `view` every EVERY_S until cancelled, and a last time then."""
        try:
            while True:
                self.tell(PROGRESS, **fields(view()))
                await asyncio.sleep(EVERY_S)
        finally:
            self.tell(PROGRESS, **fields(view()))

    async def close(self) -> None:
        """Let what was told go out, for a bounded time."""
        if self._pipe:
            await asyncio.to_thread(self._pipe.close)

    def _save(self) -> None:
        if not self._folder or not self._kept:
            return
        try:
            with (self._folder / FILE).open("a", encoding="utf-8") as file:
                file.writelines(self._kept)
        except (
            OSError
        ):  # a disk that is full does not end the run: the result says so, if it can't be written
            return
        self._kept.clear()


def fields(view: View) -> dict[str, Any]:
    """Return a moment as a line shows it."""
    latency = {
        f"p{percent:g}_ms": None if ms is None else round(ms, 2)
        for percent, ms in zip(SHOWN, view.percentiles_ms, strict=True)
    }
    return {
        "elapsed_s": round(view.elapsed_s, 3),
        "seconds": view.seconds,
        "planned": view.planned,
        "sent": view.sent,
        "admitted": view.admitted,
        "refused": view.refused,
        "failed": view.failed,
        "rate_per_s": round(view.rate_per_s, 1),
        **latency,
        "substations": [
            {
                "substation_id": substation_id,
                "load_kw": round(reading.load_w / W_PER_KW, 3),
                "capacity_kw": round(reading.capacity_w / W_PER_KW, 3),
            }
            for substation_id, reading in view.readings.items()
        ],
    }


def ending(undone: StoppedSessions) -> dict[str, Any]:
    """Return how far a stop is with the run's sessions, as a line shows it."""
    return {
        "sessions": undone.sessions,
        "ended": undone.ended,
        "over": undone.over,
        "remaining": undone.remaining,
        "unknown": undone.unknown,
        "text": undone.said(),
    }
