"""Series of a CSV file, by the quarter hour: a column `time`, and one column of numbers for each series.

Pure. Times are ISO 8601 and ascending, 15 minutes apart or less; what is finer is averaged to 15 minutes, what is coarser
is refused. An empty cell, or a row that is left out, is a missing value. Clock time counts, so where clocks are put back
an hour comes twice and is averaged; where times have offsets from UTC, they must ascend with their offsets.
"""

import datetime as dt
import math
from collections.abc import Iterable, Sequence

from balancer.forecast.calendar_days import slot_of
from runtime.csv_text import NotCsv, rows

TIME = "time"
COARSEST = dt.timedelta(minutes=15)
HOUR = dt.timedelta(hours=1)
CLOCKS_CHANGE = dt.timedelta(days=90)  # clocks are put back once a year
MOST_ROWS = 2_000_000  # a year by the minute is a quarter of that
MOST = 1e12  # of a value: far above any load in watts
MOST_FAULTS = 5  # that are named
ACCEPTED = (
    "accepted is a CSV file with a header, a column `time` (such as 2016-01-31T18:15, ascending, 15 minutes apart or"
    " less), and a column of numbers for each series"
)


class BadFile(ValueError):
    """The file can't be used; the message has a line for each fault, and says what is accepted."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("\n".join([*faults, ACCEPTED]))


class SeriesReader:
    """Takes the rows of a file, one after the other."""

    def __init__(self, header: Sequence[str]) -> None:
        """Raises BadFile when columns are missing, repeated or without a name."""
        self._names = [name.strip().lstrip("\ufeff") for name in header]
        series = [name for name in self._names if name != TIME]
        faults = []
        if self._names.count(TIME) != 1:
            faults.append(f"line 1: there is no column `{TIME}` in {', '.join(self._names)[:200]!r}")
        if not series or not all(series) or len(set(series)) != len(series):
            faults.append("line 1: columns for series are missing, or have no names or the same ones")
        if faults:
            raise BadFile(faults)
        self._sums: dict[str, dict[int, tuple[float, int]]] = {name: {} for name in series}
        self._before: dt.datetime | None = None
        self._put_back: dt.datetime | None = None
        self._finest = dt.timedelta.max  # step between two rows
        self.rows = 0

    def add(self, cells: Sequence[str]) -> None:
        """Take a row; raises ValueError with what is wrong with it."""
        if len(cells) != len(self._names):
            raise ValueError(f"{len(cells)} cells, the header has {len(self._names)}")
        row = dict(zip(self._names, cells, strict=True))
        clock = self._time(row.pop(TIME).strip())
        slot = slot_of(clock)
        values = {name: _number(name, text.strip()) for name, text in row.items() if text.strip()}
        for name, value in values.items():
            total, count = self._sums[name].get(slot, (0.0, 0))
            self._sums[name][slot] = (total + value, count + 1)
        self.rows += 1

    def series(self) -> dict[str, dict[int, float]]:
        """Return the values of each series by quarter hour, ascending; raises BadFile when there are none."""
        faults = [] if self.rows else ["the file has no rows"]
        if COARSEST < self._finest < dt.timedelta.max:
            minutes = self._finest.total_seconds() / 60
            faults.append(f"values are {minutes:g} minutes apart: 15 minutes or less are needed")
        if self.rows:
            faults += [f"the series {name} has no value" for name, sums in self._sums.items() if not sums]
        if faults:
            raise BadFile(faults)
        return {
            name: {slot: sums[slot][0] / sums[slot][1] for slot in sorted(sums)}
            for name, sums in self._sums.items()
        }

    def _time(self, text: str) -> dt.datetime:
        try:
            clock = dt.datetime.fromisoformat(text)
        except ValueError:
            raise ValueError(f"{text[:40]!r} is no time") from None
        if self._before:
            if (clock.tzinfo is None) != (self._before.tzinfo is None):
                raise ValueError("only some times have an offset from UTC")
            self._check_order(clock, self._before)
        self._before = clock
        return clock

    def _check_order(self, clock: dt.datetime, before: dt.datetime) -> None:
        step = clock - before
        if step > dt.timedelta(0):
            self._finest = min(step, self._finest)
            return
        changed = not self._put_back or clock - self._put_back > CLOCKS_CHANGE
        if clock.tzinfo is None and -HOUR < step < dt.timedelta(0) and changed:
            self._put_back = clock
            return
        raise ValueError(f"{clock} comes after {before}: times must ascend")


def read_series(lines: Iterable[str]) -> dict[str, dict[int, float]]:
    """Return the values of each series of a CSV file by quarter hour; raises BadFile with the first faults of all lines."""
    found = rows(lines)
    try:
        _, header = next(found, (1, []))
        if not header:
            raise BadFile(["the file is empty"])
        reader = SeriesReader(header)
        faults = _add_all(reader, found)
    except NotCsv as error:
        faults = [str(error)]
    if faults:
        raise BadFile(faults)
    return reader.series()


def _add_all(reader: SeriesReader, found: Iterable[tuple[int, list[str]]]) -> list[str]:
    """Give all rows to `reader`; returns the first faults of the rows. Raises NotCsv, and BadFile for too many rows."""
    faults: list[str] = []
    for number, cells in found:
        if not cells:
            continue
        if reader.rows >= MOST_ROWS:
            raise BadFile([f"more than {MOST_ROWS} rows"])
        try:
            reader.add(cells)
        except ValueError as error:
            faults.append(f"line {number}: {error}")
            if len(faults) >= MOST_FAULTS:
                break
    return faults


def _number(name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not abs(value) <= MOST:  # NaN is not either
        raise ValueError(f"{text[:40]!r} in column {name} is not a number up to {MOST:g}")
    return value
