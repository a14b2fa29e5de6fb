"""The time of day and the weekday of a grid time.

Pure. Grid time 0 is a Monday, at an hour that the operator chooses. The grid's calendar has no dates and no
summer time.
"""

import dataclasses

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
WEEK_MS = 7 * DAY_MS
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclasses.dataclass(frozen=True, slots=True)
class GridCalendar:
    """The calendar of a grid whose time 0 is Monday, `day_starts_ms` after midnight."""

    day_starts_ms: int = 0

    def since_monday_ms(self, grid_ms: int) -> int:
        """Return the milliseconds since midnight of the first Monday."""
        return self.day_starts_ms + grid_ms

    def label(self, grid_ms: int) -> str:
        """Return weekday and time of day, such as `Monday 18:30`."""
        day, within_ms = divmod(self.since_monday_ms(grid_ms), DAY_MS)
        hour, minute = divmod(within_ms // MINUTE_MS, 60)
        return f"{WEEKDAYS[day % len(WEEKDAYS)]} {hour:02}:{minute:02}"


def day_time_ms(text: str) -> int:
    """Read a time of day such as `06:30`, in milliseconds after midnight; raises ValueError with what is accepted."""
    hours, colon, minutes = text.partition(":")
    digits = len(hours) == len(minutes) == 2 and (hours + minutes).isascii() and (hours + minutes).isdigit()
    if not colon or not digits or int(hours) > 23 or int(minutes) > 59:
        raise ValueError("a time of day from 00:00 to 23:59 is accepted")
    return int(hours) * HOUR_MS + int(minutes) * MINUTE_MS
