"""The plots of the requests: what became of them, when they were sent, and what their answers took.

Pure. Grey is normal. What is drawn in a colour is abnormal, has a pattern, and says so in words.
"""

import re
from collections.abc import Callable, Sequence

from markupsafe import Markup

from loadtest.paper import series, svg
from loadtest.paper.axes import Linear, share_ticks, tail, written
from loadtest.paper.document import Document, number
from loadtest.paper.frame import (
    HEIGHT,
    LEFT,
    RIGHT,
    WIDTH,
    Frame,
    Plot,
    bracket,
    dot,
    over_shares,
    over_time,
    picture,
)
from loadtest.paper.series import Interval

OUTCOMES = ("admitted", "refused", "failed", "dropped")  # from the base of a bar upwards
OTHER = "other"
GAP = 0.5  # between two bars, on the paper
LATENCY = re.compile(
    r"(?:(?P<kind>service|response)[_ ](?:time,? )?)?(?P<at>p\d{2,5}|max)(?:_ms|,? in ms)"
)  # names of limits
KINDS = ("response", "service")
PERCENTILES = ("p50", "p90", "p95", "p99", "p999", "max")
NAMED_AT = 0.8  # the share of the answers at which a lower line has its name
HALF = 0.5  # of a unit of the paper: nearer points of a line can't be told apart
FASTEST_MS = 0.01  # where a logarithmic axis begins at the lowest


def outcomes(document: Document) -> Plot:
    """Return how many requests ended how, stacked, by the moment of the answer."""
    until_s = series.ends_s(document)
    ended = [
        (each.answered_s, _outcome(each.outcome)) for each in document.requests if each.answered_s is not None
    ]
    kinds = [
        kind for kind in (*OUTCOMES, OTHER) if kind == OUTCOMES[0] or any(each == kind for _, each in ended)
    ]
    found = series.intervals(ended, until_s)
    frame = over_time(until_s, max([1.0, *(float(sum(each.counts.values())) for each in found)]), _per(found))
    drawn = [*frame.under, *bracket(frame, document.window_s), *(each for i in found for each in _stack(frame, i, kinds)),
             *_named_bars(frame, found, kinds)]  # fmt: skip
    about = ", ".join(f"{sum(each.counts.get(kind, 0) for each in found):,} {kind}" for kind in kinds) + "."
    name = "outcomes"
    return Plot(
        name, "Answers", about, picture(name, "Requests by their outcome", about, [_hatches(), *drawn]),
        ("from second", *kinds),
        [(written(each.from_s), *(str(each.counts.get(kind, 0)) for kind in kinds)) for each in found],
    )  # fmt: skip


def arrivals(document: Document) -> Plot:
    """Return how many requests were to be sent, as bars, and how many were, as a line."""
    until_s = series.ends_s(document)
    planned = [(each.intended_s, "planned") for each in document.requests if each.intended_s is not None]
    sent = [(each.sent_s, "sent") for each in document.requests if each.sent_s is not None]
    found = series.intervals([*planned, *sent], until_s)
    frame = over_time(
        until_s, max([1.0, *(float(max(each.counts.values(), default=0)) for each in found)]), _per(found)
    )
    bars = [_bar(frame, each, 0, each.counts.get("planned", 0), "planned") for each in found]
    line = [(frame.x(each.from_s), frame.y(each.counts.get("sent", 0))) for each in found]
    end = [(frame.x(until_s), line[-1][1])]
    about = f"Bars: {len(planned):,} planned. Line: {len(sent):,} sent."
    name = "arrivals"
    drawn = [*frame.under, *bracket(frame, document.window_s), *bars, svg.steps([*line, *end], "data")]
    return Plot(
        name, "Arrivals", about, picture(name, "Requests planned and sent", about, drawn),
        ("from second", "planned", "sent"),
        [(written(e.from_s), str(e.counts.get("planned", 0)), str(e.counts.get("sent", 0))) for e in found],
    )  # fmt: skip


def latency(document: Document) -> Plot:
    """Return what the answers took by percentile, the tail drawn out, with the limits that there are."""
    curves = {kind: series.latency(document, kind) for kind in KINDS}
    limits = list(_limits(document))
    count = max(2, *map(_count, curves.values()))
    x = _shares(count)
    heights = [ms for curve in curves.values() for _, ms in curve if ms > 0] + [
        ms for _, _, _, ms in limits if ms > 0
    ]
    low = max(min(heights, default=1.0), FASTEST_MS)
    frame = over_shares(x, [(each, _percent(each)) for each in share_ticks(count)] + [(1.0, "max")],
                        low * 0.8, max(max(heights, default=1.0), low) * 1.4)  # fmt: skip
    drawn = list(frame.under)
    for kind, curve in curves.items():
        drawn += _curve(frame, kind, curve)
    drawn += [each for limit in limits for each in _limit(frame, limit)]
    at = [*sorted({*share_ticks(count), 0.75, 0.95} - {0.0}), 1.0]
    rows = [(_percent(each), *(_ms_at(curve, each) for curve in curves.values())) for each in at]
    about = " ".join(f"{kind}: median {row[0]} ms, longest {row[1]} ms." for kind, row in _ends(rows))
    name = "latency"
    return Plot(
        name, "How long answers took", about, picture(name, "Latency by percentile", about, drawn),
        ("percentile", *(f"{kind} (ms)" for kind in KINDS)), rows,
    )  # fmt: skip


def _ends(rows: Sequence[Sequence[str]]) -> list[tuple[str, tuple[str, str]]]:
    return [(kind, (rows[0][n], rows[-1][n])) for n, kind in enumerate(KINDS, start=1)]


def _count(curve: Sequence[tuple[float, float]]) -> int:
    """Return how many values a curve tells apart: those of a histogram are known by its last share below 1."""
    shares = [share for share, _ in curve if share < 1]
    return max(len(curve), round(1 / (1 - shares[-1]))) if shares else len(curve)


def _shares(count: int) -> Callable[[float], float]:
    last = 1 - 1 / (2 * count)  # the largest of so many values is not at infinity
    scale = Linear(0.0, tail(last), LEFT, WIDTH - RIGHT - 8)
    return lambda share: scale(tail(min(max(share, 0.0), last)))


def _curve(frame: Frame, kind: str, curve: Sequence[tuple[float, float]]) -> list[Markup]:
    if not curve:
        return [svg.label(WIDTH / 2, HEIGHT / 2, "no answer", "alarm", "middle")] if kind == KINDS[0] else []
    placed = [(frame.x(share), frame.y(ms)) for share, ms in curve]
    drawn = [placed[0]]
    for each in placed[1:]:
        if each[0] - drawn[-1][0] >= HALF or each == placed[-1]:
            drawn.append(each)
    x, y = drawn[-1]
    if kind == KINDS[0]:
        words = svg.label(x, y - 8, f"{kind}, longest {_short_ms(curve[-1][1])}", "note", "end")
        return [svg.polyline(drawn, "data"), dot(x, y), words]
    at = min(
        drawn, key=lambda each: abs(each[0] - frame.x(NAMED_AT))
    )  # below a line that rises there is room
    return [svg.polyline(drawn, "data second"), svg.label(at[0] + 4, at[1] + 18, kind, "note")]


def _limits(document: Document) -> list[tuple[str, str, float, float]]:
    """Return the thresholds on latencies: kind, percentile, its share, and the limit in ms."""
    found = []
    for threshold in document.thresholds:
        asked = LATENCY.fullmatch(threshold.name)
        most = re.search(r"\d+(?:\.\d+)?", threshold.limit)
        if asked and most:
            found.append((asked["kind"] or KINDS[0], asked["at"], _share_of(asked["at"]), float(most[0])))
    return found


def _share_of(at: str) -> float:
    if at == "max":
        return 1.0
    return float(f"0.{at.removeprefix('p')}")  # p999 is 99.9 %


def _limit(frame: Frame, limit: tuple[str, str, float, float]) -> list[Markup]:
    kind, at, share, ms = limit
    x, y = frame.x(share), frame.y(ms)
    line = svg.line((LEFT, y), (x, y), "limit")
    stop = svg.line((x, y - 4), (x, y + 4), "limit whole")
    return [line, stop, svg.label(LEFT + 4, y - 4, f"limit {kind} {at} {_short_ms(ms)}", "limit-words")]


def _ms_at(curve: Sequence[tuple[float, float]], share: float) -> str:
    found = next((ms for each, ms in curve if each >= share - 1e-12), curve[-1][1] if curve else None)
    return "-" if found is None else f"{found:,.1f}"


def _percent(share: float) -> str:
    return "max" if share == 1 else f"{written(round(share * 100, 6))} %"


def _short_ms(ms: float) -> str:
    return f"{written(round(ms, 1 if ms < 1000 else 0))} ms"


def _outcome(told: str) -> str:
    return told if told in OUTCOMES else OTHER


def _per(found: Sequence[Interval]) -> str:
    seconds = found[0].seconds
    return "per second" if seconds == 1 else f"per {written(seconds)} s"


def _stack(frame: Frame, interval: Interval, kinds: Sequence[str]) -> list[Markup]:
    below, drawn = 0, []
    for kind in kinds:
        if count := interval.counts.get(kind, 0):
            drawn.append(_bar(frame, interval, below, count, kind))
            below += count
    return drawn


def _bar(frame: Frame, interval: Interval, below: int, count: int, kind: str) -> Markup:
    left, right = (
        frame.x(interval.from_s) + GAP,
        min(frame.x(interval.from_s + interval.seconds), WIDTH - RIGHT) - GAP,
    )
    top, base = frame.y(below + count), frame.y(below)
    return svg.bar(left, top, (right - left, base - top), kind)


def _named_bars(frame: Frame, found: Sequence[Interval], kinds: Sequence[str]) -> list[Markup]:
    """Return the name of each abnormal kind beside the first bar that has it."""
    drawn = []
    for n, kind in enumerate(kinds[1:]):
        first = next(each for each in found if each.counts.get(kind))
        total = sum(each.counts.get(kind, 0) for each in found)
        place = frame.x(first.from_s) - 4
        anchor = "end" if place > WIDTH / 2 else "start"
        y = frame.y(sum(first.counts.values())) - 6 - 14 * n
        drawn.append(svg.label(place, max(y, 46.0 + 14 * n), f"{total:,} {kind}", f"words-{kind}", anchor))
    return drawn


def _hatches() -> Markup:
    """Return the patterns of what is abnormal: they are told apart without their colours."""
    lines = {
        "refused": svg.tag("path", d="M-1 1L1 -1M0 6L6 0M5 7L7 5", class_="hatch-refused"),
        "dropped": svg.tag("path", d="M0 3H6", class_="hatch-dropped"),
    }
    patterns = [
        svg.tag("pattern", svg.tag("rect", width=6, height=6, class_=f"ground-{kind}"), line,
                id=f"hatch-{kind}", width=6, height=6, patternUnits="userSpaceOnUse")
        for kind, line in lines.items()
    ]  # fmt: skip
    return svg.tag("defs", *patterns)


def percentiles(document: Document) -> list[tuple[str, list[float | None]]]:
    """Return the rows of the table of latencies: what was measured, and its percentiles in ms."""
    told = {"response": "response_ms", "service": "service_ms", "sent late": "late_ms"}
    rows = []
    for name, key in told.items():
        values = document.result.get(key)
        values = values if isinstance(values, dict) else {}
        rows.append((name, [number(values.get(each)) for each in PERCENTILES]))
    return rows
