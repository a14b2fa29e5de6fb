"""Draws how commits and decisions grow with what there is, from the rows of `make bench`."""

import itertools
import math
import re
from collections.abc import Sequence
from pathlib import Path

from markupsafe import Markup

from loadtest.compare.picture import STYLE
from loadtest.paper import svg
from loadtest.paper.axes import Logarithmic, decade_ticks, tick_text
from tests.bench.table import Row, figure

IMAGES = Path(__file__).parents[2] / "docs" / "images"
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 420, 260, 60.0, 40.0, 40.0, 40.0
COUNT = re.compile(r"(?:with|at) ([\d,]+) (?:open sessions|substations)$")
CURVES = {
    "growth-sessions": (6, "64 admissions at once", "open sessions", "ms"),
    "growth-substations": (7, "one decision", "substations", "us"),
}


def draw(rows: Sequence[Row]) -> None:
    """Write the pictures into docs/images."""
    for name, (number, title, along, unit) in CURVES.items():
        points = sorted(
            (float(found[1].replace(",", "")), row.value)
            for row in rows
            if row.number == number and row.unit == unit and (found := COUNT.search(row.measure))
        )
        if len(points) > 1:
            (IMAGES / f"{name}.svg").write_text(f"{curve(name, title, along, unit, points)}\n")


def curve(name: str, title: str, along: str, unit: str, points: Sequence[tuple[float, float]]) -> Markup:
    """Return a line through points of (count, figure), both axes logarithmic."""
    high = 10 ** math.ceil(math.log10(max(value for _, value in points)))
    low = 10 ** math.floor(math.log10(min(value for _, value in points)))
    x = Logarithmic(points[0][0], points[-1][0], LEFT, WIDTH - RIGHT)
    y = Logarithmic(low, high, HEIGHT - BOTTOM, TOP)
    base = HEIGHT - BOTTOM
    children = [
        svg.tag("style", Markup(STYLE)),
        svg.tag("rect", class_="ground", width=WIDTH, height=HEIGHT, rx=6),
        svg.label(LEFT, 20, f"{title}, {unit}", "title"),
    ]
    for each in decade_ticks(low, high):
        children += [
            svg.line((LEFT, y(each)), (WIDTH - RIGHT, y(each)), "grid"),
            svg.label(LEFT - 6, y(each) + 4, tick_text(each), "tick", "end"),
        ]
    children += [svg.label(x(count), base + 16, f"{count:,.0f}", "tick", "middle") for count, _ in points]
    children.append(svg.label((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 6, along, "axis", "middle"))
    children += [
        svg.tag("line", x1=x(a[0]), y1=y(a[1]), x2=x(b[0]), y2=y(b[1]), class_="line line-0")
        for a, b in itertools.pairwise(points)
    ]
    children += [
        svg.label(x(count), y(value) - 8, figure(value, ""), "tick", "middle") for count, value in points
    ]
    about = "; ".join(f"{count:,.0f} {along}: {figure(value, unit)}" for count, value in points)
    return svg.picture(name, f"{title}, by {along}", about, (WIDTH, HEIGHT), children)
