"""The base of every HTTP handler: request ids, no caching, errors as problem documents."""

import logging
import secrets
from collections.abc import Awaitable, Mapping
from typing import Any

from tornado.httputil import HTTPHeaders
from tornado.web import HTTPError, RequestHandler

from runtime import strict_json
from runtime.json_body import MalformedJson, read_object
from runtime.problem import (
    BY_STATUS,
    FAILED,
    MALFORMED,
    NOT_ALLOWED,
    NOT_FOUND,
    UNAVAILABLE,
    UNSUPPORTED,
    Problem,
    document,
)
from runtime.settings import integer
from runtime.trace import CURRENT, REQUEST_ID, Trace, received

log = logging.getLogger(__name__)

ENCODED = "send the body without Content-Encoding"


class ApiHandler(RequestHandler):
    """Every HTTP handler of this system: request ids, no caching, errors as problem documents."""

    private = False  # whether a listener with an operator token requires it for this page
    request_id: str
    trace: Trace
    noted: Mapping[str, object] = {}  # what the line in the log says beside handler and status

    def initialize(self) -> None:
        """Use the caller's request id, if it is a plain one, and its trace; otherwise create them."""
        request_id = self.request.headers.get("X-Request-Id", "")
        self.request_id = request_id if REQUEST_ID.fullmatch(request_id) else secrets.token_hex(8)
        self.set_header("X-Request-Id", self.request_id)
        self.trace = received(self.request.headers.get("traceparent", ""), self.request_id)

    def prepare(self) -> None:
        """Count the request as one that a stopping service still answers; refuse a compressed body.

        This may write the answer, so an override must check whether the request is finished.
        """
        CURRENT.set(self.trace)  # of the task that answers this request alone
        self.settings["in_flight"].add(self)
        if encoded(self.request.headers):
            self.set_header("Accept-Encoding", "identity")  # RFC 9110, 15.5.16
            self.write_problem(UNSUPPORTED, detail=ENCODED)

    def on_finish(self) -> None:
        """Count the request as answered."""
        self.settings["in_flight"].discard(self)

    def head(self, *path: str, **named: str) -> Awaitable[None] | None:
        """Answer as a GET does, but without the body (RFC 9110, 9.3.2): Tornado leaves it out."""
        answering: Awaitable[None] | None = self.get(*path, **named)
        return answering

    def argument(self, name: str, default: str = "") -> str:
        """Return a parameter of the query unchanged; raises HTTPError 400 when it is not text or is repeated."""
        values = self.get_query_arguments(name, strip=False)
        if len(values) > 1:
            raise HTTPError(400, f"{name} is given more than once")
        return values[0] if values else default

    def whole_argument(self, name: str, default: int, least: int, most: int) -> int:
        """Return a parameter of the query that is a whole number; raises HTTPError 400 for anything else."""
        try:
            return integer(least, most)(self.argument(name, str(default)))
        except ValueError as error:
            raise HTTPError(400, f"{name}: {error}") from None

    def json_object(self) -> dict[str, Any]:
        """Return the JSON object in the body, {} for an empty body; raises HTTPError 400 for anything else."""
        try:
            return read_object(self.request.body or b"{}")
        except MalformedJson as error:
            raise HTTPError(400, str(error)) from None

    def set_default_headers(self) -> None:
        """Forbid caches to keep an answer, which holds only for the present."""
        self.clear_header("Server")
        self.set_header("Cache-Control", "no-store")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("X-Request-Id", getattr(self, "request_id", ""))

    def compute_etag(self) -> str | None:
        """Return no ETag, because answers are not cached."""
        return None

    def write_json(self, body: Any, status: int = 200) -> None:
        """Finish with `body` as JSON."""
        self.set_status(status)
        self.set_header("Content-Type", "application/json")
        self.finish(strict_json.encode(body))

    def write_problem(self, problem: Problem, **members: Any) -> None:
        """Finish with a problem document."""
        self.set_status(problem.status)
        self.set_header("Content-Type", "application/problem+json")
        self.finish(document(problem, self.request_id, **members))

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Turn an error of Tornado, or a fault of this service, into a problem document."""
        problem = BY_STATUS.get(status_code, MALFORMED if status_code < FAILED.status else FAILED)
        if status_code == NOT_ALLOWED.status:
            exchanges = self.settings.get("exchanges", {})  # the methods that are answered elsewhere
            taken = _methods(type(self)) | {m.lower() for m, path in exchanges if path == self.request.path}
            methods = [m for m in self.SUPPORTED_METHODS if m.lower() in taken]
            self.set_header("Allow", ", ".join(methods))
        error = kwargs.get("exc_info", (None, None))[1]
        for_the_caller = isinstance(error, HTTPError) and problem in {MALFORMED, UNAVAILABLE}
        detail = error.get_message() if for_the_caller else None
        self.write_problem(problem, detail=detail)

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        """Log a fault of this service with its request; a caller's mistake is not a fault."""
        if not isinstance(value, HTTPError):
            whose = {"trace_id": self.trace.trace_id, "request_id": self.request_id}
            log.error("request failed", exc_info=(typ, value, tb), extra=whose)


class NotFoundHandler(ApiHandler):
    """Answers 404 wherever no route fits."""

    def prepare(self) -> None:
        """Answer before any method is looked up."""
        super().prepare()
        if not self._finished:
            self.write_problem(NOT_FOUND)


def encoded(headers: HTTPHeaders) -> bool:
    """Whether the body of a request is compressed."""
    return headers.get("Content-Encoding", "identity").strip().lower() not in {"", "identity"}


def _methods(handler: type[RequestHandler]) -> set[str]:
    """Return the lower-case HTTP methods that a handler class takes: HEAD wherever it takes GET."""
    own = {
        name.lower()
        for name in RequestHandler.SUPPORTED_METHODS
        if getattr(handler, name.lower()) is not getattr(RequestHandler, name.lower())
    }
    return own if "get" in own else own - {"head"}
