"""Documents of runs, as JSON has them: from what the load test itself makes of a run, and worse."""

import dataclasses
import json
from collections.abc import Callable
from typing import Any

from loadtest.judge import verdict
from loadtest.judge.result import Measurements, conclude
from loadtest.judge.thresholds import in_force
from loadtest.plan.presets import PRESETS
from loadtest.record.requests import RequestOutcome
from loadtest.report import document as report
from tests.loadtest.runs import IDS, admitted, perfect

HOSTILE = '"><script src=//evil.example></script><img onerror=x>&{{7*7}}'


def of(measured: Measurements, **run: Any) -> dict[str, Any]:
    """Return the document of a run, read back from its JSON."""
    result = conclude(measured)
    asked = {"seed": 1, "requests": measured.planned, "seconds": 4.0, "run_id": "rush-1", **run}
    told: dict[str, Any] = json.loads(
        json.dumps(
            report.document(
                asked, measured, result, verdict.judge(result, in_force(PRESETS["rush-hour"].limits, ()))
            )
        )
    )
    return told


def held() -> dict[str, Any]:
    return of(perfect())


def refused() -> dict[str, Any]:
    no = admitted(4, IDS[0], outcome=RequestOutcome.REFUSED, status=503, session=None, reason="503 full")
    return of(dataclasses.replace(perfect(), planned=5, sent=5, requests=[*perfect().requests, no]))


def interrupted() -> dict[str, Any]:
    return of(dataclasses.replace(perfect(), planned=500, interrupted=True))


def nothing_measured() -> dict[str, Any]:
    empty = dataclasses.replace(perfect(), sent=0, requests=[], samples=[], before={}, after={}, planned=4)
    return of(empty)


def overloaded() -> dict[str, Any]:
    told = held()
    told["samples"][1]["load_kw"][IDS[0]] = 30.0
    return told


def hostile() -> dict[str, Any]:
    told = held()
    told["run"] |= {
        "run_id": HOSTILE,
        "seed": HOSTILE,
        "preset": HOSTILE,
        "versions": {HOSTILE: HOSTILE},
        HOSTILE: HOSTILE,
    }
    told["result"]["reasons"] = {HOSTILE: 3}
    told["result"]["generator"] = {"verdict": HOSTILE, "why": HOSTILE}
    told["thresholds"].append({"name": HOSTILE, "value": HOSTILE, "limit": HOSTILE, "held": False})
    for station in told["result"]["stations"][:1]:
        station["substation_id"] = HOSTILE
    for each in told["requests"]:
        each |= {"vehicle_id": "=1+1", "reason": HOSTILE, "outcome": HOSTILE}
    for sample in told["samples"]:
        sample["load_kw"][HOSTILE] = 1.0
    return told


def full() -> dict[str, Any]:
    """What a document has when all of its parts are there."""
    told = refused()
    told["result"] |= {
        "jain": 0.99,
        "range": 0.02,
        "imbalance_vs_oracle": 1.01,
        "oracle": {"balance_ratio": 1.001},
        "generator": {
            "loop_lag_p99_ms": 2.0,
            "cpu_share": 0.4,
            "late_p99_ms": 3.0,
            "verdict": "saturated",
            "why": "its loop lagged",
        },
        "response_histogram": [[1.0, 0.5], [2.0, 0.9], [9.0, 1.0]],
        "service_histogram": [[1.0, 0.5], [1.5, 0.9], [4.0, 1.0]],
    }
    told["thresholds"].append({"name": "p99_ms", "value": "9", "limit": "<= 5", "held": False})
    return told


def day() -> dict[str, Any]:
    """A part of a day from 17:30 on: 2 s of it are an hour. The base load pauses a session of each substation."""
    run = perfect()
    samples = [
        dataclasses.replace(
            sample,
            readings={
                each: dataclasses.replace(
                    reading, base_load_w=4_000 + 2_000 * n, paused_now=n // 2, paused=n // 2
                )
                for each, reading in sample.readings.items()
            },
        )
        for n, sample in enumerate(run.samples)
    ]
    after = {each: dataclasses.replace(reading, paused=1) for each, reading in run.after.items()}
    measured = dataclasses.replace(run, samples=samples, after=after, time_scale=1_800.0)
    return of(
        measured, preset="day", shape="day", starts_at="17:30", time_scale=1_800.0, policy="least_loaded"
    )


EVERY: dict[str, Callable[[], dict[str, Any]]] = {
    "held": held,
    "refused": refused,
    "interrupted": interrupted,
    "nothing measured": nothing_measured,
    "overloaded": overloaded,
    "hostile": hostile,
    "full": full,
    "day": day,
    "empty": lambda: {"result": {}},
    "nulls": lambda: {
        "run": None,
        "result": {"stations": [None, {}], "reasons": 3},
        "samples": [None, {"load_kw": 3}],
        "window_unix_s": ["x", None],
        "thresholds": [{}],
        "requests": [{}, {"outcome": None}],
    },
}
