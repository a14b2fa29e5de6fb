"""The time of day of a grid: how it is written, and how long a run waits for one.

Pure. A time of day is in hours after midnight, from 0 to below 24.
"""

import re

DAY_H = 24.0
ASSUMED_H = 6.0  # where a grid that does not say its time of day is taken to be; the default of DAY_STARTS_AT
S_PER_HOUR = 3600
FORM = re.compile(r"([01]\d|2[0-3]):([0-5]\d)", re.ASCII)


def read(text: str) -> float:
    """Return the hours of a time of day such as `06:30`; raises ValueError with what is accepted."""
    found = FORM.fullmatch(text)
    if not found:
        raise ValueError("a time of day from 00:00 to 23:59 is accepted")
    hours, minutes = map(int, found.groups())
    return hours + minutes / 60


def write(hours: float) -> str:
    """Return the time of day so many hours after a midnight, in whole minutes: the other direction of `read`."""
    minutes = round(hours * 60) % round(DAY_H * 60)
    return f"{minutes // 60:02}:{minutes % 60:02}"


def of_label(label: str) -> float | None:
    """Return the time of day of a label such as `Monday 18:30`, as a substation writes it; None when it has none."""
    try:
        return read(label.rpartition(" ")[2])
    except ValueError:
        return None


def wait_s(now_h: float, wanted_h: float, time_scale: float) -> float:
    """Return how many seconds pass until the grid has the wanted time of day; 0 if that is now."""
    return (wanted_h - now_h) % DAY_H * S_PER_HOUR / time_scale
