"""The result as one document: what was asked for, the figures, the verdict, every request and every sample.

And the files for readers, which are made of that document alone.
"""

import dataclasses
import datetime as dt
import json
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import aiohttp

from loadtest.judge.result import Measurements, Result
from loadtest.judge.verdict import Threshold
from loadtest.paper import page, sheets
from loadtest.paper.document import SCHEMA, NotAResult
from loadtest.record.records import W_PER_KW, FleetSample, Request
from loadtest.report import runs
from runtime.exposition import VERSION

REPORT, REQUESTS, SAMPLES = "report.html", "requests.csv", "samples.csv"


def document(
    run: dict[str, Any], measured: Measurements, result: Result, thresholds: Sequence[Threshold]
) -> dict[str, Any]:
    """Return everything; `run` says what was asked for, and of which grid."""
    began = dt.datetime.fromtimestamp(measured.from_unix_s, dt.UTC)
    return {
        "schema": SCHEMA,
        "run": {**run, "started_at": began.isoformat(timespec="milliseconds"), "versions": versions()},
        "window_unix_s": [measured.from_unix_s, measured.until_unix_s],
        "result": dataclasses.asdict(result),
        "thresholds": [dataclasses.asdict(threshold) for threshold in thresholds],
        "requests": [_request(each) for each in sorted(measured.requests, key=lambda each: each.index)],
        "samples": [_sample(each) for each in measured.samples],
    }


def leave(folder: Path, told: dict[str, Any]) -> Path:
    """Write a document into the folder of its run, then what is made of it; raises NotWritten.

    Returns the path of the report.
    """
    text = as_json(told)
    runs.write(folder / runs.RESULT, text)
    told = json.loads(text)  # so that the report is the same as one drawn from the file later
    runs.write(folder / REQUESTS, sheets.requests(told))
    runs.write(folder / SAMPLES, sheets.samples(told))
    runs.write(folder / REPORT, page.report(told))
    return folder / REPORT


def as_json(told: dict[str, Any]) -> str:
    """Return a document as it is written."""
    return json.dumps(told, indent=1)


def load(result: Path) -> Any:
    """Return the document at `result`; raises NotAResult when it can't be read as JSON."""
    try:
        return json.loads(result.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise NotAResult(f"{result} can't be read: {error}") from error


def render(result: Path) -> str:
    """Return the report of the document at `result`; raises NotAResult."""
    return page.report(load(result))


def versions() -> dict[str, str]:
    """Return what sent the load."""
    return {"python": platform.python_version(), "loadtest": VERSION, "aiohttp": aiohttp.__version__}


def _request(request: Request) -> dict[str, Any]:
    shown = dataclasses.asdict(request)
    del shown["session"]  # the body has it as it came
    return shown | {
        "substation_id": request.session.substation_id if request.session else None,
        "attempts": len(request.attempts),
        "attempt_log": shown["attempts"],
    }


def _sample(sample: FleetSample) -> dict[str, Any]:
    readings = sample.readings.items()
    return {
        "at_unix_s": sample.at_unix_s,
        "load_kw": {each: reading.load_w / W_PER_KW for each, reading in readings},
        "capacity_kw": {each: reading.capacity_w / W_PER_KW for each, reading in readings},
    }
