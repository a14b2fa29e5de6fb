"""The folder of the load test's runs, as a list: newest first, with the figures of each."""

import datetime as dt
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from admin_ui.rush_wish import RUN_ID

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
    except (OSError, ValueError):
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
    window = told.get("window_unix_s")
    ended = _ended(folder / PROGRESS)
    return {
        "verdict": ended.get("verdict", NO_END),
        "why": ended.get("why", ""),
        "policy": run.get("policy"),
        "requests": run.get("requests"),
        "seconds": run.get("seconds"),
        "duration_s": round(window[1] - window[0], 1) if isinstance(window, list) else None,
        "window_unix_s": window if isinstance(window, list) else None,
        "balance_ratio": result.get("balance_ratio"),
        "peak_utilization": result.get("fleet_peak_utilization"),
        "p95_ms": _of(result, "response_ms").get("p95"),
        "sent": result.get("sent"),
        "admitted": result.get("admitted"),
        "refused": result.get("refused"),
        "failed": result.get("failed"),
        "generator": {name: _of(result, "generator").get(name) for name in ("verdict", "why")},
        "thresholds": told.get("thresholds") or [],
        "changes": _changes(result, window),
    }


def _changes(result: Mapping[str, Any], window: object) -> list[Row]:
    """Return what was changed on the grid during the run, in seconds after its start."""
    began = window[0] if isinstance(window, list) and window else None
    listed = result.get("changes")
    if not isinstance(listed, list) or not isinstance(began, int | float):
        return []
    return [
        {name: each.get(name) for name in CHANGE} | {"at_s": round(each["at_unix_s"] - began, 1)}
        for each in listed
        if isinstance(each, dict) and isinstance(each.get("at_unix_s"), int | float)
    ]


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
    except (OSError, ValueError, LookupError, TypeError):
        return {}
