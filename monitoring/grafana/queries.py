"""Collects every query that Grafana would send (panels, variables, annotations), and runs them.

`python -m monitoring.grafana.queries http://127.0.0.1:9090` prints how many series each returns.
"""

import argparse
import dataclasses
import json
import re
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
DASHBOARDS = ("dashboard.json", "services.json")
LABEL_VALUES = re.compile(r"label_values\((?P<match>.+),\s*(?P<label>\w+)\)")
STEP_S = 1  # the scrape's: the finest that Grafana asks for
RATE_INTERVAL_S = 4  # Grafana takes four scrapes
ANSWER_S = 30.0


@dataclasses.dataclass(frozen=True)
class FileQuery:
    """One query as it stands in a file."""

    where: str
    kind: str
    expr: str
    instant: bool = False


def file_queries() -> Iterator[FileQuery]:
    """Yield every query of every file."""
    for name in DASHBOARDS:
        yield from _of_a_dashboard(name, json.loads((FOLDER / name).read_text(encoding="utf-8")))


def _of_a_dashboard(name: str, held: dict[str, Any]) -> Iterator[FileQuery]:
    for panel in held["panels"]:
        for target in panel.get("targets", []):
            where = f"{name}: {panel['title']} {target['refId']}"
            yield FileQuery(where, "panel", target["expr"], instant=target["instant"])
    for variable in held["templating"]["list"]:
        if variable["type"] == "query":
            yield FileQuery(f"{name}: ${variable['name']}", "variable", variable["query"]["query"])
    for annotation in held["annotations"]["list"]:
        yield FileQuery(f"{name}: {annotation['name']}", "annotation", annotation["expr"])


def interpolated(expr: str, range_s: int, chosen: dict[str, str]) -> str:
    """Return `expr` as Grafana sends it; `chosen` are the variables' values, all of them by default.

    Raises ValueError when a variable is unknown; the message names it.
    """
    values = {
        "__rate_interval": f"{RATE_INTERVAL_S}s",
        "__interval": f"{STEP_S}s",
        "__range": f"{range_s}s",
        "substation": ".+",
        "job": ".+",
        "instance": ".+",
    } | chosen
    for name, value in values.items():
        expr = re.sub(rf"\${name}\b|\${{{name}}}", lambda _, value=value: value, expr)  # type: ignore[misc]
    if "$" in expr:
        raise ValueError(f"a variable that nobody knows: {expr}")
    return expr


class QueryError(Exception):
    """Prometheus refused a query; the message is its own."""


@dataclasses.dataclass(frozen=True)
class Prometheus:
    """A Prometheus at an address, over one range of time in unix seconds."""

    base: str
    start: float
    end: float

    def rows(self, query: FileQuery, chosen: dict[str, str] | None = None) -> int:
        """Return how many series, or values of a variable, a query has; raises QueryError."""
        expr = interpolated(query.expr, max(1, round(self.end - self.start)), chosen or {})
        if query.kind == "variable":
            return len(self._label_values(expr))
        if query.instant:
            found = self._get("query", query=expr, time=self.end)["result"]
        else:
            found = self._get("query_range", query=expr, start=self.start, end=self.end, step=STEP_S)[
                "result"
            ]
        return len(found)

    def _label_values(self, expr: str) -> list[str]:
        parts = LABEL_VALUES.fullmatch(expr)
        if not parts:
            raise QueryError(f"not understood: {expr}")
        values: list[str] = self._get(
            f"label/{parts['label']}/values", start=self.start, end=self.end, **{"match[]": parts["match"]}
        )
        return values

    def _get(self, path: str, **parameters: Any) -> Any:
        url = f"{self.base}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        try:
            with urllib.request.urlopen(url, timeout=ANSWER_S) as answer:  # noqa: S310 - the caller's own Prometheus
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            with error:
                raise QueryError(json.load(error)["error"]) from error


def report(prometheus: Prometheus) -> tuple[str, bool]:
    """Return a line for each query with its number of rows, and whether none failed."""
    lines, good = [" rows  kind        query"], True
    for query in file_queries():
        try:
            rows = f"{prometheus.rows(query):5d}"
        except QueryError as error:
            rows, good = f"error: {error}", False
        lines.append(f"{rows}  {query.kind:10}  {query.where}")
    return "\n".join(lines), good


def main(arguments: list[str]) -> int:
    """Return the exit code: 1 when a query failed."""
    parser = argparse.ArgumentParser(prog="python -m monitoring.grafana.queries", description=__doc__)
    parser.add_argument("prometheus", help="its address, as in http://127.0.0.1:9090")
    parser.add_argument("--minutes", type=float, default=5.0, help="how far to look back (5)")
    chosen = parser.parse_args(arguments)
    end = time.time()
    text, good = report(Prometheus(chosen.prometheus.rstrip("/"), end - 60 * chosen.minutes, end))
    sys.stdout.write(text + "\n")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
