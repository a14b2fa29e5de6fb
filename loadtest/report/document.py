"""The result of a run as one document: options, figures, thresholds, every request and every sample.

The report and the sheets are made of that document alone.
"""

import dataclasses
import datetime as dt
import json
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import aiohttp

from loadtest.contract import (
    REPORT_FILE,
    REQUESTS_FILE,
    RESULT_FILE,
    SAMPLES_FILE,
    result_text,
)
from loadtest.judge import balance
from loadtest.judge.result import Measurements, Result
from loadtest.judge.threshold import Threshold
from loadtest.judge.what_became import what_became
from loadtest.paper import meanings, page, sheets
from loadtest.paper.document import SCHEMA, NotAResult
from loadtest.record.readings import FleetSample
from loadtest.record.requests import Request
from loadtest.report import runs
from loadtest.units import W_PER_KW
from runtime.version import VERSION

CURVE_POINTS = 40  # of the small curve in the console's list of runs


def document(
    run: dict[str, Any], measured: Measurements, result: Result, thresholds: Sequence[Threshold]
) -> dict[str, Any]:
    """Return the document; `run` has the options of the run, and what is known of the grid."""
    began = dt.datetime.fromtimestamp(measured.from_unix_s, dt.UTC)
    return {
        "schema": SCHEMA,
        "run": {**run, "started_at": began.isoformat(timespec="milliseconds"), "versions": versions()},
        "window_unix_s": [measured.from_unix_s, measured.until_unix_s],
        "outcome": what_became(measured, result),
        "curve": _curve(measured),
        "result": dataclasses.asdict(result),
        "thresholds": [_threshold(each) for each in thresholds],
        "requests": [_request(each) for each in sorted(measured.requests, key=lambda each: each.index)],
        "samples": [_sample(each) for each in measured.samples],
    }


def write_files(folder: Path, document: dict[str, Any]) -> Path:
    """Write a document into the folder of its run, then the report and the sheets; raises NotWritten.

    Returns the path of the report.
    """
    text = result_text(document)
    runs.write(folder / RESULT_FILE, text)
    document = json.loads(text)  # so that the report is the same as one drawn from the file later
    runs.write(folder / REQUESTS_FILE, sheets.requests(document))
    runs.write(folder / SAMPLES_FILE, sheets.samples(document))
    runs.write(folder / REPORT_FILE, page.report(document))
    return folder / REPORT_FILE


def load(result: Path) -> Any:
    """Return the document at `result`; raises NotAResult when it can't be read as JSON."""
    try:
        return json.loads(result.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise NotAResult(f"{result} can't be read: {error}") from error


def render(result: Path) -> str:
    """Return the report of the document at `result`; raises NotAResult."""
    return page.report(load(result))


def picture(result: Path) -> str:
    """Return the load of each substation in the document at `result`, as an SVG file; raises NotAResult."""
    return page.loads_picture(load(result))


def versions() -> dict[str, str]:
    """Return the versions of what sent the load."""
    return {"python": platform.python_version(), "loadtest": VERSION, "aiohttp": aiohttp.__version__}


def _threshold(threshold: Threshold) -> dict[str, Any]:
    fields = dataclasses.asdict(threshold)
    fields["held"] = fields.pop("passed")  # the name in the documents of all runs so far
    return fields | {"title": meanings.title(threshold)}


def _curve(measured: Measurements) -> list[float | None]:
    """Return the highest utilization of the fleet in each of some parts of the window, None without a sample.

    There are at most CURVE_POINTS parts, and half as many as samples, so that each part of a steady run has one.
    """
    whole = measured.whole()
    parts = max(min(CURVE_POINTS, len(whole) // 2), 1)
    width_s = (measured.until_unix_s - measured.from_unix_s) / parts
    highest: dict[int, float] = {}
    for sample in whole:
        part = min(int((sample.at_unix_s - measured.from_unix_s) / width_s), parts - 1) if width_s else 0
        highest[part] = max(balance.fleet_utilization(sample), highest.get(part, 0.0))
    return [round(highest[part], 4) if part in highest else None for part in range(parts)]


def _request(request: Request) -> dict[str, Any]:
    fields = dataclasses.asdict(request)
    del fields["session"]  # the body has it as it came
    return fields | {
        "substation_id": request.session.substation_id if request.session else None,
        "attempts": len(request.attempts),
        "attempt_log": fields["attempts"],
    }


def _sample(sample: FleetSample) -> dict[str, Any]:
    readings = sample.readings.items()
    return {
        "at_unix_s": sample.at_unix_s,
        "load_kw": {each: reading.load_w / W_PER_KW for each, reading in readings},
        "base_load_kw": {each: reading.base_load_w / W_PER_KW for each, reading in readings},
        "paused": {each: reading.paused_now for each, reading in readings},
        "capacity_kw": {each: reading.capacity_w / W_PER_KW for each, reading in readings},
        "draining": [each for each, reading in readings if reading.draining],
    }
