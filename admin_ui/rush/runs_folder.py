"""The folder of the load test's runs: lists them with their figures, and finds their files."""

import datetime as dt
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from loadtest.contract import (
    FILES,
    NO_END,
    PROGRESS_FILE,
    RESULT_FILE,
    RUN_ID,
    RUN_ID_TIME,
    read_result_head,
)
from loadtest.events import EndEvent, read_event

MOST_HEAD_BYTES = 4 * 1024 * 1024
LAST_LINE_BYTES = 65_536
MOST_CURVE = 200  # points of the small curve of a run
CHANGE = ("what", "target", "before", "after", "planned")

Row = dict[str, Any]


class RunsFolder:
    """Reads the runs, and reads a run again only when its files have changed."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._kept: dict[str, tuple[object, Row]] = {}

    def listed(self) -> list[Row]:
        """Return all runs, the newest first. It reads files, so don't call it on the event loop's thread."""
        found = self._root.iterdir() if self._root.is_dir() else ()
        names = sorted((path.name for path in found if RUN_ID.fullmatch(path.name)), reverse=True)
        rows = [row for name in names if (row := self.row(name))]
        self._kept = {name: kept for name, kept in self._kept.items() if name in set(names)}
        return rows

    def row(self, run_id: str) -> Row | None:
        """Return a run with its figures; None when there is none."""
        folder = self._root / run_id
        if not RUN_ID.fullmatch(run_id) or folder.is_symlink() or not folder.is_dir():
            return None
        state = tuple((name, _changed(folder / name)) for name in FILES)
        kept = self._kept.get(run_id)
        if not kept or kept[0] != state:
            row = _parts(run_id) | _figures(folder) | {"files": [name for name, at in state if at]}
            self._kept[run_id] = kept = (state, row)
        return kept[1]

    def file(self, run_id: str, name: str) -> Path | None:
        """Return the path of a file of a run; None when there is none, and never a path outside of the folder."""
        path = self._root / run_id / name
        known = name in FILES and RUN_ID.fullmatch(run_id)
        if not known or not path.is_file() or path.resolve() != self._root.resolve() / run_id / name:
            return None
        return path


def head(path: Path) -> Mapping[str, Any] | None:
    """Return a result without its lists of requests and samples; None when it can't be read."""
    try:
        with path.open("rb") as file:
            return read_result_head(file.read(MOST_HEAD_BYTES))
    except OSError:
        return None


def _changed(path: Path) -> int:
    """Return when a file was changed last, 0 when there is none."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def _parts(run_id: str) -> Row:
    parts = RUN_ID.fullmatch(run_id)
    at, preset, seed = parts.groups() if parts else ("", "", "0")
    try:
        at_unix_s = dt.datetime.strptime(at, RUN_ID_TIME).replace(tzinfo=dt.UTC).timestamp()
    except ValueError:
        at_unix_s = 0.0
    return {"run_id": run_id, "preset": preset, "seed": int(seed), "at_unix_s": at_unix_s}


def _figures(folder: Path) -> Row:
    """Return verdict and figures of a run, None for a figure that was not measured."""
    document = head(folder / RESULT_FILE) or {}
    run, result = _part(document, "run"), _part(document, "result")
    window = _window(document.get("window_unix_s"))
    ended = _end(folder / PROGRESS_FILE)
    thresholds = document.get("thresholds")
    return {
        "verdict": ended.verdict if ended else NO_END,
        "why": ended.why if ended else "",
        "policy": _text(run.get("policy")),
        "requests": _number(run.get("requests")),
        "seconds": _number(run.get("seconds")),
        "duration_s": round(window[1] - window[0], 1) if window else None,
        "window_unix_s": window,
        "balance_ratio": _number(result.get("balance_ratio")),
        "peak_utilization": _number(result.get("fleet_peak_utilization")),
        "p95_ms": _number(_part(result, "response_ms").get("p95")),
        "sent": _number(result.get("sent")),
        "admitted": _number(result.get("admitted")),
        "refused": _number(result.get("refused")),
        "failed": _number(result.get("failed")),
        "generator": {name: _text(_part(result, "generator").get(name)) for name in ("verdict", "why")},
        "thresholds": [each for each in thresholds if isinstance(each, dict)]
        if isinstance(thresholds, list)
        else [],
        "changes": _changes(result, window),
        "outcome": _text(document.get("outcome")) or "",
        "curve": _numbers(document.get("curve")),
    }


def _numbers(value: object) -> list[float | None]:
    """Return a list of numbers, with None for what is none; [] for anything else."""
    return [_number(each) for each in value[:MOST_CURVE]] if isinstance(value, list) else []


def _changes(result: Mapping[str, Any], window: list[float] | None) -> list[Row]:
    """Return the changes of the grid during the run, each with its seconds after the start."""
    listed = result.get("changes")
    if not isinstance(listed, list) or not window:
        return []
    return [
        {name: each.get(name) for name in CHANGE} | {"at_s": round(at_unix_s - window[0], 1)}
        for each in listed
        if isinstance(each, dict) and (at_unix_s := _number(each.get("at_unix_s"))) is not None
    ]


def _window(value: object) -> list[float] | None:
    """Return start and end of a time window, None for anything else."""
    if not isinstance(value, list):
        return None
    moments = [each for each in map(_number, value) if each is not None]
    return moments if len(moments) == len(value) == 2 else None


def _number(value: object) -> float | None:
    """Return a finite number, None for anything else that a file may hold in its place."""
    known = isinstance(value, int | float) and not isinstance(value, bool)
    try:
        return value if known and math.isfinite(value) else None  # type: ignore[arg-type, return-value]
    except OverflowError:  # an integer beyond every float
        return None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _part(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = document.get(name)
    return part if isinstance(part, dict) else {}


def _end(path: Path) -> EndEvent | None:
    """Return the last line of a run that has ended, None for any other."""
    try:
        with path.open("rb") as file:
            file.seek(max(file.seek(0, os.SEEK_END) - LAST_LINE_BYTES, 0))
            last = (file.read().splitlines() or [b""])[-1]
    except OSError:
        return None
    event = read_event(last)
    return event if isinstance(event, EndEvent) else None
