"""Puts panels into rows on Grafana's 24 columns, and makes a dashboard of them."""

import dataclasses

from monitoring.grafana.panels import COLUMNS, SOURCE, Json, Panel, link

SCHEMA_VERSION = 37  # of Grafana 9.4; later releases migrate it when they load it
DATA_SOURCE_UID = "smartgrid-prometheus"
RUSH_HOUR = "max(smartgrid_rushhour_active{at}) == 1"  # `at`: an offset
TO_CONSOLE = link("Show in the console", "${console}/?substation=${__field.labels.substation}")
ROW_TO_CONSOLE = link("Show in the console", "${console}/?substation=${__data.fields.substation}")
WHY = link("Why cars were sent where", "${console}/decisions")


@dataclasses.dataclass(frozen=True)
class Line:
    """Panels side by side: (columns, panel), all of one height in grid units of 30 px and a gap."""

    height: int
    panels: tuple[tuple[int, Panel], ...]


@dataclasses.dataclass(frozen=True)
class Section:
    """A titled row, and the lines below it."""

    title: str
    lines: tuple[Line, ...]


@dataclasses.dataclass(frozen=True)
class Variable:
    """A choice at the top of a dashboard: the values of a label, all of them by default."""

    name: str
    label: str
    description: str
    query: str

    def json(self) -> Json:
        """Return it as the dashboard holds it."""
        return {
            "type": "query",
            "name": self.name,
            "label": self.label,
            "description": self.description,
            "datasource": SOURCE,
            "query": {"query": self.query, "refId": "Variable"},
            "definition": self.query,
            "refresh": 2,  # when the time range changes, so that a new substation appears
            "sort": 7,  # natural order: 10 follows 9
            "multi": True,
            "includeAll": True,
            "allValue": ".+",
            "current": {"selected": True, "text": ["All"], "value": ["$__all"]},
            "options": [],
            "regex": "",
            "hide": 0,
            "skipUrlSync": False,
        }


def place(sections: tuple[Section, ...]) -> list[Json]:
    """Return the panels of all sections, each with its number and its place.

    Raises ValueError when a line is wider than the grid.
    """
    made: list[Json] = []
    y = 0
    for section in sections:
        made.append(_row(len(made) + 1, section.title, y))
        y += 1
        for line in section.lines:
            if sum(width for width, _ in line.panels) > COLUMNS:
                raise ValueError(f"{section.title}: a line is wider than {COLUMNS} columns")
            x = 0
            for width, panel in line.panels:
                made.append(panel.json(len(made) + 1, {"x": x, "y": y, "w": width, "h": line.height}))
                x += width
            y += line.height
    return made


def _row(number: int, title: str, y: int) -> Json:
    return {
        "id": number,
        "type": "row",
        "title": title,
        "collapsed": False,
        "panels": [],
        "gridPos": {"x": 0, "y": y, "w": COLUMNS, "h": 1},
    }


def dashboard(
    uid: str, title: str, description: str, variables: tuple[Variable, ...], sections: tuple[Section, ...]
) -> Json:
    """Return a whole dashboard; `uid` is part of its address and never changes."""
    return {
        "uid": uid,
        "title": title,
        "description": description,
        "tags": ["smartgrid"],
        "schemaVersion": SCHEMA_VERSION,
        "version": 1,
        "editable": False,
        "graphTooltip": 1,  # one crosshair through all charts
        "time": {"from": "now-5m", "to": "now"},
        "timepicker": {"refresh_intervals": ["1s", "5s", "10s", "30s", "1m"]},
        "timezone": "browser",
        "refresh": "5s",
        "fiscalYearStartMonth": 0,
        "weekStart": "",
        "liveNow": False,
        "links": [_other_dashboards(), _console()],
        "annotations": {"list": [_rush_hours(), _restarts()]},
        "templating": {"list": [_data_source(), *(one.json() for one in variables), _console_address()]},
        "panels": place(sections),
    }


def _data_source() -> Json:
    return {
        "type": "datasource",
        "name": "datasource",
        "label": "Data source",
        "description": "The Prometheus that scrapes this grid",
        "query": "prometheus",
        "current": {"selected": True, "text": "Smart grid", "value": DATA_SOURCE_UID},
        "refresh": 1,
        "multi": False,
        "includeAll": False,
        "options": [],
        "regex": "",
        "hide": 0,
        "skipUrlSync": False,
    }


def _console_address() -> Json:
    address = "http://127.0.0.1:8080"
    return {
        "type": "textbox",
        "name": "console",
        "label": "Console",
        "description": "Where the operator's console is, for the links to it",
        "query": address,
        "current": {"selected": True, "text": address, "value": address},
        "options": [{"selected": True, "text": address, "value": address}],
        "hide": 0,
        "skipUrlSync": False,
    }


def _annotation(name: str, expr: str, colour: str, text: str) -> Json:
    return {
        "name": name,
        "datasource": SOURCE,
        "enable": True,
        "hide": False,
        "iconColor": colour,
        "expr": expr,
        "step": "1s",
        "titleFormat": name,
        "textFormat": text,
        "tagKeys": "substation",
        "useValueForTime": False,
    }


def _rush_hours() -> Json:
    return _annotation("Rush hour", RUSH_HOUR.format(at=""), "blue", "A run holds the rush hour")


def _restarts() -> Json:
    """A start however long the substation was away: its epoch is not the one that was scraped last before."""
    epoch = "smartgrid_substation_report_epoch"
    before = f"last_over_time({epoch}[1h] offset 1s)"
    expr = f"max by (substation) ({epoch}) != max by (substation) ({before})"
    return _annotation("Restart", expr, "orange", "{{substation}} started again")


def _other_dashboards() -> Json:
    return {
        "type": "dashboards",
        "title": "Other dashboards",
        "tags": ["smartgrid"],
        "asDropdown": False,
        "icon": "external link",
        "includeVars": True,
        "keepTime": True,
        "targetBlank": False,
        "tooltip": "",
        "url": "",
    }


def _console() -> Json:
    return {
        "type": "link",
        "title": "Console",
        "url": "${console}/",
        "tags": [],
        "asDropdown": False,
        "icon": "external link",
        "includeVars": False,
        "keepTime": False,
        "targetBlank": True,
        "tooltip": "The operator's console",
    }
