"""Backups of the balancer's two files, the order book and the history, and `POST /backup`, which makes them."""

import asyncio
from collections.abc import Awaitable, Mapping
from pathlib import Path
from typing import Protocol, runtime_checkable

from tornado.web import HTTPError

from balancer.book.protocol import BookUnavailable
from balancer.forecast.history import HistoryUnavailable
from runtime.backup import NO_COPY, UNFINISHED, BackupFailed, seal
from runtime.handlers import ApiHandler


@runtime_checkable
class Copied(Protocol):
    """A file that copies itself: the order book, the history."""

    def copy(self, path: Path) -> Awaitable[bool]:
        """Write a consistent copy, not synced yet; returns whether it could."""


class Backups:
    """Copies of files in one folder, which keeps the newest `most` of each."""

    def __init__(self, folder: Path, files: Mapping[str, Copied], most: int) -> None:
        """`files` by the names of their copies, the most important one first."""
        self._folder = folder
        self._files = files
        self._most = most
        self._busy = False

    async def make(self) -> dict[str, str]:
        """Copy each file; returns the paths by name once they are on the disk.

        A copy holds everything that was answered before. Work on that file waits while it is written, not while it is
        synced. Raises BackupFailed; the copies that were made before the failure are kept.
        """
        if self._busy:
            raise BackupFailed("another backup is being written")
        self._busy = True
        try:
            return {name: str(await self._copy(name, file)) for name, file in self._files.items()}
        finally:
            self._busy = False

    async def _copy(self, name: str, file: Copied) -> Path:
        try:
            if await file.copy(self._folder / UNFINISHED):
                return await asyncio.to_thread(seal, self._folder, name, self._most)
        except (BackupFailed, BookUnavailable, HistoryUnavailable) as error:
            raise BackupFailed(f"{name}: {error}") from error
        raise BackupFailed(f"{name}: {NO_COPY}")


class BackupHandler(ApiHandler):
    """`POST /backup`: writes consistent copies of the order book and the history."""

    def initialize(self, backups: Backups) -> None:  # type: ignore[override]
        """`backups` makes them."""
        super().initialize()
        self._backups = backups

    async def post(self) -> None:
        """Write the copies and say where they are."""
        try:
            self.write_json(await self._backups.make(), 201)
        except BackupFailed as failed:
            raise HTTPError(503, str(failed)) from None
