"""The files that a run leaves: the document of its result, and what is made of it for readers."""

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from loadtest.paper import page, sheets
from loadtest.paper.document import NotAResult
from loadtest.records import W_PER_KW, Request, Sample
from loadtest.result import Measured, Result
from loadtest.verdict import Threshold

RESULT, REPORT, REQUESTS, SAMPLES = "result.json", "report.html", "requests.csv", "samples.csv"
SCHEMA = "smartgrid-loadtest/1"


class NotWritten(Exception):  # noqa: N818 - named after what happened
    """A file can't be written; the message says why."""


def document(
    run: dict[str, Any], measured: Measured, result: Result, thresholds: Sequence[Threshold]
) -> dict[str, Any]:
    """Return all that a run measured, as JSON takes it; `run` says what was asked for."""
    return {
        "schema": SCHEMA,
        "run": run,
        "window_unix_s": [measured.from_unix_s, measured.until_unix_s],
        "result": dataclasses.asdict(result),
        "thresholds": [dataclasses.asdict(threshold) for threshold in thresholds],
        "requests": [_request(each) for each in sorted(measured.requests, key=lambda each: each.index)],
        "samples": [_sample(each) for each in measured.samples],
    }


def write(path: Path, told: dict[str, Any]) -> None:
    """Write a document to `path` as JSON; raises NotWritten."""
    _write(path, json.dumps(told, indent=1))


def write_all(folder: Path, told: dict[str, Any]) -> Path:
    """Write the document, the report and both sheets into `folder`, and make it if need be.

    Returns the path of the report. Raises NotWritten.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        message = f"the folder of the run can't be made: {error}"
        raise NotWritten(message) from error
    write(folder / RESULT, told)
    _write(folder / REQUESTS, sheets.requests(told))
    _write(folder / SAMPLES, sheets.samples(told))
    _write(folder / REPORT, page.report(told))
    return folder / REPORT


def load(result: Path) -> Any:
    """Return the document at `result`; raises NotAResult when it can't be read as JSON."""
    try:
        return json.loads(result.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        message = f"{result} can't be read: {error}"
        raise NotAResult(message) from error


def render(result: Path, to: Path) -> None:
    """Write the report of the document at `result` to `to`; raises NotAResult, NotWritten."""
    _write(to, page.report(load(result)))


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8", newline="")  # a sheet's line ends stay as they are
    except OSError as error:
        message = f"the result can't be written: {error}"
        raise NotWritten(message) from error


def _request(request: Request) -> dict[str, Any]:
    told = dataclasses.asdict(request)
    del told["session"]  # the body has it as it came
    told["substation_id"] = request.session.substation_id if request.session else None
    return told


def _sample(sample: Sample) -> dict[str, Any]:
    return {
        "at_unix_s": sample.at_unix_s,
        "load_kw": {each: reading.load_w / W_PER_KW for each, reading in sample.readings.items()},
        "capacity_kw": {each: reading.capacity_w / W_PER_KW for each, reading in sample.readings.items()},
    }
