"""Follows a run that another process has started: the lease names it, and its lines are in the folder of runs.

Where that folder is not the console's, as with a run on another machine, nothing more than its id is known. The lines are read
while somebody looks: `look_for` is called for each frame of the stream.
"""

import asyncio
import logging
import time
from pathlib import Path

from admin_ui.rush.progress import RunProgress
from admin_ui.rush.runs_folder import RunsFolder
from loadtest.contract import PROGRESS_FILE

log = logging.getLogger(__name__)

EVERY_S = 0.5  # as often as a run writes
MOST_BYTES = 4 * 1024 * 1024  # at once
ELSEWHERE = "a terminal or another console"


class RunElsewhere:
    """The run that holds the lease and is not of this console; None without one, or while its lines are not there."""

    def __init__(self, folder: RunsFolder) -> None:
        self._folder = folder
        self._wanted: str | None = None
        self._run_id: str | None = None
        self._run: RunProgress | None = None
        self._read = 0
        self._rest = b""

    @property
    def run(self) -> RunProgress | None:
        """What is known of the run that was looked for last."""
        return self._run if self._wanted and self._run_id == self._wanted else None

    def look_for(self, run_id: str | None) -> RunProgress | None:
        """Follow this run from now on (None: none), and return what is known of it."""
        self._wanted = run_id
        return self.run

    async def follow(self) -> None:
        """Read what the wanted run has written, until cancelled."""
        while True:
            try:
                await self.read()
            except OSError as error:
                log.warning("the lines of a run can't be read: %s", error)
            await asyncio.sleep(EVERY_S)

    async def read(self) -> None:
        """Read what is new; raises OSError."""
        run_id = self._wanted
        if run_id != self._run_id:
            self._run_id, self._run, self._read, self._rest = run_id, None, 0, b""
        if not run_id:
            return
        path = await asyncio.to_thread(self._folder.file, run_id, PROGRESS_FILE)
        if not path:
            return
        new = await asyncio.to_thread(_from, path, self._read)
        self._run = self._run or RunProgress({}, ELSEWHERE, time.time())
        self._read += len(new)
        *lines, self._rest = (self._rest + new).split(b"\n")
        for line in lines:
            self._run.take(line)


def _from(path: Path, start: int) -> bytes:
    with path.open("rb") as file:
        file.seek(start)
        return file.read(MOST_BYTES)
