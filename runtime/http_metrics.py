"""Rate, errors and duration of HTTP requests, by the class of the handler that answered.

Labels are closed sets: the handlers of the routes, and the first digit of the status. The path is no label, because
it may contain a session id.
"""

from collections.abc import Iterator
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram
from tornado.routing import RuleRouter
from tornado.web import Application, RequestHandler

from runtime.access_log import Answered, handler_name

BUCKETS_S = (0.005, 0.01, 0.015, 0.025, 0.1, 0.25, 1.0, 5.0)  # 0.25: what an admission may take
STATUSES = (1, 2, 3, 4, 5)  # the first digits; 1: a WebSocket was opened
OTHER = "other"  # Tornado's own, for what it can't route


class HttpMetrics:
    """The metrics of the requests of one application; every series exists from the start."""

    def __init__(self, registry: CollectorRegistry, app: Application) -> None:
        """Count from now on what `app` answers."""
        requests = Counter(
            "smartgrid_http_requests",
            "HTTP requests that were answered, by handler and status",
            ["handler", "status"],
            registry=registry,
        )
        seconds = Histogram(
            "smartgrid_http_request_duration_seconds",
            "From the first line of a request to the end of its answer",
            ["handler"],
            buckets=BUCKETS_S,
            registry=registry,
        )
        # One object for each series, made once: to look it up by its labels costs more than to count.
        handlers = {*names(app), OTHER}
        self._seconds = {name: seconds.labels(name) for name in handlers}
        self._requests = {
            (name, first): requests.labels(name, f"{first}xx") for name in handlers for first in STATUSES
        }
        app.settings["log_function"] = self.answered

    def answered(self, handler: Answered) -> None:
        """Count a request; Tornado calls this at its end."""
        name = handler_name(handler)
        if name not in self._seconds:
            name = OTHER
        self._requests[name, handler.get_status() // 100].inc()
        self._seconds[name].observe(handler.request.request_time())


def names(app: Application) -> Iterator[str]:
    """Yield the names of the handler classes that `app` may answer with."""
    yield from _targets(app.wildcard_router)
    if fallback := app.settings.get("default_handler_class"):
        yield fallback.__name__


def _targets(router: RuleRouter) -> Iterator[str]:
    for rule in router.rules:
        target: Any = rule.target
        if isinstance(target, type) and issubclass(target, RequestHandler):
            yield target.__name__
