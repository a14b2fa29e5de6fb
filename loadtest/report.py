"""The result as a JSON file: the figures, the verdict, every request and every sample."""

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from loadtest.records import W_PER_KW, Request
from loadtest.result import Measured, Result
from loadtest.verdict import Threshold


class NotWritten(Exception):  # noqa: N818 - named after what happened
    """The file can't be written; the message says why."""


def write(
    path: Path, run: dict[str, Any], measured: Measured, result: Result, thresholds: Sequence[Threshold]
) -> None:
    """Write everything to `path`; `run` says what was asked for. Raises NotWritten."""
    samples = [
        {
            "at_unix_s": sample.at_unix_s,
            "load_kw": {each: reading.load_w / W_PER_KW for each, reading in sample.readings.items()},
        }
        for sample in measured.samples
    ]
    document = {
        "run": run,
        "window_unix_s": [measured.from_unix_s, measured.until_unix_s],
        "result": dataclasses.asdict(result),
        "thresholds": [dataclasses.asdict(threshold) for threshold in thresholds],
        "requests": [_request(each) for each in sorted(measured.requests, key=lambda each: each.index)],
        "samples": samples,
    }
    try:
        path.write_text(json.dumps(document, indent=1), encoding="utf-8")
    except OSError as error:
        message = f"the result can't be written: {error}"
        raise NotWritten(message) from error


def _request(request: Request) -> dict[str, Any]:
    document = dataclasses.asdict(request)
    del document["session"]  # the body has it as it came
    return document
