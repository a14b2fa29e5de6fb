"""Line charts as SVG; colours, dashes and fonts come from the style sheet of the page around them.

Pure.
"""

import dataclasses
from collections.abc import Sequence

from markupsafe import Markup

from loadtest.paper import svg
from loadtest.paper.axes import Linear
from loadtest.paper.svg import Point

HUES = 6  # of lines
KINDS = 10  # lines that can be told apart, by the classes line-0 to line-9: six hues, and more dashes
LEFT, RIGHT, TOP, BOTTOM = 48, 10, 24, 34


@dataclasses.dataclass(frozen=True, slots=True)
class Line:
    """One line: its name, the kind of its colour and dash, and its points in the units of the axes."""

    name: str
    kind: int
    points: Sequence[tuple[float, float]]


@dataclasses.dataclass(frozen=True, slots=True)
class Axis:
    """An axis from `low` to `high`: its ticks with their texts, and its name."""

    low: float
    high: float
    ticks: Sequence[tuple[float, str]]
    name: str

    def place(self, value: float, start: float, end: float) -> float:
        """Return the place of a value between two places; a value beyond the axis is at its end."""
        return Linear(self.low, self.high, start, end)(min(max(value, self.low), self.high))


@dataclasses.dataclass(frozen=True, slots=True)
class Chart:
    """A chart of lines. Sizes are in SVG units.

    `limit` is a value of y that must not be exceeded. `marks` are the values of x at which the grid was changed.
    """

    title: str
    x: Axis
    y: Axis
    lines: Sequence[Line]
    limit: float | None = None
    width: int = 460
    height: int = 220
    marks: Sequence[float] = ()

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Return the place of a point in the picture."""
        return (
            self.x.place(x, float(LEFT), float(self.width - RIGHT)),
            self.y.place(y, float(self.height - BOTTOM), float(TOP)),
        )


def draw(chart: Chart) -> Markup:
    """Return a chart as an SVG element for a page."""
    size = f"0 0 {chart.width} {chart.height}"
    return svg.tag("svg", inner(chart), class_="chart", viewBox=size, role="img", aria_label=chart.title)


def inner(chart: Chart) -> Markup:
    """Return the content of a chart's SVG element."""
    left, right = float(LEFT), float(chart.width - RIGHT)
    parts = [svg.label(left, 15.0, chart.title, "title", "start")]
    for value, words in chart.y.ticks:
        _, y = chart.at(chart.x.low, value)
        parts += [svg.line((left, y), (right, y), "grid"), svg.label(left - 6, y + 4, words, "tick", "end")]
    for value, words in chart.x.ticks:
        x, y = chart.at(value, chart.y.low)
        parts += [svg.line((x, y), (x, y + 4), "grid"), svg.label(x, y + 15, words, "tick", "middle")]
    parts.append(svg.label((left + right) / 2, chart.height - 4.0, chart.x.name, "tick", "middle"))
    if chart.y.name:
        parts.append(svg.label(left - 40, TOP - 6.0, chart.y.name, "tick", "start"))
    if chart.limit is not None:
        _, y = chart.at(chart.x.low, chart.limit)
        parts.append(svg.line((left, y), (right, y), "limit"))
    for value in chart.marks:
        x, base = chart.at(value, chart.y.low)
        parts.append(svg.line((x, float(TOP)), (x, base), "changed"))
    parts += [_path(chart, line) for line in chart.lines if line.points]
    return Markup().join(parts)


def legend(lines: Sequence[tuple[str, int]]) -> Markup:
    """Return the names of lines, each beside a sample of its line, as a list for a page."""
    items = (svg.tag("li", _sample(kind), name) for name, kind in lines)
    return svg.tag("ul", *items, class_="legend")


def _sample(kind: int) -> Markup:
    line = sample(kind, 4.0)
    return svg.tag("svg", line, viewBox="0 0 28 8", width=28, height=8, aria_hidden="true")


def sample(kind: int, y: float) -> Markup:
    """Return a short line of a kind."""
    return svg.line((0, y), (28, y), _kind(kind))


def _kind(kind: int) -> str:
    return f"line line-{kind % KINDS}"


def _path(chart: Chart, line: Line) -> Markup:
    points: list[Point] = [chart.at(*point) for point in line.points]
    return svg.tag("g", svg.tag("title", line.name), svg.polyline(points, _kind(line.kind)))
