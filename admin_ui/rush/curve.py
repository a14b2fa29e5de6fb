"""The curve of a run: its figures over time, so that a page that is opened in the middle shows the beginning too.

Pure. At most MOST_POINTS are kept: beyond them every second one is dropped, and from then on every second one is taken.
"""

from typing import Any

from loadtest.events import ProgressEvent

MOST_POINTS = 600
FIELDS = (
    "elapsed_s",
    "load_kw",
    "base_load_kw",
    "capacity_kw",
    "sent",
    "admitted",
    "refused",
    "waiting",
    "failed",
    "p50_ms",
    "p95_ms",
)


def loads(event: ProgressEvent) -> dict[str, float]:
    """Return the load of the cars, the base load and the limit of all substations that answered, in kW."""
    return {
        name: round(sum(getattr(each, name) for each in event.substations), 1)
        for name in ("load_kw", "base_load_kw", "capacity_kw")
    }


class RunCurve:
    """The points of one run."""

    def __init__(self) -> None:
        self._points: list[list[float | None]] = []
        self._every = 1
        self._seen = 0

    def take(self, event: ProgressEvent) -> None:
        """Take a line of progress."""
        if self._seen % self._every == 0:
            fields = loads(event)
            self._points.append([fields[name] if name in fields else getattr(event, name) for name in FIELDS])
        self._seen += 1
        if len(self._points) > MOST_POINTS:
            self._points = self._points[::2]
            self._every *= 2

    def shown(self) -> dict[str, Any]:
        """Return the names of the figures, and the points, oldest first."""
        return {"fields": FIELDS, "points": self._points}
