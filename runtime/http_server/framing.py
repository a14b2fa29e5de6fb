"""Where a request and its body begin and end: the grammar of RFC 9112, without its old forms.

A proxy and a server that disagree about where a request ends can be made to take a part of one for another (request
smuggling). So whatever RFC 9112 lets a server refuse is refused: bare line feeds, folded lines, spaces before a
colon, a length that comes twice or beside chunks, every coding but `chunked`. Chunk extensions and trailers, which it
should ignore, are refused too.
"""

import re
from typing import Any, NamedTuple

from tornado.httputil import HTTPHeaders, HTTPInputError, RequestStartLine, _normalize_header

END = b"\r\n\r\n"
TCHAR = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
HEAD = re.compile(rf"({TCHAR}+) ([!-~\x80-\xff]+) (HTTP/1\.[0-9])\r\n((?:{TCHAR}+:[\t -~\x80-\xff]*\r\n)*)")
BARE_LF = re.compile(rb"(?<!\r)\n")
LENGTH = re.compile(r"[0-9]{1,19}")
CHUNK = re.compile(rb"([0-9A-Fa-f]{1,16})\r\n")
CHUNK_LINE_BYTES = 18  # the longest that CHUNK matches
WHITESPACE = " \t"


class Fields(HTTPHeaders):
    """The header fields of a request.

    A request is asked for some twenty fields, and has few of them. HTTPHeaders spells each name anew, and raises and
    catches an exception for each that is not there.
    """

    def get(self, name: str, default: Any = None) -> Any:
        """Return the value of a field, `default` when it is not there."""
        values = self._as_list.get(name)  # most are asked for as they are kept
        if values is None:
            kept = _normalize_header(name)
            if kept == name or (values := self._as_list.get(kept)) is None:
                return default
        return values[0] if len(values) == 1 else ",".join(values)

    def put(self, name: str, value: str) -> None:
        """Add a value of a field without a look at the grammar."""
        kept = _normalize_header(name)
        if kept in self._as_list:
            self._combined_cache.pop(kept, None)
            self._as_list[kept].append(value)
        else:
            self._as_list[kept] = [value]


class Head(NamedTuple):
    """The head of a request; `keeps_open`: another request may follow on its connection."""

    line: RequestStartLine
    headers: HTTPHeaders
    body: "Sized | Chunked"
    keeps_open: bool


def read_head(text: bytes) -> Head:
    """Return the head in `text`, which ends with the end of its last line; raises HTTPInputError."""
    found = HEAD.fullmatch(text.decode("latin-1"))
    if not found:
        raise HTTPInputError("the first line or a header field is not as in RFC 9112")
    line = RequestStartLine(found[1], found[2], found[3])
    headers = Fields()
    for field in found[4].split("\r\n")[:-1]:
        name, _, value = field.partition(":")
        headers.put(name, value.strip(WHITESPACE))
    return Head(line, headers, _body(line, headers), _keeps_open(line, headers))


def _body(line: RequestStartLine, headers: HTTPHeaders) -> "Sized | Chunked":
    length, coding = headers.get("Content-Length"), headers.get("Transfer-Encoding")
    if coding is not None:
        if length is not None or coding.lower() != "chunked" or line.version == "HTTP/1.0":
            raise HTTPInputError("Transfer-Encoding must be `chunked`, without Content-Length, in HTTP/1.1")
        return Chunked()
    if length is None:
        return Sized(0)
    if not LENGTH.fullmatch(length):  # a second one would be behind a comma
        raise HTTPInputError("Content-Length must be one whole number")
    return Sized(int(length))


def _keeps_open(line: RequestStartLine, headers: HTTPHeaders) -> bool:
    named = headers.get("Connection")
    if named is None:
        return line.version != "HTTP/1.0"
    options = {option.strip(WHITESPACE).lower() for option in named.split(",")}
    return "close" not in options and (line.version != "HTTP/1.0" or "keep-alive" in options)


class Sized:
    """A body whose length is known."""

    def __init__(self, size: int) -> None:
        self._left = size

    @property
    def complete(self) -> bool:
        """Whether all of it was taken."""
        return not self._left

    def take(self, buffer: bytearray) -> bytes:
        """Take what has come of the body out of `buffer`, and return it."""
        data = bytes(buffer[: self._left])
        del buffer[: self._left]
        self._left -= len(data)
        return data


class Chunked:
    """A body in chunks, each of which says how long it is."""

    def __init__(self) -> None:
        self._left = 0  # of the present chunk
        self._ends = False  # the end of a line must follow the chunk
        self._last = False
        self.complete = False

    def take(self, buffer: bytearray) -> bytes:
        """Take what has come of the body out of `buffer`, and return it without its framing.

        Raises HTTPInputError when it is not as in RFC 9112.
        """
        data, at = bytearray(), 0
        while not self.complete:
            part = buffer[at : at + self._left]
            data += part
            at += len(part)
            self._left -= len(part)
            after = None if self._left else self._after_data(buffer, at)
            if after is None:
                break
            at = after
        del buffer[:at]
        return bytes(data)

    def _after_data(self, buffer: bytearray, at: int) -> int | None:
        """Return where the next chunk's data begin, or None if more bytes are needed to say that."""
        if self._ends:
            end = buffer[at : at + 2]
            if not b"\r\n".startswith(end):
                raise HTTPInputError("a chunk is longer than it says, or has a trailer")
            if len(end) < len(b"\r\n"):
                return None
            self._ends = False
            self.complete = self._last
            return at + 2
        line = CHUNK.match(buffer, at)
        if not line:
            come = buffer[at : at + CHUNK_LINE_BYTES]
            if b"\n" in come or len(come) == CHUNK_LINE_BYTES:
                raise HTTPInputError("a chunk does not begin with its size")
            return None
        self._left = int(line[1], 16)
        self._last = not self._left
        self._ends = True
        return line.end()
