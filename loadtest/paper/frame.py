"""The frame of a plot: its size, its two scales, their ticks and names.

Pure. All plots have one size, the width of a phone. A page puts as many side by side as fit, so that the words in a
plot keep about the size of the text around them.
"""

import dataclasses
from collections.abc import Callable, Sequence

from markupsafe import Markup

from loadtest.paper import svg
from loadtest.paper.axes import Linear, Logarithmic, decade_ticks, tick_text, ticks

WIDTH, HEIGHT = 400, 224
LEFT, RIGHT, TOP, BOTTOM = 46.0, 10.0, 34.0, 36.0
HEADROOM = 1.08  # the length of a vertical axis, over the highest value
DIGIT = 6.4  # the width of a digit of a tick; a text at the right end must not be cut off
BRACKET_Y = TOP - 6


@dataclasses.dataclass(frozen=True, slots=True)
class Plot:
    """A picture and a table of the same figures; `about` describes the picture in words."""

    name: str
    title: str
    about: str
    svg: Markup
    headings: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclasses.dataclass(frozen=True, slots=True)
class Frame:
    """Two scales, and `under`, the elements that are drawn below the data."""

    x: Callable[[float], float]
    y: Callable[[float], float]
    under: Sequence[Markup]

    @property
    def base(self) -> float:
        """The height of the horizontal axis in the picture."""
        return HEIGHT - BOTTOM


def over_time(
    until_s: float, high: float, unit: str, low: float = 0.0, *, marks: Sequence[tuple[float, str]] = ()
) -> Frame:
    """Return a frame with an axis of seconds, and one of values from `low` to `high` with some headroom.

    With `marks`, which are pairs of a second and a time of day, the axis has these.
    """
    top = low + (high - low) * HEADROOM
    x = Linear(0.0, until_s, LEFT, WIDTH - RIGHT)
    y = Linear(low, top, HEIGHT - BOTTOM, TOP)
    return Frame(x, y, [*sides(y, ticks(low, top), unit), *_of_time(x, until_s, marks)])


def _of_time(x: Callable[[float], float], until_s: float, marks: Sequence[tuple[float, str]]) -> list[Markup]:
    if marks:
        return below(x, marks, "time of day of the grid")
    return below(x, [(each, tick_text(each)) for each in ticks(0.0, until_s, 6)], "seconds")


def over_shares(
    x: Callable[[float], float], marks: Sequence[tuple[float, str]], low: float, high: float
) -> Frame:
    """Return a frame with an axis of named shares, and a logarithmic one of milliseconds."""
    y = Logarithmic(low, high, HEIGHT - BOTTOM, TOP)
    named = [
        *(svg.label(x(share), HEIGHT - BOTTOM + 15, name, "tick", "middle") for share, name in marks),
        svg.label((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 4, "share of the answers", "axis", "middle"),
    ]
    return Frame(x, y, [*sides(y, decade_ticks(low, high), "ms"), *named])


def sides(y: Callable[[float], float], at: Sequence[float], unit: str) -> list[Markup]:
    """Return the grid lines and the tick texts of a vertical axis."""
    lines = [svg.line((LEFT, y(each)), (WIDTH - RIGHT, y(each)), "grid") for each in at]
    figures = [svg.label(LEFT - 6, y(each) + 4, tick_text(each), "tick", "end") for each in at]
    return [*lines, *figures, svg.label(4, 12, unit, "axis")]


def below(x: Callable[[float], float], at: Sequence[tuple[float, str]], words: str) -> list[Markup]:
    """Return the line and the tick texts of a horizontal axis."""
    base = HEIGHT - BOTTOM
    figures = [
        svg.label(min(x(each), WIDTH - len(text) * DIGIT / 2), base + 15, text, "tick", "middle")
        for each, text in at
    ]
    axis = svg.line((LEFT, base), (WIDTH - RIGHT, base), "base")
    return [axis, *figures, svg.label((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 4, words, "axis", "middle")]


def bracket(frame: Frame, until_s: float | None) -> list[Markup]:
    """Return the mark above the time in which cars arrive; nothing when that is not known."""
    if not until_s:
        return []
    start, end = frame.x(0.0), frame.x(until_s)
    ends = [svg.line((x, BRACKET_Y - 3), (x, BRACKET_Y + 3), "bracket") for x in (start, end)]
    words = svg.label(
        WIDTH - RIGHT, BRACKET_Y - 8, f"cars arrive, {tick_text(round(until_s, 1))} s", "remark", "end"
    )
    return [svg.line((start, BRACKET_Y), (end, BRACKET_Y), "bracket"), *ends, words]


def picture(name: str, title: str, about: str, children: Sequence[Markup]) -> Markup:
    """Return the picture of a plot."""
    return svg.picture(name, title, about, (WIDTH, HEIGHT), children)


def line_across(frame: Frame, value: float, words: str) -> list[Markup]:
    """Return a limit over the whole width, with its name."""
    y = frame.y(value)
    line = svg.line((frame.x(0.0), y), (WIDTH - RIGHT, y), "limit")
    return [line, svg.label(WIDTH - RIGHT - 2, y - 4, words, "limit-words", "end")]


def dot(x: float, y: float) -> Markup:
    """Return the mark of a point that a text names."""
    return svg.tag("circle", cx=x, cy=y, r=3, class_="dot")
