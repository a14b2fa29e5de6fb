"""Errors as RFC 9457 problem details.

Pure.
"""

import dataclasses
from typing import Any

from runtime.strict_json import ENCODER

TYPE = "urn:smartgrid:problem:"


@dataclasses.dataclass(frozen=True)
class Problem:
    """One kind of error: `code` is stable, and ends the `type` of its problem document."""

    code: str
    status: int
    title: str


MALFORMED = Problem("malformed", 400, "The request can't be read")
TOKEN_FIRST = Problem("operator-token", 401, "The operator token is required")
OTHER_ROLE = Problem("other-role", 403, "The certificate of the caller does not allow this request")
CROSS_ORIGIN = Problem("cross-origin", 403, "Web pages of another origin may not send this request")
NOT_FOUND = Problem("not-found", 404, "There is nothing at this address")
NOT_ALLOWED = Problem("method-not-allowed", 405, "This address does not take that method")
TOO_LARGE = Problem("too-large", 413, "The body is too large")
UNSUPPORTED = Problem("unsupported-media-type", 415, "The body is not of a kind that is taken")
FOREIGN_HOST = Problem("foreign-host", 421, "This service is not known by that name")
UNAVAILABLE = Problem("unavailable", 503, "The service can't do this now: ask again")
FAILED = Problem("internal", 500, "The service failed; the fault is logged under the request id")
BY_STATUS = {p.status: p for p in (MALFORMED, NOT_FOUND, NOT_ALLOWED, TOO_LARGE, UNSUPPORTED, UNAVAILABLE)}


def document(problem: Problem, request_id: str, **members: Any) -> bytes:
    """Return the problem document as JSON; members that are None are left out."""
    body = {"type": TYPE + problem.code, "title": problem.title, "status": problem.status}
    body |= {name: value for name, value in members.items() if value is not None}
    return ENCODER.encode(body | {"request_id": request_id}).encode()
