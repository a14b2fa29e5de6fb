"""Panels that show the value of one moment: a figure, a dial, bars, a table.

Every query is instant. The last value of a range query would stay after the value is gone, for example the time to a
limit after the load fell, or the load of a lost substation.
"""

import dataclasses
from typing import Any

from monitoring.grafana.panels import NO_LIMIT, Json, Limits, Panel, Query

COLUMN_PX = 95  # minimum width of a column; with Grafana's own minimum of 150, the last columns are hidden


def stat(title: str, description: str, unit: str, query: Query, limits: Limits, **more: Any) -> Panel:
    """Return one large figure."""
    options = {
        **_reduced(),
        "colorMode": "value",
        "graphMode": "none",
        "justifyMode": "center",
        "orientation": "auto",
        "textMode": "value",
    }
    return Panel("stat", title, description, unit, (_now(query),), limits, options, **more)


def gauge(title: str, description: str, unit: str, query: Query, limits: Limits, **more: Any) -> Panel:
    """Return a dial from 0 to a tenth above the critical value."""
    options = {
        **_reduced(),
        "orientation": "auto",
        "showThresholdLabels": False,
        "showThresholdMarkers": True,
    }
    scale = {"min": 0, "max": round(1.1 * (limits.critical or 1), 6)}
    return Panel("gauge", title, description, unit, (_now(query),), limits, options, defaults=scale, **more)


def bars(title: str, description: str, unit: str, query: Query, **more: Any) -> Panel:
    """Return a bar for each substation, in the order of their names: Prometheus returns them in any order."""
    table = dataclasses.replace(_now(query), shape="table")
    return Panel(
        "bargauge",
        title,
        description,
        unit,
        (table,),
        NO_LIMIT,
        _horizontal(rows=True),
        defaults={"min": 0},
        transformations=(_organize({"Time": True}, ["substation", "Value"], {}), _sort("substation")),
        **more,
    )


def named_bars(title: str, description: str, unit: str, *queries: Query, **more: Any) -> Panel:
    """Return a bar for each query, in the order in which they are given."""
    instant = tuple(_now(query) for query in queries)
    return Panel(
        "bargauge",
        title,
        description,
        unit,
        instant,
        NO_LIMIT,
        _horizontal(rows=False),
        defaults={"min": 0},
        **more,
    )


def table(
    title: str, description: str, unit: str, columns: dict[str, Query], by: tuple[str, ...], **more: Any
) -> Panel:
    """Return a table with a row for each value of the labels `by` and a column for each query, sorted by the first.

    The order of the steps matters: rows are merged, columns are named and ordered, then rows are sorted.
    """
    queries = tuple(dataclasses.replace(_now(query), shape="table") for query in columns.values())
    names = {f"Value #{'ABCDEFGHIJ'[index]}": name for index, name in enumerate(columns)}
    steps = ({"id": "merge", "options": {}}, _organize({"Time": True}, [*by, *names], names), _sort(by[0]))
    options = {"showHeader": True, "footer": {"show": False, "reducer": ["sum"]}}
    return Panel(
        "table",
        title,
        description,
        unit,
        queries,
        options=options,
        custom={"align": "auto", "minWidth": COLUMN_PX},
        transformations=steps,
        **more,
    )


def _now(query: Query) -> Query:
    return dataclasses.replace(query, instant=True)


def _reduced(*, rows: bool = False) -> Json:
    return {"reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": rows}}


def _horizontal(*, rows: bool) -> Json:
    return {**_reduced(rows=rows), "displayMode": "basic", "orientation": "horizontal", "showUnfilled": True}


def _organize(hidden: dict[str, bool], order: list[str], names: dict[str, str]) -> Json:
    places = {name: index for index, name in enumerate([*hidden, *order])}
    return {
        "id": "organize",
        "options": {"excludeByName": hidden, "indexByName": places, "renameByName": names},
    }


def _sort(by: str) -> Json:
    return {"id": "sortBy", "options": {"fields": {}, "sort": [{"field": by, "desc": False}]}}
