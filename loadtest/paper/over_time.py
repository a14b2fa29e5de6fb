"""What plots over time share: the frame with its axis, the marks of changes, and the rows of the tables.

Pure. The axis has seconds after the first arrival. For a run that plays a day it has the times of day of the grid.
"""

from collections.abc import Mapping, Sequence

from markupsafe import Markup

from loadtest.paper import frame, series, svg
from loadtest.paper.axes import tick_text
from loadtest.paper.document import Document
from loadtest.paper.formats import MISSING
from loadtest.paper.frame import TOP, Frame, bracket
from loadtest.paper.svg import Point


def over_time(document: Document, until_s: float, high: float, unit: str, low: float = 0.0) -> Frame:
    """Return the frame of a plot over the time of a run; its values go from `low` to `high`."""
    if document.day:
        return frame.over_time(until_s, high, unit, low, marks=document.day.ticks(until_s))
    return frame.over_time(until_s, high, unit, low)


def placed(frame: Frame, points: Sequence[Point], most: int = series.POINTS) -> list[Point]:
    """Return the places of points in a picture, thinned to about `most`."""
    return [(frame.x(max(x, 0.0)), None if y is None else frame.y(y)) for x, y in series.thin(points, most)]


def marks(frame: Frame, document: Document, substation_id: str = "") -> list[Markup]:
    """Return the mark of the time in which cars arrive, and a numbered one for each change that concerns a substation.

    Without a substation every change has one.
    """
    children = bracket(frame, document.window_s)
    for number, each in enumerate(document.changes, start=1):
        if not substation_id or each.target in {"", substation_id}:
            x = frame.x(max(each.at_s, 0.0))
            children += [
                svg.line((x, TOP), (x, frame.base), "change"),
                svg.label(x + 3, frame.base - 4, str(number), "change-number"),
            ]
    return children


def described(document: Document, points: Sequence[Point], unit: str, form: str = ",.0f") -> str:
    """Return in words where a line begins, peaks and ends."""
    known = [(x, y) for x, y in points if y is not None]
    if not known:
        return "Not measured."
    x, y = max(known, key=lambda each: each[1])
    first, last = (f"{each[1]:{form}} {unit}".strip() for each in (known[0], known[-1]))
    return f"From {first} to {last}, highest {f'{y:{form}} {unit}'.strip()} at {moment(document, x)}."


def moment(document: Document, at_s: float) -> str:
    """Return a moment of a run in words: the time of day where the axis has it, otherwise the seconds."""
    at_s = max(at_s, 0.0)
    return document.day.text(at_s) if document.day else f"{at_s:.0f} s"


def from_heading(document: Document) -> str:
    """Return the heading of the first column of a table."""
    return "from" if document.day else "from second"


def moments(document: Document, until_s: float) -> list[str]:
    """Return the first column of a table: where each interval begins."""
    return [
        document.day.text(each.from_s) if document.day else tick_text(each.from_s)
        for each in series.intervals([], until_s)
    ]


def highest(points: Sequence[Point]) -> float:
    """Return the highest point of a line; 0 without one."""
    return max((y for _, y in points if y is not None), default=0.0)


def table(
    document: Document, columns: Mapping[str, Sequence[Point]], until_s: float, form: str = ",.1f"
) -> tuple[Sequence[str], Sequence[Sequence[str]]]:
    """Return the headings and the rows of a table with the highest value of each line in each interval."""
    heights = [series.highest(each, until_s) for each in columns.values()]
    rows = [
        (at, *(_figure(each[n], form) for each in heights)) for n, at in enumerate(moments(document, until_s))
    ]
    return (from_heading(document), *columns), rows


def _figure(value: float | None, form: str) -> str:
    return MISSING if value is None else format(value, form)
