"""The plots of the load: each substation against its limit, all of them together, and their balance.

Pure. Grey is normal. What is drawn in a colour is abnormal, and says so in words too.
"""

import re
from collections.abc import Sequence

from markupsafe import Markup

from loadtest.paper import series, svg
from loadtest.paper.axes import written
from loadtest.paper.document import Document
from loadtest.paper.frame import HEIGHT, RIGHT, TOP, WIDTH, Frame, Plot, bracket, dot, over_time, picture
from loadtest.paper.svg import Point

NOTHING = "-"
RATIO = ("max/mean utilization", "max_mean")  # the names of its threshold
WORDS = 96  # of the paper: how wide the words beside a peak are
RATIO_ROOM = 1.1  # a plot of ratios shows at least so much: noise must not fill it


def loads(document: Document) -> list[Plot]:
    """Return one plot for each substation, all with the same scales."""
    high_kw = max([*(_highest(series.load(document, each.substation_id)) for each in document.stations),
                   *(_highest(series.limit(document, each.substation_id)) for each in document.stations), 1.0])  # fmt: skip
    return [
        _load(document, each.substation_id, f"load-{n}", high_kw)
        for n, each in enumerate(document.stations, start=1)
    ]


def _load(document: Document, substation_id: str, name: str, high_kw: float) -> Plot:
    until_s = series.ends_s(document)
    frame = over_time(until_s, high_kw, "kW")
    load, limit = series.load(document, substation_id), series.limit(document, substation_id)
    drawn = [*frame.under, *bracket(frame, document.window_s), *_changes(frame, document, substation_id),
             *_over(frame, load, limit), *_limit(frame, limit),
             svg.steps(_placed(frame, load), "data"), *_peak(frame, load, "kW")]  # fmt: skip
    changed = "".join(
        f" After {each.at_s:.0f} s: {each.said}."
        for each in document.changes
        if each.target in {"", substation_id}
    )
    about = f"{_told(load, 'kW')} The limit is {_kw(_highest(limit))}.{changed}"
    heights = zip(series.highest(load, until_s), series.highest(limit, until_s), strict=True)
    return Plot(
        name, substation_id, about, picture(name, f"Load of {substation_id}", about, drawn),
        ("from second", "highest load (kW)", "limit (kW)"),
        [(at, _figure(kw), _figure(most)) for at, (kw, most) in zip(_moments(until_s), heights, strict=True)],
    )  # fmt: skip


def together(document: Document) -> Plot:
    """Return the utilization of all substations in one frame: balanced lines lie on each other."""
    until_s = series.ends_s(document)
    lines = {
        each.substation_id: series.utilization(document, each.substation_id) for each in document.stations
    }
    percent = {each: [(at, None if u is None else 100 * u) for at, u in line] for each, line in lines.items()}
    frame = over_time(until_s, max([100.0, *map(_highest, percent.values())]), "% of capacity")
    drawn = [*frame.under, *bracket(frame, document.window_s), *_changes(frame, document), *_line_across(frame, 100.0, "limit"),
             *(svg.steps(_placed(frame, line), "data thin") for line in percent.values())]  # fmt: skip
    about = " ".join(f"{each}: {_told(line, '%')}" for each, line in percent.items())
    heights = zip(*(series.highest(line, until_s) for line in percent.values()), strict=True)
    rows = [(at, *map(_figure, each)) for at, each in zip(_moments(until_s), heights, strict=False)]
    name = "together"
    return Plot(
        name, "All substations together", about, picture(name, "Utilization of all substations", about, drawn),
        ("from second", *(f"{each} (%)" for each in percent)), rows,
    )  # fmt: skip


def balance(document: Document) -> Plot:
    """Return max/mean utilization over time, with the highest average that holds."""
    until_s = series.ends_s(document)
    ratios, most = series.ratio(document), limit_of(document, RATIO)
    frame = over_time(until_s, max(RATIO_ROOM, most or 1.0, _highest(ratios)), "max / mean", low=1.0)
    drawn = [*frame.under, *bracket(frame, document.window_s), *_changes(frame, document),
             svg.steps(_placed(frame, ratios), "data")]  # fmt: skip
    if most is not None:
        drawn += _line_across(frame, most, f"limit of the average {written(most)}")
    about = "The utilization of the fullest substation over the mean of all, while the fleet is above half its peak. "
    about += _told(ratios, "", ".3f")
    rows = [
        (at, _figure(r, ".4f"))
        for at, r in zip(_moments(until_s), series.highest(ratios, until_s), strict=True)
    ]
    name = "balance"
    return Plot(
        name, "Fullest over mean", about, picture(name, "Max/mean utilization", about, drawn),
        ("from second", "highest max/mean"), rows,
    )  # fmt: skip


def limit_of(document: Document, names: Sequence[str]) -> float | None:
    """Return the number in the limit of a threshold of one of `names`; None when there is none."""
    limits = [threshold.limit for threshold in document.thresholds if threshold.name in names]
    found = re.search(r"\d+(?:\.\d+)?", limits[0]) if limits else None
    return float(found[0]) if found else None


def _placed(frame: Frame, points: Sequence[Point]) -> list[Point]:
    return [(frame.x(max(x, 0.0)), None if y is None else frame.y(y)) for x, y in series.thinned(points)]


def _changes(frame: Frame, document: Document, substation_id: str = "") -> list[Markup]:
    """Return a numbered mark for each change of the policy or of a substation; without one, for every change."""
    drawn = []
    for number, each in enumerate(document.changes, start=1):
        if not substation_id or each.target in {"", substation_id}:
            x = frame.x(max(each.at_s, 0.0))
            drawn += [
                svg.line((x, TOP), (x, frame.base), "change"),
                svg.label(x + 3, frame.base - 4, str(number), "change-number"),
            ]
    return drawn


def _limit(frame: Frame, limit: Sequence[Point]) -> list[Markup]:
    known = [(x, y) for x, y in limit if y is not None]
    if not known:
        return []
    place = frame.y(known[-1][1]) - 4
    words = svg.label(WIDTH - RIGHT - 2, place, f"limit {_kw(known[-1][1])}", "limit-words", "end")
    return [svg.steps(_placed(frame, limit), "limit"), words]


def _line_across(frame: Frame, value: float, words: str) -> list[Markup]:
    y = frame.y(value)
    line = svg.line((frame.x(0.0), y), (WIDTH - RIGHT, y), "limit")
    return [line, svg.label(WIDTH - RIGHT - 2, y - 4, words, "limit-words", "end")]


def _over(frame: Frame, load: Sequence[Point], limit: Sequence[Point]) -> list[Markup]:
    """Return what is above the limit, filled, and the words that say it."""
    stretches: list[list[tuple[float, float, float]]] = [[]]
    for (x, kw), (_, most) in zip(load, limit, strict=True):
        if kw is not None and most is not None and kw > most:
            stretches[-1].append((x, kw, most))
        elif stretches[-1]:
            stretches[-1].append(
                (x, stretches[-1][-1][1], stretches[-1][-1][2])
            )  # the last height stood until now
            stretches.append([])
    drawn = [
        svg.area(
            [(frame.x(max(x, 0.0)), frame.y(kw)) for x, kw, _ in each], frame.y(each[0][2]), "over-limit"
        )
        for each in stretches
        if each
    ]
    if drawn:
        first = next(each for each in stretches if each)[0]
        drawn.append(
            svg.label(
                frame.x(max(first[0], 0.0)), frame.y(first[2]) + 14, "OVER ITS LIMIT", "alarm", "middle"
            )
        )
    return drawn


def _peak(frame: Frame, points: Sequence[Point], unit: str) -> list[Markup]:
    known = [(y, x) for x, y in points if y is not None]
    if not known:
        return [svg.label(WIDTH / 2, HEIGHT / 2, "not measured", "alarm", "middle")]
    y, x = max(known, key=lambda each: each[0])
    place = frame.x(max(x, 0.0))
    words = f"peak {written(round(y))} {unit}"
    sides = [side for side in (-1, 1) if frame.x(0.0) <= place + side * WORDS <= WIDTH - RIGHT]
    below, side = min((_under(frame, points, place, side), side) for side in sides)
    anchor = "end" if side < 0 else "start"
    return [dot(place, frame.y(y)), svg.label(place + 6 * side, below, words, "note", anchor)]


def _under(frame: Frame, points: Sequence[Point], place: float, side: int) -> float:
    """Return the height at which words beside a place are under a line, which so does not cross them."""
    beside = [frame.y(y) for x, y in points if y is not None and 0 <= side * (frame.x(x) - place) <= WORDS]
    return min(max(beside, default=0.0) + 16, frame.base - 4)


def _told(points: Sequence[Point], unit: str, form: str = ",.0f") -> str:
    """Return in words where a line begins, peaks and ends."""
    known = [(x, y) for x, y in points if y is not None]
    if not known:
        return "Not measured."
    x, y = max(known, key=lambda each: each[1])
    first, last = (f"{each[1]:{form}} {unit}".strip() for each in (known[0], known[-1]))
    return f"From {first} to {last}, highest {f'{y:{form}} {unit}'.strip()} at {max(x, 0.0):.0f} s."


def _moments(until_s: float) -> list[str]:
    return [written(each.from_s) for each in series.intervals([], until_s)]


def _highest(points: Sequence[Point]) -> float:
    return max((y for _, y in points if y is not None), default=0.0)


def _kw(value: float) -> str:
    return f"{written(round(value, 1))} kW"


def _figure(value: float | None, form: str = ",.1f") -> str:
    return NOTHING if value is None else format(value, form)
