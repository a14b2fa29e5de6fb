"""The runs folder: one folder for each run, with its result; the oldest are removed when there are too many."""

import contextlib
import dataclasses
import datetime as dt
import os
import secrets
import shutil
from pathlib import Path

from loadtest.contract import (
    NO_END,
    PROGRESS_FILE,
    RUN_ID,
    RUN_ID_TIME,
    VERDICT_WORDS,
)
from loadtest.events import EndEvent, read_event

KEEP = 200
LAST_LINE_BYTES = 16_384


class NotWritten(Exception):
    """The result can't be written; the message says why."""


def run_id(at: dt.datetime, preset: str, seed: int, token: int) -> str:
    """Return the id of a run that begins at a UTC moment; `token` makes ids of one second differ."""
    return f"{at.strftime(RUN_ID_TIME)}-{preset}-{seed}-{token & 0xFFFF:04x}"


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
    """Write a copy to a path of a person's choice, which may be no plain file; raises NotWritten."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise NotWritten(f"the result can't be written: {error}") from error


def prune(root: Path, keep: int = KEEP) -> None:
    """Remove the oldest runs beyond `keep`, and nothing that is not named like a run."""
    for folder in _folders(root)[keep:]:
        shutil.rmtree(folder, ignore_errors=True)  # it does not follow a link


@dataclasses.dataclass(frozen=True, slots=True)
class RunSummary:
    """One run as the list shows it; `verdict` is the word for people."""

    run_id: str
    preset: str
    seed: int
    at: dt.datetime
    verdict: str


def list_runs(root: Path) -> list[RunSummary]:
    """Return the runs in a folder, the newest first."""
    return [run for folder in _folders(root) if (run := _summary(folder))]


def paths_by_name(folder: Path) -> dict[str, str]:
    """Return the paths of a run's files by their names."""
    return {path.name: str(path) for path in sorted(folder.iterdir()) if not path.name.startswith(".")}


def _folders(root: Path) -> list[Path]:
    """Return the folders of runs, the newest first."""
    found = root.iterdir() if root.is_dir() else ()
    runs = (path for path in found if RUN_ID.fullmatch(path.name) and path.is_dir())
    return sorted(runs, key=lambda path: path.name, reverse=True)


def _summary(folder: Path) -> RunSummary | None:
    parts = RUN_ID.fullmatch(folder.name)
    try:
        at = dt.datetime.strptime(parts["at"], RUN_ID_TIME).replace(tzinfo=dt.UTC) if parts else None
    except ValueError:
        return None
    if not parts or not at:
        return None
    return RunSummary(folder.name, parts["preset"], int(parts["seed"]), at, _verdict(folder))


def _verdict(folder: Path) -> str:
    """Return the verdict in the last line of a run, in the word for people."""
    try:
        with (folder / PROGRESS_FILE).open("rb") as file:
            file.seek(max(file.seek(0, os.SEEK_END) - LAST_LINE_BYTES, 0))
            last = (file.read().splitlines() or [b""])[-1]
    except OSError:
        return NO_END
    event = read_event(last)
    return VERDICT_WORDS.get(event.verdict, event.verdict) if isinstance(event, EndEvent) else NO_END
