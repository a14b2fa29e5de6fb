"""Finds the documents of runs: a file, a run's folder, or the id of a run in the runs folder."""

import json
from pathlib import Path
from typing import cast

from loadtest.compare.merits import RawDocument
from loadtest.contract import RESULT_FILE
from loadtest.paper import document as paper
from loadtest.paper.document import NotAResult


class UnreadableRun(Exception):
    """A run can't be read or compared; the message says why."""


def find(name: str, runs_dir: Path) -> Path:
    """Return the document of a run, named by its file, its folder or its id; raises UnreadableRun."""
    candidates = (Path(name), Path(name) / RESULT_FILE, runs_dir / name / RESULT_FILE)
    for path in candidates:
        if path.is_file():
            return path
    raise UnreadableRun(f"{name!r} is neither a file nor a run in {runs_dir}")


def read(path: Path) -> RawDocument:
    """Return the document of a run; raises UnreadableRun when the file is none, or of an unknown version."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise UnreadableRun(f"{path} can't be read: {error}") from error
    try:
        paper.read(document)
    except NotAResult as error:
        raise UnreadableRun(f"{path} can't be compared: {error}") from error
    return cast("RawDocument", document)
