"""The plot of each substation: what its cars and its base load add up to, against its limit.

Pure. Grey is normal. What is abnormal has a colour, and says so in words too. The base load is a band at the bottom, the
cars are the band above it. Without a base load there is one line, that of the cars.
"""

import dataclasses
from collections.abc import Sequence

from markupsafe import Markup

from loadtest.paper import series, svg
from loadtest.paper.axes import tick_text
from loadtest.paper.document import Document
from loadtest.paper.frame import HEIGHT, LEFT, RIGHT, WIDTH, Frame, Plot, dot, picture
from loadtest.paper.over_time import described, highest, marks, over_time, placed, table
from loadtest.paper.svg import Point

NAMES_Y = 12.0  # beside the unit, above the plot
NAME_WIDTH = 46.0
SMOOTH = 200  # points of a base load, which moves little from one to the next
WORDS = 96  # the width of the words beside a peak
NEAR, FAR = 6, 40  # how far from it they may stand


@dataclasses.dataclass(frozen=True, slots=True)
class _Lines:
    """The lines of one substation, in kW; `total` is that of cars and base load."""

    base: Sequence[Point]
    cars: Sequence[Point]
    total: Sequence[Point]
    limit: Sequence[Point]

    @classmethod
    def of(cls, document: Document, substation_id: str) -> "_Lines":
        return cls(
            series.base_load(document, substation_id),
            series.load(document, substation_id),
            series.total(document, substation_id),
            series.limit(document, substation_id),
        )


def loads(document: Document) -> list[Plot]:
    """Return one plot for each substation, all with the same scales."""
    lines = {each.substation_id: _Lines.of(document, each.substation_id) for each in document.substations}
    high_kw = max([1.0, *(highest(line) for each in lines.values() for line in (each.total, each.limit))])
    return [
        _plot(document, substation_id, f"load-{n}", each, high_kw)
        for n, (substation_id, each) in enumerate(lines.items(), start=1)
    ]


def _plot(document: Document, substation_id: str, name: str, lines: _Lines, high_kw: float) -> Plot:
    until_s = series.ends_s(document)
    frame = over_time(document, until_s, high_kw, "kW")
    banded = highest(lines.base) > 0
    children = [
        *frame.under,
        *(_bands(frame, lines) if banded else []),
        *marks(frame, document, substation_id),
        *_over(frame, lines.total, lines.limit),
        *_limit(frame, lines.limit),
        svg.steps(placed(frame, lines.total), "data"),
        *_peak(frame, lines),
    ]
    about = _about(document, substation_id, lines)
    columns = {"highest load (kW)": lines.cars, "limit (kW)": lines.limit}
    if banded:
        columns = {
            "base load (kW)": lines.base,
            "cars (kW)": lines.cars,
            "together (kW)": lines.total,
            "limit (kW)": lines.limit,
        }
    return Plot(
        name,
        substation_id,
        about,
        picture(name, f"Load of {substation_id}", about, children),
        *table(document, columns, until_s),
    )


def _about(document: Document, substation_id: str, lines: _Lines) -> str:
    words = [described(document, lines.total, "kW")]
    if (most := highest(lines.base)) > 0:
        words.append(f"The base load is at most {_kw(most)} of it, the rest are cars.")
    words.append(f"The limit is {_kw(highest(lines.limit))}.")
    words += [
        f"After {each.at_s:.0f} s: {each.description}."
        for each in document.changes
        if each.target in {"", substation_id}
    ]
    return " ".join(words)


def _bands(frame: Frame, lines: _Lines) -> list[Markup]:
    """Return the area of the cars, and over its lower part that of the base load, with their names above."""
    base = placed(frame, lines.base, SMOOTH)
    return [
        *(svg.area(each, frame.base, "band-cars") for each in _stretches(placed(frame, lines.total))),
        *(svg.area(each, frame.base, "band-base") for each in _stretches(base)),
        svg.steps(base, "band-edge"),
        *_name("cars", "band-cars", LEFT),
        *_name("base load", "band-base", LEFT + NAME_WIDTH),
    ]


def _name(name: str, kind: str, x: float) -> list[Markup]:
    return [svg.bar(x, NAMES_Y - 8, (10.0, 9.0), kind), svg.label(x + 14, NAMES_Y, name, "tick")]


def _stretches(points: Sequence[Point]) -> list[list[tuple[float, float]]]:
    """Return the stretches of a line between its gaps."""
    found: list[list[tuple[float, float]]] = [[]]
    for x, y in points:
        if y is not None:
            found[-1].append((x, y))
        elif found[-1]:
            found.append([])
    return [each for each in found if each]


def _limit(frame: Frame, limit: Sequence[Point]) -> list[Markup]:
    known = [(x, y) for x, y in limit if y is not None]
    if not known:
        return []
    place = frame.y(known[-1][1]) - 4
    words = svg.label(WIDTH - RIGHT - 2, place, f"limit {_kw(known[-1][1])}", "limit-words", "end")
    return [svg.steps(placed(frame, limit), "limit"), words]


def _over(frame: Frame, load: Sequence[Point], limit: Sequence[Point]) -> list[Markup]:
    """Return the area between load and limit where the load is higher, and the words that say it."""
    stretches: list[list[tuple[float, float, float]]] = [[]]
    for (x, kw), (_, most) in zip(load, limit, strict=True):
        if kw is not None and most is not None and kw > most:
            stretches[-1].append((x, kw, most))
        elif stretches[-1]:
            _, last_kw, last_most = stretches[-1][-1]
            stretches[-1].append((x, last_kw, last_most))  # a load lasts until the next sample
            stretches.append([])
    found = [each for each in stretches if each]
    if not found:
        return []
    areas = [
        svg.area(
            [(frame.x(max(x, 0.0)), frame.y(kw)) for x, kw, _ in each], frame.y(each[0][2]), "over-limit"
        )
        for each in found
    ]
    x, _, most = found[0][0]
    words = svg.label(frame.x(max(x, 0.0)), frame.y(most) + 14, "OVER ITS LIMIT", "alarm", "middle")
    return [*areas, words]


def _peak(frame: Frame, lines: _Lines) -> list[Markup]:
    known = [(y, x) for x, y in lines.total if y is not None]
    if not known:
        return [svg.label(WIDTH / 2, HEIGHT / 2, "not measured", "alarm", "middle")]
    kw, at_s = max(known, key=lambda each: each[0])
    peak = (frame.x(max(at_s, 0.0)), frame.y(kw))
    (x, y), anchor = _beside(frame, lines, peak) or _below(frame, lines.total, peak)
    return [dot(*peak), svg.label(x, y, f"peak {tick_text(round(kw))} kW", "remark", anchor)]


def _beside(frame: Frame, lines: _Lines, peak: tuple[float, float]) -> tuple[tuple[float, float], str] | None:
    """Return the nearest place beside a peak where the line is below words at its height, and their anchor; or None."""
    high, low = peak[1] - 12, peak[1] + 8  # of the words, with some air
    line = [(frame.x(x), frame.y(y)) for x, y in lines.total if y is not None]
    crossed = [x for x, y in line if y < low]
    crossed += [frame.x(x) for x, y in lines.limit if y is not None and high < frame.y(y) < low]
    for away in range(NEAR, FAR):
        for side, anchor in ((1, "start"), (-1, "end")):
            near, far = peak[0] + side * away, peak[0] + side * (away + WORDS)
            left, right = min(near, far), max(near, far)
            if left >= LEFT and right <= WIDTH - RIGHT and not any(left - 3 <= x <= right for x in crossed):
                return (near, peak[1] + 4), anchor
    return None


def _below(
    frame: Frame, points: Sequence[Point], peak: tuple[float, float]
) -> tuple[tuple[float, float], str]:
    """Return the place below the line beside a peak, on the side where it is higher, and the anchor of words there."""
    sides = [side for side in (-1, 1) if frame.x(0.0) <= peak[0] + side * WORDS <= WIDTH - RIGHT]
    below, side = min((_below_line(frame, points, peak[0], side), side) for side in sides)
    return (peak[0] + NEAR * side, below), "end" if side < 0 else "start"


def _below_line(frame: Frame, points: Sequence[Point], place: float, side: int) -> float:
    """Return a height for words beside a place at which the line does not cross them."""
    beside = [frame.y(y) for x, y in points if y is not None and 0 <= side * (frame.x(x) - place) <= WORDS]
    return min(max(beside, default=0.0) + 16, frame.base - 4)


def _kw(value: float) -> str:
    return f"{tick_text(round(value, 1))} kW"
