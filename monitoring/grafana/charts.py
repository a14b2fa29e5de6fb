"""Panels that show a range of time: lines, areas, a heat map, bands of states."""

import dataclasses
from typing import Any

from monitoring.grafana.panels import NO_LIMIT, NORMAL, Json, Limits, Panel, Query

NOTHING_YET = "nothing yet"


@dataclasses.dataclass(frozen=True)
class Axis:
    """The values of a chart's axis, in the panel's unit: at least from `least` to `top`, and farther if values are.

    `top` has no default: Grafana draws a chart of zeros on an axis up to 100, which is 10,000 % for a share. A
    limit that is drawn must be between the two. `fixed` fixes both ends; `log` is for values that span decades.
    """

    top: float
    least: float = 0
    fixed: bool = False
    log: bool = False


def lines(
    title: str,
    description: str,
    unit: str,
    *queries: Query,
    axis: Axis,
    limits: Limits = NO_LIMIT,
    stacked: bool = False,
    **more: Any,
) -> Panel:
    """Return a chart over time. Stacked areas have no lines: Grafana would draw a line on top for a series of zeros."""
    custom: Json = {
        "drawStyle": "line",
        "lineInterpolation": "linear",
        "lineWidth": 0 if stacked else 2,
        "fillOpacity": 60 if stacked else 0,
        "showPoints": "never",
        "spanNulls": False,
        "stacking": {"mode": "normal" if stacked else "none", "group": "A"},
        "axisSoftMin": axis.least,
        "axisSoftMax": axis.top,
        "scaleDistribution": {"type": "log", "log": 10} if axis.log else {"type": "linear"},
    }
    options: Json = {
        "legend": {"showLegend": True, "displayMode": "list", "placement": "bottom", "calcs": []},
        "tooltip": {"mode": "multi", "sort": "desc"},
    }
    ends = {"min": axis.least, "max": axis.top} if axis.fixed else {}
    more = {"empty": NOTHING_YET} | more
    return Panel("timeseries", title, description, unit, queries, limits, options, custom, ends, **more)


def with_figures(panel: Panel) -> Panel:
    """Return a chart whose legend has the last and the highest value of each line."""
    legend = panel.options["legend"] | {"calcs": ["last", "max"]}
    return dataclasses.replace(panel, options=panel.options | {"legend": legend})


def heatmap(title: str, description: str, unit: str, query: Query) -> Panel:
    """Return how many a second fell into each bucket of a histogram."""
    options: Json = {
        "calculate": False,
        "cellGap": 1,
        "cellValues": {"unit": "reqps"},
        "color": {
            "mode": "scheme",
            "scheme": "Blues",
            "steps": 64,
            "reverse": False,
            "exponent": 0.5,
            "fill": "blue",
        },
        "exemplars": {"color": "rgba(255,0,255,0.7)"},
        "filterValues": {"le": 1e-9},
        "legend": {"show": True},
        "rowsFrame": {"layout": "auto"},
        "tooltip": {"show": True, "yHistogram": False},
        "yAxis": {"axisPlacement": "left", "reverse": False, "unit": unit},
    }
    return Panel("heatmap", title, description, unit, (query,), options=options, empty=NOTHING_YET)


def timeline(
    title: str, description: str, *queries: Query, states: dict[int, tuple[str, str]], **more: Any
) -> Panel:
    """Return a band for each series; `states` gives each value its word and its colour.

    The colour mode is `fixed`: with `thresholds`, Grafana merges bands by threshold and shows the thresholds instead of the words.
    """
    options = {
        "alignValue": "left",
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
        "mergeValues": True,
        "rowHeight": 0.8,
        "showValue": "auto",
        "tooltip": {"mode": "single", "sort": "none"},
    }
    mapping = {
        "type": "value",
        "options": {
            str(value): {"text": word, "color": colour, "index": index}
            for index, (value, (word, colour)) in enumerate(states.items())
        },
    }
    return Panel(
        "state-timeline",
        title,
        description,
        "none",
        queries,
        options=options,
        custom={"fillOpacity": 80, "lineWidth": 0},
        defaults={"mappings": [mapping], "color": {"mode": "fixed", "fixedColor": NORMAL}},
        empty=NOTHING_YET,
        **more,
    )
