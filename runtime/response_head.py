"""The head of an HTTP/1.1 response that is taken only if it says how long its body is (RFC 9112).

Pure. A head that leaves any doubt where the body ends is refused: the next response on the connection would be read
from the wrong byte on.
"""

import re
from typing import NamedTuple

STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([0-9]{3})(?: [^\r\n\0]*)?")
FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):([^\r\n\0]*)")
LENGTH = re.compile(rb"[0-9]{1,15}")
SHOWN = 80  # bytes of what is wrong, in the message


class ResponseUnusable(Exception):
    """The response is not one that is taken; the message says what is wrong, and what is accepted."""


class ResponseHead(NamedTuple):
    """The number of bytes in the body, and whether the server keeps the connection open after it."""

    body_bytes: int
    keeps_open: bool


def response_head(head: bytes, most_bytes: int) -> ResponseHead:
    """Return what a head says, given without the empty line that ends it.

    Raises ResponseUnusable for another status than 200, a body that is over `most_bytes`, encoded or of unknown
    length, and whatever is no HTTP/1.0 or HTTP/1.1.
    """
    first, *lines = head.split(b"\r\n")
    status = STATUS_LINE.fullmatch(first)
    if not status:
        raise ResponseUnusable(f"{first[:SHOWN]!r} is no status line of HTTP/1.1")
    if status[2] != b"200":
        raise ResponseUnusable(f"status {status[2].decode()}; only 200 is accepted")
    lengths: list[bytes] = []
    keeps_open = status[1] == b"1"
    for line in lines:
        field = FIELD.fullmatch(line)
        if not field:
            raise ResponseUnusable(f"{line[:SHOWN]!r} is no header field")
        name, value = field[1].lower(), field[2].strip(b" \t")
        if name == b"content-length":
            lengths.append(value)
        elif name == b"connection":
            keeps_open = keeps_open and b"close" not in value.lower()
        elif name == b"transfer-encoding" or (name == b"content-encoding" and value.lower() != b"identity"):
            raise ResponseUnusable(f"{line[:SHOWN]!r}: only a plain body with a Content-Length is accepted")
    return ResponseHead(_body_bytes(lengths, most_bytes), keeps_open)


def _body_bytes(lengths: list[bytes], most_bytes: int) -> int:
    if len(lengths) != 1 or not LENGTH.fullmatch(lengths[0]):
        given = b", ".join(lengths)[:SHOWN]
        raise ResponseUnusable(f"Content-Length {given!r}: one number is accepted")
    if (body_bytes := int(lengths[0])) > most_bytes:
        raise ResponseUnusable(f"a body of {body_bytes} bytes, over {most_bytes}")
    return body_bytes
