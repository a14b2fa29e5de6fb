"""The plot of the latencies by percentile, and their table.

Pure.
"""

import re
from collections.abc import Callable, Sequence

from markupsafe import Markup

from loadtest.paper import series, svg
from loadtest.paper.axes import Linear, share_ticks, tail, tick_text
from loadtest.paper.document import Document
from loadtest.paper.fields import mapping, number
from loadtest.paper.frame import HEIGHT, LEFT, RIGHT, WIDTH, Frame, Plot, dot, over_shares, picture

LATENCY = re.compile(
    r"(?:(?P<kind>service|response)[_ ](?:time,? )?)?(?P<at>p\d{2,5}|max)(?:_ms|,? in ms)"
)  # names of limits
KINDS = ("response", "service")
PERCENTILES = ("p50", "p90", "p95", "p99", "p999", "max")
NAMED_AT = 0.8  # the share of the answers at which the second line has its name
HALF = 0.5  # points of a line that are nearer to each other can't be told apart
FASTEST_MS = 0.01  # the lowest start of a logarithmic axis


def latency(document: Document) -> Plot:
    """Return the latency by percentile, on an axis that gives the tail room, with its limits."""
    curves = {kind: series.latency(document, kind) for kind in KINDS}
    limits = list(_limits(document))
    count = max(2, *map(_count, curves.values()))
    x = _shares(count)
    heights = [ms for curve in curves.values() for _, ms in curve if ms > 0] + [
        ms for _, _, _, ms in limits if ms > 0
    ]
    low = max(min(heights, default=1.0), FASTEST_MS)
    frame = over_shares(
        x,
        [(each, _percent(each)) for each in share_ticks(count)] + [(1.0, "max")],
        low * 0.8,
        max(max(heights, default=1.0), low) * 1.4,
    )
    children = list(frame.under)
    for kind, curve in curves.items():
        children += _curve(frame, kind, curve)
    children += [each for limit in limits for each in _limit(frame, limit)]
    at = [*sorted({*share_ticks(count), 0.75, 0.95} - {0.0}), 1.0]
    rows = [(_percent(each), *(_ms_at(curve, each) for curve in curves.values())) for each in at]
    about = " ".join(f"{kind}: median {row[0]} ms, longest {row[1]} ms." for kind, row in _ends(rows))
    name = "latency"
    return Plot(
        name,
        "How long answers took",
        about,
        picture(name, "Latency by percentile", about, children),
        ("percentile", *(f"{kind} (ms)" for kind in KINDS)),
        rows,
    )


def percentiles(document: Document) -> list[tuple[str, list[float | None]]]:
    """Return the rows of the table of latencies: the name of a latency, and its percentiles in ms."""
    kinds = {"response": "response_ms", "service": "service_ms", "sent late": "late_ms"}
    rows = []
    for name, key in kinds.items():
        values = mapping(document.result.get(key))
        rows.append((name, [number(values.get(each)) for each in PERCENTILES]))
    return rows


def _ends(rows: Sequence[Sequence[str]]) -> list[tuple[str, tuple[str, str]]]:
    return [(kind, (rows[0][n], rows[-1][n])) for n, kind in enumerate(KINDS, start=1)]


def _count(curve: Sequence[tuple[float, float]]) -> int:
    """Return how many values a curve has; for a histogram that follows from its last share below 1."""
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
    kept = [placed[0]]
    for each in placed[1:]:
        if each[0] - kept[-1][0] >= HALF or each == placed[-1]:
            kept.append(each)
    x, y = kept[-1]
    if kind == KINDS[0]:
        words = svg.label(x, y - 8, f"{kind}, longest {_short_ms(curve[-1][1])}", "remark", "end")
        return [svg.polyline(kept, "data"), dot(x, y), words]
    # There is room below a line that rises.
    at = min(kept, key=lambda each: abs(each[0] - frame.x(NAMED_AT)))
    return [svg.polyline(kept, "data second"), svg.label(at[0] + 4, at[1] + 18, kind, "remark")]


def _limits(document: Document) -> list[tuple[str, str, float, float]]:
    """Return the thresholds on latencies: kind, percentile, its share, and the limit in ms."""
    found = []
    for threshold in document.thresholds:
        match = LATENCY.fullmatch(threshold.name)
        most = re.search(r"\d+(?:\.\d+)?", threshold.limit)
        if match and most:
            found.append((match["kind"] or KINDS[0], match["at"], _share_of(match["at"]), float(most[0])))
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
    return "max" if share == 1 else f"{tick_text(round(share * 100, 6))} %"


def _short_ms(ms: float) -> str:
    return f"{tick_text(round(ms, 1 if ms < 1000 else 0))} ms"
