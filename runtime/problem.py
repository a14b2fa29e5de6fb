"""Errors as RFC 9457 problem details, and the handler base that writes them."""

import dataclasses
import logging
import re
import secrets
from typing import Any

from tornado.escape import json_encode
from tornado.web import HTTPError, RequestHandler

log = logging.getLogger(__name__)

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
TYPE = "urn:smartgrid:problem:"


@dataclasses.dataclass(frozen=True)
class Problem:
    """One kind of error: `code` is stable, and ends the `type` of its problem document."""

    code: str
    status: int
    title: str


MALFORMED = Problem("malformed", 400, "The request can't be read")
NOT_FOUND = Problem("not-found", 404, "There is nothing at this address")
NOT_ALLOWED = Problem("method-not-allowed", 405, "This address does not take that method")
TOO_LARGE = Problem("too-large", 413, "The body is too large")
UNAVAILABLE = Problem("unavailable", 503, "The service can't do this now: ask again")
FAILED = Problem("internal", 500, "The service failed; the fault is logged under the request id")
BY_STATUS = {p.status: p for p in (MALFORMED, NOT_FOUND, NOT_ALLOWED, TOO_LARGE, UNAVAILABLE)}


def document(problem: Problem, request_id: str, **members: Any) -> bytes:
    """Return the problem document as JSON; members that are None are left out."""
    body = {"type": TYPE + problem.code, "title": problem.title, "status": problem.status}
    body |= {name: value for name, value in members.items() if value is not None}
    return json_encode(body | {"request_id": request_id}).encode()


class ApiHandler(RequestHandler):
    """Every HTTP handler of this system: request ids, no caching, errors as problem documents."""

    request_id: str

    def initialize(self) -> None:
        """Take the caller's request id if it is a plain one, else make one."""
        given = self.request.headers.get("X-Request-Id", "")
        self.request_id = given if REQUEST_ID.fullmatch(given) else secrets.token_hex(8)
        self.set_header("X-Request-Id", self.request_id)

    def set_default_headers(self) -> None:
        """Answers are about now: nobody may keep them."""
        self.clear_header("Server")
        self.set_header("Cache-Control", "no-store")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("X-Request-Id", getattr(self, "request_id", ""))

    def compute_etag(self) -> str | None:
        """No ETag: answers are not cached."""
        return None

    def write_json(self, body: Any, status: int = 200) -> None:
        """Finish with `body` as JSON."""
        self.set_status(status)
        self.set_header("Content-Type", "application/json")
        self.finish(json_encode(body))

    def write_problem(self, problem: Problem, **members: Any) -> None:
        """Finish with a problem document."""
        self.set_status(problem.status)
        self.set_header("Content-Type", "application/problem+json")
        self.finish(document(problem, self.request_id, **members))

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Turn what Tornado or a fault raised into a problem document."""
        problem = BY_STATUS.get(status_code, MALFORMED if status_code < FAILED.status else FAILED)
        if status_code == NOT_ALLOWED.status:
            methods = [m for m in self.SUPPORTED_METHODS if m.lower() in _methods(type(self))]
            self.set_header("Allow", ", ".join(methods))
        error = kwargs.get("exc_info", (None, None))[1]
        told = isinstance(error, HTTPError) and problem in {MALFORMED, UNAVAILABLE}
        detail = error.log_message if told else None
        self.write_problem(problem, detail=detail)

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        """Log faults with the request id; what the caller did wrong is not a fault of ours."""
        if not isinstance(value, HTTPError):
            log.error("request failed", exc_info=(typ, value, tb), extra={"request_id": self.request_id})


class NotFoundHandler(ApiHandler):
    """Answers 404 wherever no route fits."""

    def prepare(self) -> None:
        """Answer before any method is looked up."""
        self.write_problem(NOT_FOUND)


def _methods(handler: type[RequestHandler]) -> set[str]:
    """Return the lower-case HTTP methods that a handler class defines itself."""
    return {name.lower() for name in RequestHandler.SUPPORTED_METHODS
            if getattr(handler, name.lower()) is not getattr(RequestHandler, name.lower())}  # fmt: skip
