"""How the fleet empties after the last arrival.

Pure. The substations reserve the power that a car may draw. A battery that is nearly full draws less, so the power
drawn is below the power reserved.
"""

import dataclasses
from collections.abc import Sequence

from markupsafe import Markup

from loadtest.paper import svg
from loadtest.paper.axes import tick_text
from loadtest.paper.document import Document
from loadtest.paper.evidence import NEARLY_EMPTY, FleetReading
from loadtest.paper.frame import Plot, bracket, line_across, over_time, picture

HALF = 0.5
ROWS = 24


@dataclasses.dataclass(frozen=True, slots=True)
class Emptying:
    """When the fleet had half its load and when it was nearly empty, in seconds after the last arrival.

    None where the readings end before. `load_kw` is the load at the last arrival.
    """

    load_kw: float
    half_after_s: float | None
    empty_after_s: float | None


def emptying(document: Document, fleet: Sequence[FleetReading]) -> Emptying | None:
    """Return how the fleet emptied; None when it was not read after the last arrival."""
    last_s = document.window_s or 0.0
    after = [each for each in fleet if each.at_s >= last_s]
    if not after[1:]:
        return None
    load_kw = after[0].load_kw

    def below(limit_kw: float) -> float | None:
        return next((each.at_s - last_s for each in after if each.load_kw < limit_kw), None)

    return Emptying(load_kw, below(HALF * load_kw), below(NEARLY_EMPTY * after[0].capacity_kw))


def plot(document: Document, fleet: Sequence[FleetReading]) -> Plot:
    """Return the power that the fleet reserves and the cars draw, from the first arrival until it is empty."""
    until_s = max([1.0, *(each.at_s for each in fleet)])
    limit_kw = max((each.capacity_kw for each in fleet), default=1.0)
    frame = over_time(until_s, limit_kw, "kW")
    lines = {
        "data": [(frame.x(each.at_s), frame.y(each.load_kw)) for each in fleet],
        "data second": [(frame.x(each.at_s), frame.y(each.draw_kw)) for each in fleet],
    }
    names = {"reserved": (0.86, "remark", "start"), "drawn": (0.4, "remark", "end")}
    children = [
        *frame.under,
        *bracket(frame, document.window_s),
        *line_across(frame, limit_kw, f"limit of the fleet {tick_text(round(limit_kw))} kW"),
        *(svg.polyline(points, kind) for kind, points in lines.items()),
    ]
    for (words, (share, kind, anchor)), points in zip(names.items(), lines.values(), strict=True):
        children.append(_name_at_fall(points, share, words, kind, anchor))
    thin = fleet[:: max(len(fleet) // ROWS, 1)]
    rows = [(f"{e.at_s:.0f}", f"{e.load_kw:,.0f}", f"{e.draw_kw:,.0f}") for e in thin]
    peak = max((each.load_kw for each in fleet), default=0.0)
    about = f"Highest reserved power {peak:,.0f} kW. The solid line is reserved power, the dotted line drawn power."
    return Plot(
        "emptying",
        "Power until the last car has left",
        about,
        picture("emptying", "Power of the fleet until it is empty", about, children),
        ("second", "reserved (kW)", "drawn (kW)"),
        rows,
    )


def _name_at_fall(
    points: Sequence[tuple[float, float]], share: float, words: str, kind: str, anchor: str
) -> Markup:
    """Return the name of a line beside its falling part, where the height is `share` of the peak."""
    if not points:
        return svg.label(0.0, 0.0, "", kind)
    base, top = max(y for _, y in points), min(y for _, y in points)
    peak = next(n for n, (_, y) in enumerate(points) if y == top)
    limit = base - share * (base - top)
    x, y = next(((x, y) for x, y in points[peak:] if y >= limit), points[-1])
    return svg.label(x + (6 if anchor == "start" else -14), y, words, kind, anchor)
