"""Quarter hours of a calendar, the three types of days, and which dates are holidays.

Pure. A quarter hour is a whole number: how many have passed since 00:00 of a Monday. Its day is that number divided by
96, and its weekday is the day modulo 7. The grid's own calendar has weekdays and no dates; dates, as of a file, count
from Monday, 5 January 1970. Clock time counts: in spring four quarter hours are missing, in autumn four come twice.
"""

import dataclasses
import datetime as dt
import re
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from enum import IntEnum

SLOT_MS = 15 * 60 * 1000
SLOTS = 24 * 4  # of a day
WEEK = 7 * SLOTS
MONDAY = dt.datetime(1970, 1, 5)  # noqa: DTZ001 - clock time of whatever place the file is about
SATURDAY, SUNDAY = 5, 6
# Public holidays of most of continental Europe.
COMMON_HOLIDAYS = "01-01,easter-2,easter+1,05-01,easter+39,easter+50,12-25,12-26"
ACCEPTED = "dates such as 12-25 (each year), 2026-06-01 or easter+1, separated by commas, are accepted"


class DayType(IntEnum):
    """Days of one type look alike."""

    WORKING_DAY = 0
    SATURDAY = 1
    SUNDAY_OR_HOLIDAY = 2


def day_type(day: int, holidays: AbstractSet[int] = frozenset()) -> DayType:
    """Return the type of a day; `holidays` are the days that count as Sundays."""
    weekday = day % 7
    if weekday == SUNDAY or day in holidays:
        return DayType.SUNDAY_OR_HOLIDAY
    return DayType.SATURDAY if weekday == SATURDAY else DayType.WORKING_DAY


def slot_of(clock: dt.datetime) -> int:
    """Return the quarter hour in which a clock time falls; an offset from UTC is ignored."""
    return int((clock.replace(tzinfo=None) - MONDAY).total_seconds() // 900)


def start_of(slot: int) -> dt.datetime:
    """Return the clock time at which a quarter hour of the calendar of dates starts."""
    return MONDAY + slot * dt.timedelta(minutes=15)


def easter(year: int) -> dt.date:
    """Return Easter Sunday. Source: the anonymous Gregorian algorithm (Nature, 1876; Meeus, Astronomical Algorithms)."""
    century, of_century = divmod(year, 100)
    golden = year % 19
    correction = (century - (century + 8) // 25 + 1) // 3
    epact = (19 * golden + century - century // 4 - correction + 15) % 30
    weekday = (32 + 2 * (century % 4) + 2 * (of_century // 4) - epact - of_century % 4) % 7
    late = (golden + 11 * epact + 22 * weekday) // 451
    month, day = divmod(epact + weekday - 7 * late + 114, 31)
    return dt.date(year, month, day + 1)


@dataclasses.dataclass(frozen=True)
class Holidays:
    """Rules that say which dates are holidays."""

    rules: tuple[Callable[[int], dt.date | None], ...]

    def days(self, first: int, last: int) -> frozenset[int]:
        """Return the holidays among the days from `first` to `last`, on the calendar of dates."""
        years = range(start_of(first * SLOTS).year, start_of(last * SLOTS).year + 1)
        dates = [date for year in years for rule in self.rules if (date := rule(year))]
        found = {(date - MONDAY.date()).days for date in dates}
        return frozenset(day for day in found if first <= day <= last)


def holidays(text: str) -> Holidays:
    """Read the setting: `MM-DD`, `YYYY-MM-DD`, `easter`, `easter+N` or `easter-N`, separated by commas; may be empty.

    Raises ValueError with what is accepted.
    """
    return Holidays(tuple(_rule(part.strip().lower()) for part in text.split(",") if part.strip()))


def _rule(text: str) -> Callable[[int], dt.date | None]:
    try:
        if found := re.fullmatch(r"easter([+-]\d{1,3})?", text):
            offset = dt.timedelta(int(found[1] or 0))
            return lambda year: easter(year) + offset
        if re.fullmatch(r"\d\d-\d\d", text):
            month, day = int(text[:2]), int(text[3:])
            dt.date(2000, month, day)  # a leap year
            return lambda year: _date_if_any(year, month, day)
        once = dt.date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is no date: {ACCEPTED}") from None
    return lambda year: once if once.year == year else None


def _date_if_any(year: int, month: int, day: int) -> dt.date | None:
    try:
        return dt.date(year, month, day)
    except ValueError:  # 29 February
        return None
