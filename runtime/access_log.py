"""Logs one line for each HTTP request: the handler, the status, the duration, the trace.

It leaves out the address, the path, the query and the client, because they name vehicles, sessions and people.
A handler adds fields with its attribute `noted`.
"""

import logging
from collections.abc import Callable
from typing import Any

from tornado.web import RequestHandler

from runtime import logs
from runtime.exchange import Exchange

Answered = RequestHandler | Exchange

log = logging.getLogger(__name__)

# Machines send these every second: they are of interest only when they fail.
MACHINES = frozenset({"LiveHandler", "ReadyHandler", "MetricsHandler"})
FAILED = 500
GOOD = 400


def also(counted: Callable[[Answered], None] | None) -> Callable[[Answered], None]:
    """Return a `log_function` for Tornado that calls `counted`, if there is one, and logs the request."""

    def answered(handler: Answered) -> None:
        if counted:
            counted(handler)
        write(handler)

    return answered


def handler_name(handler: Answered) -> str:
    """Return the name under which logs and metrics know what has answered."""
    return handler.handler if isinstance(handler, Exchange) else type(handler).__name__


def write(handler: Answered) -> None:
    """Log one request: at `error` for a fault of this service, at `debug` for a success of what machines poll."""
    name, status = handler_name(handler), handler.get_status()
    level = logging.ERROR if status == FAILED else logging.INFO
    if name in MACHINES and status < GOOD:
        level = logging.DEBUG
    message = f"{name} answered {status}"
    if logs.left_out(log, level, message):
        return
    extra: dict[str, Any] = {
        "handler": name,
        "method": handler.request.method,
        "status": status,
        "duration_ms": round(1000 * handler.request.request_time(), 3),
    }
    if whose := getattr(handler, "trace", None):
        extra |= {"trace_id": whose.trace_id, "request_id": whose.request_id}
    extra |= getattr(handler, "noted", {})
    log.log(level, "%s", message, extra=extra)
