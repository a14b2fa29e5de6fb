"""SVG elements as escaped text. Colours are classes, so that one style sheet serves every theme.

Pure.
"""

from collections.abc import Iterable, Sequence

from markupsafe import Markup, escape

Point = tuple[float, float | None]  # a place; None as the height is a gap


def tag(name: str, *children: str, **attributes: str | float) -> Markup:
    """Return an element; `class_` and `stroke_width` are written `class` and `stroke-width`.

    Children that are not Markup are text, and escaped; so is every attribute.
    """
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(_short(value))}"' for key, value in attributes.items()
    )
    inner = "".join(escape(child) for child in children)
    return Markup(f"<{name}{written}>{inner}</{name}>")  # noqa: S704 - every part was escaped above


def picture(name: str, title: str, about: str, size: tuple[int, int], children: Iterable[str]) -> Markup:
    """Return a whole picture; `name` is unique on its page, `about` describes it in words."""
    width, height = size
    return tag(
        "svg",
        tag("title", title, id=f"{name}-title"),
        tag("desc", about, id=f"{name}-desc"),
        *children,
        viewBox=f"0 0 {width} {height}",
        role="img",
        xmlns="http://www.w3.org/2000/svg",
        aria_labelledby=f"{name}-title",
        aria_describedby=f"{name}-desc",
    )


def label(x: float, y: float, text: str, kind: str = "tick", anchor: str = "start") -> Markup:
    """Return a text at a place; `anchor` is start, middle or end."""
    return tag("text", text, x=x, y=y, class_=kind, text_anchor=anchor)


def line(start: tuple[float, float], end: tuple[float, float], kind: str) -> Markup:
    """Return a straight line."""
    return tag("line", x1=start[0], y1=start[1], x2=end[0], y2=end[1], class_=kind)


def bar(x: float, y: float, size: tuple[float, float], kind: str) -> Markup:
    """Return a filled rectangle of (width, height)."""
    return tag("rect", x=x, y=y, width=max(size[0], 0.0), height=max(size[1], 0.0), class_=kind)


def polyline(points: Iterable[Point], kind: str) -> Markup:
    """Return a line through points, with gaps where a height is None."""
    return tag("path", d=_through(points, stepped=False), class_=kind)


def steps(points: Iterable[Point], kind: str) -> Markup:
    """Return a line that keeps each height until the next point."""
    return tag("path", d=_through(points, stepped=True), class_=kind)


def area(points: Sequence[tuple[float, float]], base: float, kind: str) -> Markup:
    """Return the area between stepped heights and a base line."""
    if not points:
        return Markup()
    top = _through(points, stepped=True)
    closed = f"{top}V{_short(base)}H{_short(points[0][0])}Z"
    return tag("path", d=closed, class_=kind)


def _through(points: Iterable[Point], *, stepped: bool) -> str:
    segments, pen_down = [], False
    for x, y in points:
        if y is None:
            pen_down = False
            continue
        if not pen_down:
            segments.append(f"M{_short(x)} {_short(y)}")
        elif stepped:
            segments.append(f"H{_short(x)}V{_short(y)}")
        else:
            segments.append(f"L{_short(x)} {_short(y)}")
        pen_down = True
    return "".join(segments)


def _short(value: str | float) -> str:
    return f"{value:.1f}".removesuffix(".0") if isinstance(value, float) else str(value)
