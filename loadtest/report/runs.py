"""The runs folder: one folder a run, with its result; the oldest runs go when there are too many."""

import contextlib
import dataclasses
import datetime as dt
import json
import os
import re
import secrets
import shutil
from pathlib import Path
from typing import Any

from loadtest.show.progress import ENDED, FILE

KEEP = 200
RESULT = "result.json"
RUN_ID = re.compile(r"(?P<at>\d{8}T\d{6}Z)-(?P<preset>[a-z0-9-]+)-(?P<seed>\d+)-[0-9a-f]{4}")
AT = "%Y%m%dT%H%M%SZ"
LAST_LINE_BYTES = 16_384
UNKNOWN = "no end"  # it runs, or was killed


class NotWritten(Exception):
    """The result can't be written; the message says why."""


def run_id(at: dt.datetime, preset: str, seed: int, token: int) -> str:
    """Return the id of a run that begins at a UTC moment; `token` tells apart those of one second."""
    return f"{at.strftime(AT)}-{preset}-{seed}-{token & 0xFFFF:04x}"


def new_id(preset: str, seed: int) -> str:
    """Return the id of a run that begins now."""
    return run_id(dt.datetime.now(dt.UTC), preset, seed, secrets.randbits(16))


def make(root: Path, name: str) -> Path:
    """Make the folder of a run; raises NotWritten."""
    try:
        (root / name).mkdir(parents=True)
    except OSError as error:
        raise NotWritten(f"the folder of the run can't be made: {error}") from error
    return (root / name).absolute()


def write(path: Path, text: str) -> None:
    """Write a file whole or not at all; raises NotWritten."""
    partial = path.with_name(f".{path.name}.partial")
    try:
        with partial.open("w", encoding="utf-8", newline="") as file:  # a sheet's line ends stay
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except (OSError, UnicodeError) as error:
        raise NotWritten(f"the result can't be written: {error}") from error
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)


def copy(path: Path, text: str) -> None:
    """Write a further copy where a person wants it, which may be no plain file; raises NotWritten."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise NotWritten(f"the result can't be written: {error}") from error


def prune(root: Path, keep: int = KEEP) -> None:
    """Remove the oldest runs beyond `keep`; nothing that is not named like a run is touched."""
    for folder in _folders(root)[keep:]:
        shutil.rmtree(folder, ignore_errors=True)  # it does not follow a link


@dataclasses.dataclass(frozen=True, slots=True)
class Past:
    """A run as the table shows it."""

    run_id: str
    preset: str
    seed: int
    at: dt.datetime
    verdict: str


def listed(root: Path) -> list[Past]:
    """Return the runs in a folder, the newest first."""
    return [past for folder in _folders(root) if (past := _past(folder))]


def files(folder: Path) -> dict[str, str]:
    """Return the paths of a run's files by their names."""
    return {path.name: str(path) for path in sorted(folder.iterdir()) if not path.name.startswith(".")}


def _folders(root: Path) -> list[Path]:
    """Return the folders of runs, the newest first."""
    found = root.iterdir() if root.is_dir() else ()
    runs = (path for path in found if RUN_ID.fullmatch(path.name) and path.is_dir())
    return sorted(runs, key=lambda path: path.name, reverse=True)


def _past(folder: Path) -> Past | None:
    parts = RUN_ID.fullmatch(folder.name)
    try:
        at = dt.datetime.strptime(parts["at"], AT).replace(tzinfo=dt.UTC) if parts else None
    except ValueError:
        return None
    if not parts or not at:
        return None
    return Past(folder.name, parts["preset"], int(parts["seed"]), at, _verdict(folder))


def _verdict(folder: Path) -> str:
    """Return how a run ended, by the last line that it told."""
    try:
        with (folder / FILE).open("rb") as file:
            file.seek(max(file.seek(0, os.SEEK_END) - LAST_LINE_BYTES, 0))
            told: Any = json.loads(file.read().splitlines()[-1])
        return str(told["verdict"]) if told["kind"] == ENDED else UNKNOWN
    except (OSError, ValueError, LookupError, TypeError):
        return UNKNOWN
