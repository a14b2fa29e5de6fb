"""The result as one document: what was asked for, the figures, the verdict, every request and every sample."""

import dataclasses
import datetime as dt
import platform
from collections.abc import Sequence
from typing import Any

import aiohttp

from loadtest.records import W_PER_KW, Request, Sample
from loadtest.result import Measured, Result
from loadtest.verdict import Threshold
from runtime.exposition import VERSION

SCHEMA = "smartgrid-loadtest/1"


def document(
    run: dict[str, Any], measured: Measured, result: Result, thresholds: Sequence[Threshold]
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


def versions() -> dict[str, str]:
    """Return what sent the load."""
    return {"python": platform.python_version(), "loadtest": VERSION, "aiohttp": aiohttp.__version__}


def _request(request: Request) -> dict[str, Any]:
    shown = dataclasses.asdict(request)
    del shown["session"]  # the body has it as it came
    return shown | {"substation_id": request.session.substation_id if request.session else None}


def _sample(sample: Sample) -> dict[str, Any]:
    readings = sample.readings.items()
    return {
        "at_unix_s": sample.at_unix_s,
        "load_kw": {each: reading.load_w / W_PER_KW for each, reading in readings},
        "capacity_kw": {each: reading.capacity_w / W_PER_KW for each, reading in readings},
    }
