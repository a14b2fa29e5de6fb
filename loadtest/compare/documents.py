"""Finds the documents of runs: a file, a run's folder, or the id of a run in the runs folder."""

import json
from pathlib import Path
from typing import cast

from loadtest.compare.merits import Document
from loadtest.paper import document as paper
from loadtest.paper.document import NotAResult
from loadtest.report.runs import RESULT


class Unreadable(Exception):
    """There is no run that can be compared; the message says why."""


def find(named: str, runs_dir: Path) -> Path:
    """Return the file of a run that is named by file, folder or id; raises Unreadable."""
    tried = (Path(named), Path(named) / RESULT, runs_dir / named / RESULT)
    for path in tried:
        if path.is_file():
            return path
    message = f"{named!r} is neither a file nor a run in {runs_dir}"
    raise Unreadable(message)


def read(path: Path) -> Document:
    """Return what a run left; raises Unreadable for what is not a run or of a version that is not known."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        message = f"{path} can't be read: {error}"
        raise Unreadable(message) from error
    try:
        paper.read(document)
    except NotAResult as error:
        message = f"{path} can't be compared: {error}"
        raise Unreadable(message) from error
    return cast("Document", document)
