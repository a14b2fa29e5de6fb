"""Reads a base load profile from CSV: a header, then one time and one power in kW a line.

Pure. Times are those of a wall clock without a zone (ISO 8601), at most 15 minutes apart.
"""

import datetime as dt
import io
import math

from runtime.csv_text import NotCsv, rows
from substation.base_load.calendar import MINUTE_MS
from substation.base_load.profile import Profile

MOST_FAULTS = 10  # that are named; a file of another format has one on each line
WIDEST_MS = 15 * MINUTE_MS
LONGEST = 4_000_000  # points: 7 years at a minute
MOST_KW = 1_000_000
MS = dt.timedelta(milliseconds=1)


class ProfileUnusable(ValueError):
    """The text is no profile; the message names each fault with its line."""


def read_profile(text: str) -> Profile:
    """Return the profile in a CSV text; raises ProfileUnusable."""
    faults: list[str] = []
    points: list[tuple[dt.datetime, float]] = []
    lines = rows(io.StringIO(text))
    try:
        _, header = next(lines, (1, []))
        if [name.strip().lower() for name in header] != ["time", "kw"]:
            faults.append("the first line must be: time,kw")
        for number, fields in lines:
            if fields and (fault := _add(points, fields)):
                faults.append(f"line {number}: {fault}")
            if len(points) > LONGEST:
                raise ProfileUnusable(f"more than {LONGEST:,} lines")
    except NotCsv as error:
        faults.append(str(error))
    if len(points) < 2:
        faults.append("at least two points are needed")
    if faults:
        more = f"; and {len(faults) - MOST_FAULTS} more" if len(faults) > MOST_FAULTS else ""
        raise ProfileUnusable("; ".join(faults[:MOST_FAULTS]) + more)
    first = points[0][0]
    monday = first.replace(hour=0, minute=0, second=0, microsecond=0) - dt.timedelta(first.weekday())
    at_ms = tuple((at - monday) // MS for at, _ in points)
    length_ms = at_ms[-1] - at_ms[0] + (at_ms[-1] - at_ms[-2])
    return Profile(at_ms, tuple(kw * 1000 for _, kw in points), length_ms)


def _add(points: list[tuple[dt.datetime, float]], fields: list[str]) -> str:
    """Add the point of a line; returns what is wrong with it, '' if nothing is."""
    if len(fields) != 2:
        return f"a time and a power are needed, and there are {len(fields)} fields"
    try:
        at, kw = dt.datetime.fromisoformat(fields[0].strip()), float(fields[1])
    except ValueError as error:
        return str(error)
    if at.tzinfo:
        return f"{fields[0]!r} names a zone: give the time of the wall clock there"
    if not (math.isfinite(kw) and 0 <= kw <= MOST_KW):
        return f"{fields[1]!r} is not a power from 0 to {MOST_KW} kW"
    before = points[-1][0] if points else None
    points.append((at, kw))
    if before and not 0 < (at - before) // MS <= WIDEST_MS:
        return f"{fields[0]!r} does not come within 15 minutes after {before.isoformat()}"
    return ""
