"""Reads answers of Prometheus's query API, and turns its samples into quarter hours of the grid.

Pure. The samples of a series are by wall time in milliseconds since 1970. Those of several series belong together where
their times are the same. Which quarter hour they belong to is said by the grid's calendar, a series as well, so the time
scale does not matter: a quarter hour is as good as its samples are many.
Source: https://prometheus.io/docs/prometheus/latest/querying/api/
"""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

from balancer.forecast.calendar_days import SLOT_MS
from balancer.forecast.recorder import QuarterHour, Reading, Recorder
from runtime.strict_json import decode

Samples = Mapping[int, float]

MS = 1000
MOST_CALENDAR_S = 10**11  # three thousand years
MOST_W = 10**12
SHOWN = 200  # characters of what an answer says


class AnswerUnusable(Exception):
    """What answered is not what was asked for; the message says what is wrong."""


@dataclasses.dataclass(frozen=True)
class PastSamples:
    """The samples of a substation: its calendar in seconds since 00:00 of the first Monday, and loads in watts."""

    calendar_s: Samples
    cars_load_w: Samples
    base_load_w: Samples


def read_samples(body: bytes, from_ms: int, until_ms: int) -> dict[int, float]:
    """Return the samples of the only series in the answer to a range query; none where there is no series.

    What is not a finite number is missing. Raises AnswerUnusable, also for samples before `from_ms` or after `until_ms`.
    """
    try:
        data = decode(body)["data"]
        if data["resultType"] != "matrix" or len(data["result"]) > 1:
            raise AnswerUnusable("the answer is not one series over a time")
        pairs = [_sample(pair) for series in data["result"] for pair in series["values"]]
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise AnswerUnusable(f"the answer is none of Prometheus: {_shown(body)}") from error
    if strange := [at for at, _ in pairs if not from_ms <= at <= until_ms]:
        raise AnswerUnusable(f"a sample at {strange[0] / MS:.3f} was not asked for")
    return {at: value for at, value in pairs if math.isfinite(value)}


def error_text(body: bytes) -> str:
    """Return what an answer that reports an error says."""
    try:
        return str(decode(body)["error"])[:SHOWN]
    except (KeyError, TypeError, ValueError):
        return _shown(body)


def quarter_hours(
    substation_id: str, past: PastSamples, present_ms: int, ahead_ms: int = 0
) -> list[QuarterHour]:
    """Return the finished quarter hours that samples show, up to the grid's calendar time `present_ms`.

    Quarter hours without a sample are left out. Where the calendar goes back, a new journal has begun: only what
    follows counts. If it is ahead of the present by more than `ahead_ms`, all of it is of an older journal. Raises AnswerUnusable for values that
    none of these series can have.
    """
    recorder, rows, before_ms = Recorder(), list[QuarterHour](), 0
    for at in sorted(past.calendar_s.keys() & past.cars_load_w.keys()):
        calendar_ms = round(_within("the calendar", past.calendar_s[at], MOST_CALENDAR_S) * MS)
        if calendar_ms < before_ms:
            recorder = Recorder()
            rows.clear()
        before_ms = calendar_ms
        cars_w = round(_within("the load of cars", past.cars_load_w[at], MOST_W))
        base_w = past.base_load_w.get(at)
        base = None if base_w is None else round(_within("the base load", base_w, MOST_W))
        if row := recorder.read(Reading(substation_id, calendar_ms, cars_w, base)):
            rows.append(dataclasses.replace(row, arrivals=None, energy_j=None))
    if before_ms // SLOT_MS > (present_ms + ahead_ms) // SLOT_MS:
        return []
    return [row for row in rows if row.slot < present_ms // SLOT_MS]


def _sample(pair: Any) -> tuple[int, float]:
    at, text = pair
    return round(float(at) * MS), float(text)


def _within(what: str, value: float, most: float) -> float:
    if not 0 <= value <= most:
        raise AnswerUnusable(f"{what} is {value:g}: 0 to {most:g} is possible")
    return value


def _shown(body: bytes) -> str:
    return repr(body[:SHOWN].decode("utf-8", "replace"))
