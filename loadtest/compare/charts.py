"""Line charts as SVG text; colours, dashes and fonts come from the style sheet of the page around them.

Pure.
"""

import dataclasses
from collections.abc import Sequence
from html import escape

Point = tuple[float, float]
KINDS = 6  # of lines that are told apart, by the classes line-0 to line-5
LEFT, RIGHT, TOP, BOTTOM = 48, 10, 24, 34


@dataclasses.dataclass(frozen=True, slots=True)
class Line:
    """One line: its name, which kind of line it is, its points in the units of the axes."""

    name: str
    kind: int
    points: Sequence[Point]


@dataclasses.dataclass(frozen=True, slots=True)
class Axis:
    """An axis: from `low` to `high`, the values that are marked with their words, and what it shows."""

    low: float
    high: float
    ticks: Sequence[tuple[float, str]]
    name: str

    def share(self, value: float) -> float:
        """Return where a value lies between the ends, kept within them."""
        return min(max((value - self.low) / (self.high - self.low), 0.0), 1.0)


@dataclasses.dataclass(frozen=True, slots=True)
class Chart:
    """A chart of lines; `limit` is a value of y that must not be exceeded. Sizes are in SVG units."""

    title: str
    x: Axis
    y: Axis
    lines: Sequence[Line]
    limit: float | None = None
    width: int = 460
    height: int = 220

    def at(self, x: float, y: float) -> Point:
        """Return where a point is drawn."""
        return (
            round(LEFT + self.x.share(x) * (self.width - LEFT - RIGHT), 1),
            round(self.height - BOTTOM - self.y.share(y) * (self.height - TOP - BOTTOM), 1),
        )


def drawn(chart: Chart) -> str:
    """Return a chart as an SVG element for a page."""
    size = f'viewBox="0 0 {chart.width} {chart.height}"'
    return f'<svg class="chart" {size} role="img" aria-label="{escape(chart.title)}">{inner(chart)}</svg>'


def inner(chart: Chart) -> str:
    """Return what is inside a chart's SVG element."""
    parts = [_text(LEFT, 15, chart.title, "title", "start")]
    left, right = LEFT, chart.width - RIGHT
    for value, words in chart.y.ticks:
        _, y = chart.at(chart.x.low, value)
        parts += [_rule("grid", (left, y), (right, y)), _text(left - 6, y + 4, words, "tick", "end")]
    for value, words in chart.x.ticks:
        x, y = chart.at(value, chart.y.low)
        parts += [_rule("grid", (x, y), (x, y + 4)), _text(x, y + 15, words, "tick", "middle")]
    parts.append(_text((left + right) / 2, chart.height - 4, chart.x.name, "tick", "middle"))
    parts.append(_text(left - 40, TOP - 6, chart.y.name, "tick", "start") if chart.y.name else "")
    if chart.limit is not None:
        _, y = chart.at(chart.x.low, chart.limit)
        parts.append(_rule("limit", (left, y), (right, y)))
    parts += [_path(chart, line) for line in chart.lines if line.points]
    return "".join(parts)


def legend(lines: Sequence[tuple[str, int]]) -> str:
    """Return the names of lines beside a sample of each, as a list for a page."""
    items = "".join(f"<li>{_sample(kind)} {escape(name)}</li>" for name, kind in lines)
    return f'<ul class="legend">{items}</ul>'


def _sample(kind: int) -> str:
    return f'<svg viewBox="0 0 28 8" width="28" height="8" aria-hidden="true">{sample(kind, 4)}</svg>'


def sample(kind: int, y: float = 0) -> str:
    """Return a short piece of a kind of line."""
    return _rule(_kind(kind), (0, y), (28, y))


def words(x: float, y: float, said: str) -> str:
    """Return a text that starts at a point."""
    return _text(x, y, said, "tick", "start")


def _kind(kind: int) -> str:
    return f"line line-{kind % KINDS}"


def _path(chart: Chart, line: Line) -> str:
    drawn_at = " ".join("{:g},{:g}".format(*chart.at(*point)) for point in line.points)
    return f'<polyline class="{_kind(line.kind)}" points="{drawn_at}"><title>{escape(line.name)}</title></polyline>'


def _rule(kind: str, start: Point, end: Point) -> str:
    return f'<line class="{kind}" x1="{start[0]:g}" y1="{start[1]:g}" x2="{end[0]:g}" y2="{end[1]:g}"/>'


def _text(x: float, y: float, words: str, kind: str, anchor: str) -> str:
    return f'<text class="{kind}" x="{x:g}" y="{y:g}" text-anchor="{anchor}">{escape(words)}</text>'
