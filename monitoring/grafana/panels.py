"""The building blocks of dashboards, and the classic JSON that each one becomes.

Only what Grafana 9.4 knows is written. Later releases migrate it when they load it.

A panel can't be made without a title, a description, a unit and thresholds. What it says when there is no
value is a mapping and not only `noValue`: Grafana shows a `noValue` in the colour of the lowest threshold,
which is red where low values are bad.
"""

import dataclasses
from typing import Any

Json = dict[str, Any]

SOURCE: Json = {"type": "prometheus", "uid": "${datasource}"}
NORMAL, WARN, CRITICAL = "text", "orange", "red"  # grey is normal; colour means that something is wrong
LINE = "#8e8e8e"  # of a limit in a chart: grey, because it is always there
COLUMNS = 24
NO_DATA = "no data"
FIGURES = {"stat", "gauge", "bargauge", "table"}  # show the value of one moment


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
            return [_step(None, NORMAL), *(_step(value, colour) for value, colour in rising)]
        downwards = sorted(rising, key=lambda pair: pair[0])
        colours = [colour for _, colour in downwards] + [NORMAL]
        return [
            _step(*pair) for pair in zip([None, *(value for value, _ in downwards)], colours, strict=True)
        ]

    def drawn(self) -> list[Json]:
        """Return the steps as a chart draws them: lines at the limits, none in the colour of an alarm."""
        return [step | {"color": LINE} for step in self.steps()]


def _step(value: float | None, colour: str) -> Json:
    return {"color": colour, "value": value}


NO_LIMIT = Limits()


@dataclasses.dataclass(frozen=True)
class Panel:
    """One panel. `options` and `custom` are the panel type's own; `overrides` are by the field's name.

    `empty` is the text when there is no value.
    """

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
    empty: str = NO_DATA

    def json(self, number: int, place: Json) -> Json:
        """Return the panel as the dashboard holds it; `place` is its gridPos."""
        made: Json = {
            "id": number,
            "type": self.kind,
            "title": self.title,
            "description": self.description,
            "datasource": SOURCE,
            "gridPos": place,
            "targets": [_target(query, index) for index, query in enumerate(self.queries)],
            "fieldConfig": {"defaults": self._defaults(), "overrides": list(self.overrides)},
            "options": self.options,
            "transparent": False,
        }
        if self.transformations:
            made["transformations"] = list(self.transformations)
        if self.repeat:
            made |= {"repeat": self.repeat, "repeatDirection": "h", "maxPerRow": 3}
        return made

    def _defaults(self) -> Json:
        chart = self.kind == "timeseries"
        drawn = {"thresholdsStyle": {"mode": "line"}} if self.limits.lines else {}
        return {
            "unit": self.unit,
            "color": {"mode": "palette-classic" if chart else "thresholds"},
            "thresholds": {
                "mode": "absolute",
                "steps": self.limits.drawn() if chart else self.limits.steps(),
            },
            "mappings": [nothing(self.empty)] if self.kind in FIGURES else [],
            "links": list(self.links),
            "noValue": self.empty,
            "custom": self.custom | drawn,
            **self.defaults,
        }


def nothing(text: str) -> Json:
    """Return the mapping that shows a text for a missing value, in the normal colour."""
    result = {"text": text, "color": NORMAL, "index": 0}
    return {"type": "special", "options": {"match": "null+nan", "result": result}}


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


def field(name: str, **properties: Any) -> Json:
    """Return an override of the fields of this name; `custom__x` means `custom.x`."""
    return {
        "matcher": {"id": "byName", "options": name},
        "properties": [{"id": key.replace("__", "."), "value": value} for key, value in properties.items()],
    }


def fields(pattern: str, **properties: Any) -> Json:
    """Return an override of the fields whose name matches a regular expression."""
    return field(pattern, **properties) | {"matcher": {"id": "byRegexp", "options": f"/{pattern}/"}}


def link(title: str, url: str) -> Json:
    """Return a link that opens in a new tab."""
    return {"title": title, "url": url, "targetBlank": True}
