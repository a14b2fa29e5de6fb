"""The plots of the requests: how they ended, and when they were sent.

Pure. Grey is normal. What is abnormal has a colour and a pattern, and its name beside it.
"""

from collections.abc import Sequence

from markupsafe import Markup

from loadtest.paper import series, svg
from loadtest.paper.axes import tick_text
from loadtest.paper.document import Document
from loadtest.paper.frame import RIGHT, WIDTH, Frame, Plot, bracket, picture
from loadtest.paper.over_time import from_heading, moments, over_time
from loadtest.paper.series import Interval

OUTCOMES = ("admitted", "refused", "failed", "dropped")  # from the base of a bar upwards
OTHER = "other"
GAP = 0.5  # on each side of a bar


def outcomes(document: Document) -> Plot:
    """Return how many requests were answered over time, stacked by their outcome."""
    until_s = series.ends_s(document)
    ended = [
        (each.answered_s, _outcome(each.outcome)) for each in document.requests if each.answered_s is not None
    ]
    kinds = [
        kind for kind in (*OUTCOMES, OTHER) if kind == OUTCOMES[0] or any(each == kind for _, each in ended)
    ]
    found = series.intervals(ended, until_s)
    frame = over_time(
        document, until_s, max([1.0, *(float(sum(each.counts.values())) for each in found)]), _per(found)
    )
    children = [
        *frame.under,
        *bracket(frame, document.window_s),
        *(each for i in found for each in _stack(frame, i, kinds)),
        *_named_bars(frame, found, kinds),
    ]
    about = ", ".join(f"{sum(each.counts.get(kind, 0) for each in found):,} {kind}" for kind in kinds) + "."
    name = "outcomes"
    return Plot(
        name,
        "Answers",
        about,
        picture(name, "Requests by their outcome", about, [_hatches(), *children]),
        (from_heading(document), *kinds),
        [
            (at, *(str(each.counts.get(kind, 0)) for kind in kinds))
            for at, each in zip(moments(document, until_s), found, strict=True)
        ],
    )


def arrivals(document: Document) -> Plot:
    """Return how many requests were planned over time, as bars, and how many were sent, as a line."""
    until_s = series.ends_s(document)
    planned = [(each.intended_s, "planned") for each in document.requests if each.intended_s is not None]
    sent = [(each.sent_s, "sent") for each in document.requests if each.sent_s is not None]
    found = series.intervals([*planned, *sent], until_s)
    frame = over_time(
        document,
        until_s,
        max([1.0, *(float(max(each.counts.values(), default=0)) for each in found)]),
        _per(found),
    )
    bars = [_bar(frame, each, 0, each.counts.get("planned", 0), "planned") for each in found]
    line = [(frame.x(each.from_s), frame.y(each.counts.get("sent", 0))) for each in found]
    end = [(frame.x(until_s), line[-1][1])]
    about = f"Bars: {len(planned):,} planned. Line: {len(sent):,} sent."
    name = "arrivals"
    children = [*frame.under, *bracket(frame, document.window_s), *bars, svg.steps([*line, *end], "data")]
    return Plot(
        name,
        "Arrivals",
        about,
        picture(name, "Requests planned and sent", about, children),
        (from_heading(document), "planned", "sent"),
        [
            (at, str(e.counts.get("planned", 0)), str(e.counts.get("sent", 0)))
            for at, e in zip(moments(document, until_s), found, strict=True)
        ],
    )


def _outcome(outcome: str) -> str:
    return outcome if outcome in OUTCOMES else OTHER


def _per(found: Sequence[Interval]) -> str:
    seconds = found[0].seconds
    return "per second" if seconds == 1 else f"per {tick_text(seconds)} s"


def _stack(frame: Frame, interval: Interval, kinds: Sequence[str]) -> list[Markup]:
    below, children = 0, []
    for kind in kinds:
        if count := interval.counts.get(kind, 0):
            children.append(_bar(frame, interval, below, count, kind))
            below += count
    return children


def _bar(frame: Frame, interval: Interval, below: int, count: int, kind: str) -> Markup:
    left, right = (
        frame.x(interval.from_s) + GAP,
        min(frame.x(interval.from_s + interval.seconds), WIDTH - RIGHT) - GAP,
    )
    top, base = frame.y(below + count), frame.y(below)
    return svg.bar(left, top, (right - left, base - top), kind)


def _named_bars(frame: Frame, found: Sequence[Interval], kinds: Sequence[str]) -> list[Markup]:
    """Return the name of each abnormal outcome beside the first bar that has it."""
    children = []
    for n, kind in enumerate(kinds[1:]):
        first = next(each for each in found if each.counts.get(kind))
        total = sum(each.counts.get(kind, 0) for each in found)
        place = frame.x(first.from_s) - 4
        anchor = "end" if place > WIDTH / 2 else "start"
        y = frame.y(sum(first.counts.values())) - 6 - 14 * n
        children.append(svg.label(place, max(y, 46.0 + 14 * n), f"{total:,} {kind}", f"words-{kind}", anchor))
    return children


def _hatches() -> Markup:
    """Return the patterns of the abnormal outcomes, which can be told apart without colours."""
    lines = {
        "refused": svg.tag("path", d="M-1 1L1 -1M0 6L6 0M5 7L7 5", class_="hatch-refused"),
        "dropped": svg.tag("path", d="M0 3H6", class_="hatch-dropped"),
    }
    patterns = [
        svg.tag(
            "pattern",
            svg.tag("rect", width=6, height=6, class_=f"ground-{kind}"),
            line,
            id=f"hatch-{kind}",
            width=6,
            height=6,
            patternUnits="userSpaceOnUse",
        )
        for kind, line in lines.items()
    ]
    return svg.tag("defs", *patterns)
