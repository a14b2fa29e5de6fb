"""The result as a JSON file: the figures, the verdict, every request and every sample."""

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from loadtest.records import W_PER_KW, Request, Sample
from loadtest.result import Measured, Result
from loadtest.verdict import Threshold

SCHEMA = "smartgrid-loadtest/1"


class NotWritten(Exception):  # noqa: N818 - named after what happened
    """The file can't be written; the message says why."""


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
    try:
        path.write_text(json.dumps(told, indent=1), encoding="utf-8")
    except OSError as error:
        message = f"the result can't be written: {error}"
        raise NotWritten(message) from error


def _request(request: Request) -> dict[str, Any]:
    document = dataclasses.asdict(request)
    del document["session"]  # the body has it as it came
    return document


def _sample(sample: Sample) -> dict[str, Any]:
    return {
        "at_unix_s": sample.at_unix_s,
        "load_kw": {each: reading.load_w / W_PER_KW for each, reading in sample.readings.items()},
        "capacity_kw": {each: reading.capacity_w / W_PER_KW for each, reading in sample.readings.items()},
    }
