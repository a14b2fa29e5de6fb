"""The folder of the load test's runs, as a list: newest first, with the figures of each."""

import datetime as dt
import json
import math
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from admin_ui.rush.options import RUN_ID

FILES = ("report.html", "result.json", "requests.csv", "samples.csv", "progress.jsonl")
RESULT, PROGRESS = "result.json", "progress.jsonl"
PARTS = re.compile(r"(\d{8}T\d{6}Z)-([a-z0-9-]+)-(\d+)-[0-9a-f]{4}")
AT = "%Y%m%dT%H%M%SZ"
HEAD_ENDS = b'\n "requests":'  # after it come only lists of every request and every sample
MOST_HEAD_BYTES = 4 * 1024 * 1024
LAST_LINE_BYTES = 65_536
CHANGE = ("what", "target", "before", "after", "planned")
NO_END = "no end"  # it runs, or was killed

Row = dict[str, Any]


class RunsFolder:
    """Reads what is there; what was read is kept for as long as the files are the same."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._kept: dict[str, tuple[object, Row]] = {}

    def listed(self) -> list[Row]:
        """Return every run, the newest first; reads files, so not for the event loop's thread."""
        found = self._root.iterdir() if self._root.is_dir() else ()
        names = sorted((path.name for path in found if re.fullmatch(RUN_ID, path.name)), reverse=True)
        rows = [row for name in names if (row := self.row(name))]
        self._kept = {name: kept for name, kept in self._kept.items() if name in set(names)}
        return rows

    def row(self, run_id: str) -> Row | None:
        """Return one run; None when there is none."""
        folder = self._root / run_id
        if not re.fullmatch(RUN_ID, run_id) or folder.is_symlink() or not folder.is_dir():
            return None
        state = tuple((name, _changed(folder / name)) for name in FILES)
        kept = self._kept.get(run_id)
        if not kept or kept[0] != state:
            row = _named(run_id) | _told(folder) | {"files": [name for name, at in state if at]}
            self._kept[run_id] = kept = (state, row)
        return kept[1]

    def file(self, run_id: str, name: str) -> Path | None:
        """Return a file of a run; None when there is none. Nothing outside of the folder is ever returned."""
        path = self._root / run_id / name
        known = name in FILES and re.fullmatch(RUN_ID, run_id)
        if not known or not path.is_file() or path.resolve() != self._root.resolve() / run_id / name:
            return None
        return path


def head(path: Path) -> Mapping[str, Any] | None:
    """Return a result without its lists of requests and samples; None when it can't be read."""
    try:
        with path.open("rb") as file:
            text = file.read(MOST_HEAD_BYTES)
            cut = text.find(HEAD_ENDS)
            told = json.loads(text[:cut].rstrip().rstrip(b",") + b"}" if cut > 0 else text)
    except (OSError, ValueError, RecursionError):
        return None
    return told if isinstance(told, dict) else None


def _changed(path: Path) -> int:
    """Return when a file was changed last, 0 when there is none."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def _named(run_id: str) -> Row:
    parts = PARTS.fullmatch(run_id)
    at, preset, seed = parts.groups() if parts else ("", "", "0")
    try:
        at_unix_s = dt.datetime.strptime(at, AT).replace(tzinfo=dt.UTC).timestamp()
    except ValueError:
        at_unix_s = 0.0
    return {"run_id": run_id, "preset": preset, "seed": int(seed), "at_unix_s": at_unix_s}


def _told(folder: Path) -> Row:
    """Return what the run left: its verdict and figures, None for what was not measured."""
    told = head(folder / RESULT) or {}
    run, result = _of(told, "run"), _of(told, "result")
    window = _window(told.get("window_unix_s"))
    ended = _ended(folder / PROGRESS)
    thresholds = told.get("thresholds")
    return {
        "verdict": _text(ended.get("verdict")) or NO_END,
        "why": _text(ended.get("why")) or "",
        "policy": _text(run.get("policy")),
        "requests": _number(run.get("requests")),
        "seconds": _number(run.get("seconds")),
        "duration_s": round(window[1] - window[0], 1) if window else None,
        "window_unix_s": window,
        "balance_ratio": _number(result.get("balance_ratio")),
        "peak_utilization": _number(result.get("fleet_peak_utilization")),
        "p95_ms": _number(_of(result, "response_ms").get("p95")),
        "sent": _number(result.get("sent")),
        "admitted": _number(result.get("admitted")),
        "refused": _number(result.get("refused")),
        "failed": _number(result.get("failed")),
        "generator": {name: _text(_of(result, "generator").get(name)) for name in ("verdict", "why")},
        "thresholds": [each for each in thresholds if isinstance(each, dict)]
        if isinstance(thresholds, list)
        else [],
        "changes": _changes(result, window),
    }


def _changes(result: Mapping[str, Any], window: list[float] | None) -> list[Row]:
    """Return what was changed on the grid during the run, in seconds after its start."""
    listed = result.get("changes")
    if not isinstance(listed, list) or not window:
        return []
    return [
        {name: each.get(name) for name in CHANGE} | {"at_s": round(at_unix_s - window[0], 1)}
        for each in listed
        if isinstance(each, dict) and (at_unix_s := _number(each.get("at_unix_s"))) is not None
    ]


def _window(told: object) -> list[float] | None:
    """Return the two moments of a window, None for anything else."""
    if not isinstance(told, list):
        return None
    moments = [each for each in map(_number, told) if each is not None]
    return moments if len(moments) == len(told) == 2 else None  # noqa: PLR2004 - a beginning and an end


def _number(value: object) -> float | None:
    """Return a finite number, None for anything else that a file may hold in its place."""
    known = isinstance(value, int | float) and not isinstance(value, bool)
    try:
        return value if known and math.isfinite(value) else None  # type: ignore[arg-type, return-value]
    except OverflowError:  # an integer beyond every float
        return None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _of(told: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = told.get(name)
    return part if isinstance(part, dict) else {}


def _ended(path: Path) -> Mapping[str, Any]:
    """Return the last line of a run that told how it ended, {} of any other."""
    try:
        with path.open("rb") as file:
            file.seek(max(file.seek(0, os.SEEK_END) - LAST_LINE_BYTES, 0))
            told = json.loads(file.read().splitlines()[-1])
        return told if told["kind"] == "ended" else {}
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return {}
