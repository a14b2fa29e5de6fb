"""One line for each HTTP request that was answered: who answered, how, how long it took, whose it is.

Neither address, path, query nor client: they hold vehicles and sessions, and people. What a handler
puts into `noted` is added.
"""

import logging
from collections.abc import Callable
from typing import Any

from tornado.web import RequestHandler

log = logging.getLogger(__name__)

# Asked every second by machines: of interest only when they fail.
MACHINES = frozenset({"LiveHandler", "ReadyHandler", "MetricsHandler"})
FAILED = 500
GOOD = 400


def also(counted: Callable[[RequestHandler], None] | None) -> Callable[[RequestHandler], None]:
    """Return a `log_function` for Tornado that has a request `counted`, and writes its line."""

    def answered(handler: RequestHandler) -> None:
        if counted:
            counted(handler)
        write(handler)

    return answered


def write(handler: RequestHandler) -> None:
    """Write the line; at `error` for a fault of ours, at `debug` for what machines ask all the time."""
    name, status = type(handler).__name__, handler.get_status()
    level = logging.ERROR if status == FAILED else logging.INFO
    if name in MACHINES and status < GOOD:
        level = logging.DEBUG
    if not log.isEnabledFor(level):
        return
    told: dict[str, Any] = {
        "handler": name,
        "method": handler.request.method,
        "status": status,
        "duration_ms": round(1000 * handler.request.request_time(), 3),
    }
    if whose := getattr(handler, "trace", None):
        told |= {"trace_id": whose.trace_id, "request_id": whose.request_id}
    told |= getattr(handler, "noted", {})
    log.log(level, "%s answered %d", name, status, extra=told)
