"""The words that dashboards are described with, and the classic JSON that each becomes.

Only what Grafana 9.4 knows is written. Later releases migrate it when they load it.

A panel can't be made without a title, a description, a unit and thresholds.
"""

import dataclasses
from typing import Any

Json = dict[str, Any]

SOURCE: Json = {"type": "prometheus", "uid": "${datasource}"}
FLEET_LINE, WARN, CRITICAL = "text", "orange", "red"  # grey is normal: colour means that something is not
COLUMNS = 24
NO_DATA = "nothing yet"


@dataclasses.dataclass(frozen=True)
class Query:
    """One PromQL expression. `shape` is Grafana's format: time_series, table or heatmap."""

    expr: str
    legend: str = ""
    instant: bool = False
    shape: str = "time_series"


@dataclasses.dataclass(frozen=True)
class Limits:
    """From which value on a reading is a warning, and critical; in the panel's unit. None: never.

    `falling` limits are passed from above: a headroom is bad when it is low. `lines` draws them.
    """

    warn: float | None = None
    critical: float | None = None
    falling: bool = False
    lines: bool = False

    def steps(self) -> list[Json]:
        """Return Grafana's steps: each colour holds from its value up to the next one."""
        given = [(self.warn, WARN), (self.critical, CRITICAL)]
        rising = [(value, colour) for value, colour in given if value is not None]
        if not self.falling:
            return [_step(None, FLEET_LINE), *(_step(value, colour) for value, colour in rising)]
        downwards = sorted(rising, key=lambda pair: pair[0])
        colours = [colour for _, colour in downwards] + [FLEET_LINE]
        return [
            _step(*pair) for pair in zip([None, *(value for value, _ in downwards)], colours, strict=True)
        ]


def _step(value: float | None, colour: str) -> Json:
    return {"color": colour, "value": value}


NO_LIMIT = Limits()


@dataclasses.dataclass(frozen=True)
class Panel:
    """One panel. `options` and `custom` are the panel type's own; `overrides` are by the field's name."""

    kind: str
    title: str
    description: str
    unit: str
    queries: tuple[Query, ...]
    limits: Limits = NO_LIMIT
    options: Json = dataclasses.field(default_factory=dict)
    custom: Json = dataclasses.field(default_factory=dict)
    defaults: Json = dataclasses.field(default_factory=dict)
    overrides: tuple[Json, ...] = ()
    transformations: tuple[Json, ...] = ()
    links: tuple[Json, ...] = ()
    repeat: str = ""

    def json(self, number: int, place: Json) -> Json:
        """Return the panel as the dashboard holds it; `place` is its gridPos."""
        custom = dict(self.custom)
        if self.limits.lines:
            custom["thresholdsStyle"] = {"mode": "line"}
        defaults: Json = {
            "unit": self.unit,
            "color": {"mode": "palette-classic" if self.kind == "timeseries" else "thresholds"},
            "thresholds": {"mode": "absolute", "steps": self.limits.steps()},
            "mappings": [],
            "links": list(self.links),
            "noValue": NO_DATA,
            "custom": custom,
            **self.defaults,
        }
        made: Json = {
            "id": number,
            "type": self.kind,
            "title": self.title,
            "description": self.description,
            "datasource": SOURCE,
            "gridPos": place,
            "targets": [_target(query, index) for index, query in enumerate(self.queries)],
            "fieldConfig": {"defaults": defaults, "overrides": list(self.overrides)},
            "options": self.options,
            "transparent": False,
        }
        if self.transformations:
            made["transformations"] = list(self.transformations)
        if self.repeat:
            made |= {"repeat": self.repeat, "repeatDirection": "h", "maxPerRow": 3}
        return made


def _target(query: Query, index: int) -> Json:
    return {
        "refId": "ABCDEFGHIJ"[index],
        "datasource": SOURCE,
        "editorMode": "code",
        "expr": query.expr,
        "legendFormat": query.legend or "__auto",
        "format": query.shape,
        "instant": query.instant,
        "range": not query.instant,
    }


def lines(
    title: str, description: str, unit: str, *queries: Query,
    limits: Limits = NO_LIMIT, stacked: bool = False, least: float | None = 0, **more: Any,
) -> Panel:  # fmt: skip
    """Return a chart over time; `least` is the lowest value of its axis."""
    custom: Json = {
        "drawStyle": "line",
        "lineInterpolation": "linear",
        "lineWidth": 2,
        "fillOpacity": 30 if stacked else 0,
        "showPoints": "never",
        "spanNulls": False,
        "stacking": {"mode": "normal" if stacked else "none", "group": "A"},
    }
    options: Json = {
        "legend": {"showLegend": True, "displayMode": "table", "placement": "bottom", "calcs": ["lastNotNull", "max"]},
        "tooltip": {"mode": "multi", "sort": "desc"},
    }  # fmt: skip
    defaults = {} if least is None else {"min": least}
    return Panel("timeseries", title, description, unit, queries, limits, options, custom, defaults, **more)


def stat(title: str, description: str, unit: str, query: Query, limits: Limits, **more: Any) -> Panel:
    """Return one large figure with its trend behind it."""
    options = {
        **_reduced(),
        "colorMode": "value",
        "graphMode": "area",
        "justifyMode": "center",
        "orientation": "auto",
        "textMode": "auto",
    }
    return Panel("stat", title, description, unit, (query,), limits, options, **more)


def gauge(title: str, description: str, unit: str, query: Query, limits: Limits, most: float) -> Panel:
    """Return a dial from 0 to `most`."""
    options = {
        **_reduced(),
        "orientation": "auto",
        "showThresholdLabels": False,
        "showThresholdMarkers": True,
    }
    return Panel(
        "gauge", title, description, unit, (query,), limits, options, defaults={"min": 0, "max": most}
    )


def bars(title: str, description: str, unit: str, query: Query, limits: Limits = NO_LIMIT) -> Panel:
    """Return one bar for each series, at its last value."""
    options = {**_reduced(), "displayMode": "basic", "orientation": "horizontal", "showUnfilled": True}
    return Panel("bargauge", title, description, unit, (query,), limits, options, defaults={"min": 0})


def _reduced() -> Json:
    return {"reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False}}


def heatmap(title: str, description: str, unit: str, query: Query) -> Panel:
    """Return how a histogram's buckets filled over time."""
    options: Json = {
        "calculate": False,
        "cellGap": 1,
        "color": {
            "mode": "scheme", "scheme": "Blues", "steps": 64, "reverse": False, "exponent": 0.5, "fill": "blue",
        },
        "exemplars": {"color": "rgba(255,0,255,0.7)"},
        "filterValues": {"le": 1e-9},
        "legend": {"show": True},
        "rowsFrame": {"layout": "auto"},
        "tooltip": {"show": True, "yHistogram": False},
        "yAxis": {"axisPlacement": "left", "reverse": False, "unit": unit},
    }  # fmt: skip
    return Panel("heatmap", title, description, unit, (query,), options=options)


def timeline(
    title: str, description: str, *queries: Query, states: dict[int, tuple[str, str]], **more: Any
) -> Panel:
    """Return a band for each series; `states` gives each value its word and its colour."""
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
        "state-timeline", title, description, "none", queries, options=options,
        custom={"fillOpacity": 80, "lineWidth": 0}, defaults={"mappings": [mapping]}, **more,
    )  # fmt: skip


def table(title: str, description: str, unit: str, columns: dict[str, Query], by: str, **more: Any) -> Panel:
    """Return a table with a row for each value of the label `by` and a column for each query."""
    queries = tuple(dataclasses.replace(query, instant=True, shape="table") for query in columns.values())
    names = {f"Value #{'ABCDEFGHIJ'[index]}": name for index, name in enumerate(columns)}
    organize = {
        "excludeByName": {"Time": True},
        "indexByName": {name: index for index, name in enumerate(["Time", by, *names])},
        "renameByName": names,
    }
    steps = ({"id": "merge", "options": {}}, {"id": "organize", "options": organize})
    options = {"showHeader": True, "footer": {"show": False, "reducer": ["sum"]}}
    return Panel(
        "table", title, description, unit, queries, options=options, custom={"align": "auto"},
        transformations=steps, **more,
    )  # fmt: skip


def field(name: str, **properties: Any) -> Json:
    """Return an override of the fields of this name; `custom__x` means `custom.x`."""
    return {
        "matcher": {"id": "byName", "options": name},
        "properties": [{"id": key.replace("__", "."), "value": value} for key, value in properties.items()],
    }


def link(title: str, url: str) -> Json:
    """Return a link that opens in a new tab."""
    return {"title": title, "url": url, "targetBlank": True}
