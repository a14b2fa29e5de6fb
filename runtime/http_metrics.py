"""Rate, errors and duration of HTTP requests, by the class of the handler that answered.

Labels are closed sets: the handlers of the routes, and the first digit of the status. The path is no label, because
it may contain a session id.
"""

from collections.abc import Iterator
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram
from tornado.routing import RuleRouter
from tornado.web import Application, RequestHandler

BUCKETS_S = (0.005, 0.01, 0.015, 0.025, 0.1, 0.25, 1.0, 5.0)  # 0.25: what an admission may take
STATUSES = ("1xx", "2xx", "3xx", "4xx", "5xx")  # 1xx: a WebSocket was opened
OTHER = "other"  # Tornado's own, for what it can't route


class HttpMetrics:
    """The metrics of the requests of one application; every series exists from the start."""

    def __init__(self, registry: CollectorRegistry, app: Application) -> None:
        """Count from now on what `app` answers."""
        self._requests = Counter(
            "smartgrid_http_requests",
            "HTTP requests that were answered, by handler and status",
            ["handler", "status"],
            registry=registry,
        )
        self._seconds = Histogram(
            "smartgrid_http_request_duration_seconds",
            "From the first line of a request to the end of its answer",
            ["handler"],
            buckets=BUCKETS_S,
            registry=registry,
        )
        self._handlers = {*names(app), OTHER}
        for handler in self._handlers:
            self._seconds.labels(handler)
            for status in STATUSES:
                self._requests.labels(handler, status)
        app.settings["log_function"] = self.answered

    def answered(self, handler: RequestHandler) -> None:
        """Count a request; Tornado calls this at its end."""
        name = type(handler).__name__
        known = name if name in self._handlers else OTHER
        self._requests.labels(known, f"{handler.get_status() // 100}xx").inc()
        self._seconds.labels(known).observe(handler.request.request_time())


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
