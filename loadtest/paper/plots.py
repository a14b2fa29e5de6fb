"""The plots of the load: each substation against its limit, all substations in one frame, and their balance.

Pure. Grey is normal. What is abnormal has a colour, and says so in words too. Only where several substations share a
frame do they have colours of their own, and dashes, so that they can be told apart.
"""

import re
from collections.abc import Sequence

from markupsafe import Markup

from loadtest.paper import series, svg
from loadtest.paper.axes import tick_text
from loadtest.paper.document import Document
from loadtest.paper.formats import MISSING
from loadtest.paper.frame import (
    HEIGHT,
    LEFT,
    RIGHT,
    TOP,
    WIDTH,
    Frame,
    Plot,
    bracket,
    dot,
    line_across,
    over_time,
    picture,
)
from loadtest.paper.svg import Point

RATIO = ("max/mean utilization", "max_mean")  # the names of its threshold
WORDS = 96  # the width of the words beside a peak
RATIO_ROOM = 1.1  # the least top of an axis of ratios, so that noise does not fill the plot
KINDS = 6  # lines that can be told apart, by the classes kind-0 to kind-5
NAMES_Y, NAME_HEIGHT = TOP + 26, 13.0


def loads(document: Document) -> list[Plot]:
    """Return one plot for each substation, all with the same scales."""
    high_kw = max(
        [
            *(_highest(series.load(document, each.substation_id)) for each in document.substations),
            *(_highest(series.limit(document, each.substation_id)) for each in document.substations),
            1.0,
        ]
    )
    return [
        _load(document, each.substation_id, f"load-{n}", high_kw)
        for n, each in enumerate(document.substations, start=1)
    ]


def _load(document: Document, substation_id: str, name: str, high_kw: float) -> Plot:
    until_s = series.ends_s(document)
    frame = over_time(until_s, high_kw, "kW")
    load, limit = series.load(document, substation_id), series.limit(document, substation_id)
    children = [
        *frame.under,
        *bracket(frame, document.window_s),
        *_changes(frame, document, substation_id),
        *_over(frame, load, limit),
        *_limit(frame, limit),
        svg.steps(_placed(frame, load), "data"),
        *_peak(frame, load, "kW"),
    ]
    changed = "".join(
        f" After {each.at_s:.0f} s: {each.description}."
        for each in document.changes
        if each.target in {"", substation_id}
    )
    about = f"{_described(load, 'kW')} The limit is {_kw(_highest(limit))}.{changed}"
    heights = zip(series.highest(load, until_s), series.highest(limit, until_s), strict=True)
    return Plot(
        name,
        substation_id,
        about,
        picture(name, f"Load of {substation_id}", about, children),
        ("from second", "highest load (kW)", "limit (kW)"),
        [(at, _figure(kw), _figure(most)) for at, (kw, most) in zip(_moments(until_s), heights, strict=True)],
    )


def together(
    document: Document,
    name: str = "together",
    title: str = "All substations",
    *,
    until_s: float | None = None,
) -> Plot:
    """Return the utilization of all substations in one frame: lines of a balanced fleet lie on each other.

    `name` is unique on the page. The plot shows the seconds from 0 to `until_s`; by default the whole run.
    """
    until_s = until_s or series.ends_s(document)
    percent = {
        each.substation_id: _percent(document, each.substation_id, until_s) for each in document.substations
    }
    frame = over_time(until_s, max([100.0, *map(_highest, percent.values())]), "% of limit")
    steps = [
        svg.steps(_placed(frame, line), f"data thin {_kind(n)}") for n, line in enumerate(percent.values())
    ]
    children = [
        *frame.under,
        *bracket(frame, document.window_s),
        *_changes(frame, document),
        *line_across(frame, 100.0, "limit"),
        *_names(list(percent)),
        *steps,
    ]
    about = " ".join(f"{each}: {_described(line, '%')}" for each, line in percent.items())
    heights = zip(*(series.highest(line, until_s) for line in percent.values()), strict=True)
    rows = [(at, *map(_figure, each)) for at, each in zip(_moments(until_s), heights, strict=False)]
    return Plot(
        name,
        title,
        about,
        picture(name, f"Utilization of all substations: {title}", about, children),
        ("from second", *(f"{each} (%)" for each in percent)),
        rows,
    )


def _percent(document: Document, substation_id: str, until_s: float) -> list[tuple[float, float | None]]:
    """Return the utilization of a substation in percent, up to `until_s`."""
    line = series.utilization(document, substation_id)
    return [(at, None if share is None else 100 * share) for at, share in line if at <= until_s]


def balance(document: Document) -> Plot:
    """Return max/mean utilization over time, with the highest average that passes."""
    until_s = series.ends_s(document)
    ratios, most = series.ratio(document), limit_of(document, RATIO)
    frame = over_time(until_s, max(RATIO_ROOM, most or 1.0, _highest(ratios)), "max / mean", low=1.0)
    children = [
        *frame.under,
        *bracket(frame, document.window_s),
        *_changes(frame, document),
        svg.steps(_placed(frame, ratios), "data"),
    ]
    if most is not None:
        children += line_across(frame, most, f"limit of the average {tick_text(most)}")
    about = "The utilization of the fullest substation over the mean of all, while the fleet is above half its peak. "
    about += _described(ratios, "", ".3f")
    rows = [
        (at, _figure(r, ".4f"))
        for at, r in zip(_moments(until_s), series.highest(ratios, until_s), strict=True)
    ]
    name = "balance"
    return Plot(
        name,
        "Fullest substation over the mean",
        about,
        picture(name, "Max/mean utilization", about, children),
        ("from second", "highest max/mean"),
        rows,
    )


def limit_of(document: Document, names: Sequence[str]) -> float | None:
    """Return the number in the limit of a threshold of one of `names`; None when there is none."""
    limits = [threshold.limit for threshold in document.thresholds if threshold.name in names]
    found = re.search(r"\d+(?:\.\d+)?", limits[0]) if limits else None
    return float(found[0]) if found else None


def _kind(number: int) -> str:
    return f"kind-{number % KINDS}"


def _names(names: Sequence[str]) -> list[Markup]:
    """Return the name of each line beside a piece of it, in the upper left corner, where a rising load is not."""
    children = []
    for number, name in enumerate(names[:KINDS]):
        y = NAMES_Y + NAME_HEIGHT * number
        piece = svg.line((LEFT + 6, y), (LEFT + 24, y), f"data {_kind(number)}")
        children += [piece, svg.label(LEFT + 28, y + 4, name, "tick")]
    return children


def _placed(frame: Frame, points: Sequence[Point]) -> list[Point]:
    return [(frame.x(max(x, 0.0)), None if y is None else frame.y(y)) for x, y in series.thin(points)]


def _changes(frame: Frame, document: Document, substation_id: str = "") -> list[Markup]:
    """Return a numbered mark for each change that concerns a substation; without one, for every change."""
    children = []
    for number, each in enumerate(document.changes, start=1):
        if not substation_id or each.target in {"", substation_id}:
            x = frame.x(max(each.at_s, 0.0))
            children += [
                svg.line((x, TOP), (x, frame.base), "change"),
                svg.label(x + 3, frame.base - 4, str(number), "change-number"),
            ]
    return children


def _limit(frame: Frame, limit: Sequence[Point]) -> list[Markup]:
    known = [(x, y) for x, y in limit if y is not None]
    if not known:
        return []
    place = frame.y(known[-1][1]) - 4
    words = svg.label(WIDTH - RIGHT - 2, place, f"limit {_kw(known[-1][1])}", "limit-words", "end")
    return [svg.steps(_placed(frame, limit), "limit"), words]


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


def _peak(frame: Frame, points: Sequence[Point], unit: str) -> list[Markup]:
    known = [(y, x) for x, y in points if y is not None]
    if not known:
        return [svg.label(WIDTH / 2, HEIGHT / 2, "not measured", "alarm", "middle")]
    y, x = max(known, key=lambda each: each[0])
    place = frame.x(max(x, 0.0))
    words = f"peak {tick_text(round(y))} {unit}"
    sides = [side for side in (-1, 1) if frame.x(0.0) <= place + side * WORDS <= WIDTH - RIGHT]
    below, side = min((_below_line(frame, points, place, side), side) for side in sides)
    anchor = "end" if side < 0 else "start"
    return [dot(place, frame.y(y)), svg.label(place + 6 * side, below, words, "note", anchor)]


def _below_line(frame: Frame, points: Sequence[Point], place: float, side: int) -> float:
    """Return a height for words beside a place at which the line does not cross them."""
    beside = [frame.y(y) for x, y in points if y is not None and 0 <= side * (frame.x(x) - place) <= WORDS]
    return min(max(beside, default=0.0) + 16, frame.base - 4)


def _described(points: Sequence[Point], unit: str, form: str = ",.0f") -> str:
    """Return in words where a line begins, peaks and ends."""
    known = [(x, y) for x, y in points if y is not None]
    if not known:
        return "Not measured."
    x, y = max(known, key=lambda each: each[1])
    first, last = (f"{each[1]:{form}} {unit}".strip() for each in (known[0], known[-1]))
    return f"From {first} to {last}, highest {f'{y:{form}} {unit}'.strip()} at {max(x, 0.0):.0f} s."


def _moments(until_s: float) -> list[str]:
    return [tick_text(each.from_s) for each in series.intervals([], until_s)]


def _highest(points: Sequence[Point]) -> float:
    return max((y for _, y in points if y is not None), default=0.0)


def _kw(value: float) -> str:
    return f"{tick_text(round(value, 1))} kW"


def _figure(value: float | None, form: str = ",.1f") -> str:
    return MISSING if value is None else format(value, form)
