"""Compressed answers, for clients that take them.

Only what holds no secret may be compressed: the length of a compressed answer tells about a secret that stands beside text
which its visitor chose (BREACH). So no page is compressed, and a handler says it for each answer.
"""

import gzip
import re
from typing import Any

from runtime import strict_json
from runtime.handlers import ApiHandler

LEAST_BYTES = 1000  # a shorter answer fits into one packet as it is
LEVEL = 3  # of figures: a fifth of the length, in a fifth of the time that writing the JSON takes; 6 takes as long as that


def takes_gzip(accepted: str) -> bool:
    """Whether a client with this `Accept-Encoding` takes gzip: RFC 9110, 12.5.3."""
    weights = {}
    for part in accepted.lower().split(","):
        coding, _, parameter = part.partition(";")
        weights[coding.strip()] = parameter.replace(" ", "")
    weight = weights.get("gzip", weights.get("*", "q=0"))
    return not re.fullmatch(r"q=0(\.0*)?", weight)


def finish_json(handler: ApiHandler, body: Any) -> None:
    """Finish an answer with `body` as JSON, compressed when it is long and the client takes gzip.

    `body` must hold no secret.
    """
    content = strict_json.encode(body).encode()
    handler.set_header("Content-Type", "application/json")
    handler.set_header("Vary", "Accept-Encoding")
    if len(content) > LEAST_BYTES and takes_gzip(handler.request.headers.get("Accept-Encoding", "")):
        content = gzip.compress(content, LEVEL)
        handler.set_header("Content-Encoding", "gzip")
    handler.finish(content)
