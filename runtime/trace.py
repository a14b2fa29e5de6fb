"""Names the request that a log line, or a call to another service, belongs to (W3C Trace Context).

The trace id is one through all services. The span is this service's part of it; the next service
gets it as its parent. What a caller sends is used only if it is exactly what the standard allows.
Source: https://www.w3.org/TR/trace-context/
"""

import contextvars
import random
import re
from typing import NamedTuple

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
# A later version may add fields; what the first one has stands at the same places in it.
TRACEPARENT = re.compile(
    r"(?!ff)(?P<version>[0-9a-f]{2})-(?!0{32})(?P<trace>[0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-(?P<flags>[0-9a-f]{2})"
    r"(?P<more>-[!-~]*)?"
)
LONGEST = 512  # characters; a longer header is ignored
SAMPLED, RANDOM = 1, 2  # RANDOM: the trace id was chosen at random (level 2)


class Trace(NamedTuple):
    """One service's part of one request; `request_id` is '' where the caller sent none."""

    trace_id: str
    span_id: str
    flags: int
    request_id: str

    def traceparent(self) -> str:
        """Return the header for the next service; unknown flags are not passed on."""
        return f"00-{self.trace_id}-{self.span_id}-{self.flags:02x}"


CURRENT: contextvars.ContextVar[Trace | None] = contextvars.ContextVar("trace", default=None)


def received(traceparent: str, request_id: str) -> Trace:
    """Return this service's part of what a caller sent; a new trace unless `traceparent` is valid."""
    request_id = request_id if REQUEST_ID.fullmatch(request_id) else ""
    if not traceparent:
        return Trace(random_hex(32), random_hex(16), RANDOM, request_id)
    match = TRACEPARENT.fullmatch(traceparent) if len(traceparent) <= LONGEST else None
    version, trace_id, flags, more = match.groups() if match else ("", "", "", None)
    if not match or (version == "00" and more is not None):
        return Trace(random_hex(32), random_hex(16), RANDOM, request_id)
    return Trace(trace_id, random_hex(16), int(flags, 16) & (SAMPLED | RANDOM), request_id)


def random_hex(digits: int) -> str:
    """Return random hexadecimal digits, not all of them 0. They name something and keep no secret."""
    return f"{random.getrandbits(4 * digits) or 1:x}".zfill(digits)
