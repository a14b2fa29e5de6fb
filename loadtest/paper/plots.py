"""The plots of the fleet: the utilization of all substations in one frame, and their balance.

Pure. Where several substations share a frame they have colours of their own, and dashes, so that they can be told apart.
"""

import re
from collections.abc import Sequence

from markupsafe import Markup

from loadtest.paper import series, svg
from loadtest.paper.axes import tick_text
from loadtest.paper.document import Document
from loadtest.paper.frame import LEFT, TOP, Plot, line_across, picture
from loadtest.paper.over_time import described, highest, marks, over_time, placed, table

RATIO = ("max/mean utilization", "max_mean")  # the names of its threshold
RATIO_ROOM = 1.1  # the least top of an axis of ratios, so that noise does not fill the plot
KINDS = 6  # lines that can be told apart, by the classes kind-0 to kind-5
NAMES_Y, NAME_HEIGHT = TOP + 26, 13.0


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
    frame = over_time(document, until_s, max([100.0, *map(highest, percent.values())]), "% of limit")
    steps = [
        svg.steps(placed(frame, line), f"data thin {_kind(n)}") for n, line in enumerate(percent.values())
    ]
    children = [
        *frame.under,
        *marks(frame, document),
        *line_across(frame, 100.0, "limit"),
        *_names(list(percent)),
        *steps,
    ]
    about = " ".join(f"{each}: {described(document, line, '%')}" for each, line in percent.items())
    return Plot(
        name,
        title,
        about,
        picture(name, f"Utilization of all substations: {title}", about, children),
        *table(document, {f"{each} (%)": line for each, line in percent.items()}, until_s),
    )


def _percent(document: Document, substation_id: str, until_s: float) -> list[tuple[float, float | None]]:
    """Return the utilization of a substation in percent, up to `until_s`."""
    line = series.utilization(document, substation_id)
    return [(at, None if share is None else 100 * share) for at, share in line if at <= until_s]


def balance(document: Document) -> Plot:
    """Return max/mean utilization over time, with the highest average that passes."""
    until_s = series.ends_s(document)
    ratios, most = series.ratio(document), limit_of(document, RATIO)
    frame = over_time(document, until_s, max(RATIO_ROOM, most or 1.0, highest(ratios)), "max / mean", low=1.0)
    children = [
        *frame.under,
        *marks(frame, document),
        svg.steps(placed(frame, ratios), "data"),
    ]
    if most is not None:
        children += line_across(frame, most, f"limit of the average {tick_text(most)}")
    about = (
        "The utilization of the fullest substation over the mean of all that took cars, while the fleet is above half its"
        " peak. "
    )
    about += described(document, ratios, "", ".3f")
    name = "balance"
    return Plot(
        name,
        "Fullest substation over the mean",
        about,
        picture(name, "Max/mean utilization", about, children),
        *table(document, {"highest max/mean": ratios}, until_s, ".4f"),
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
