"""Finds the documents of runs: a file, a run's folder, or the id of a run in the runs folder."""

import json
from collections.abc import Mapping
from pathlib import Path

from loadtest.compare.merits import Document

RESULT = "result.json"
SCHEMA = "smartgrid-loadtest/"
VERSION = 1


class Unreadable(Exception):  # noqa: N818 - named after what is the matter
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
    if not isinstance(document, Mapping) or not isinstance(document.get("result"), Mapping):
        message = f"{path} is not the result of a run"
        raise Unreadable(message)
    schema = document.get("schema") or f"{SCHEMA}{VERSION}"
    if schema != f"{SCHEMA}{VERSION}":
        message = f"{path} has the schema {schema!r}; {SCHEMA}{VERSION} is read here"
        raise Unreadable(message)
    return document
