"""Writes the answer to one request: what Tornado's handlers know as the connection of the request."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from tornado.httputil import (
    HTTPConnection,
    HTTPHeaders,
    HTTPOutputError,
    RequestStartLine,
    ResponseStartLine,
)

from runtime.http_server.framing import Head

if TYPE_CHECKING:
    from runtime.http_server.connection import Connection

BODILESS = frozenset({204, 304})
CLOSE = "close"


class Answer(HTTPConnection):
    """The answer to one request, as Tornado's HTTPConnection; `stream` is the connection that it goes to."""

    def __init__(self, stream: "Connection", head: Head) -> None:
        self.stream = stream
        self.context = stream.peer
        self.keeps_open = head.keeps_open
        self.body_within_s: float | None = None
        self.expects_continue = (
            head.line.version != "HTTP/1.0" and head.headers.get("Expect", "").lower() == "100-continue"
        )
        self.begun = self.finished = False
        self._version = head.line.version
        self._head_only = head.line.method == "HEAD"
        self._left: int | None = None  # bytes of the body; None: not announced
        self._chunked = False
        self._on_close: Callable[[], None] | None = None

    def set_body_timeout(self, timeout: float) -> None:
        """Close the connection unless the request's body is complete after so many seconds."""
        self.body_within_s = timeout

    def set_close_callback(self, callback: Callable[[], None] | None) -> None:
        """Call `callback` when the client goes before it has the answer; None: nothing any more."""
        self._on_close = callback

    def lost(self) -> None:
        """Tell the handler that the client has gone."""
        callback, self._on_close = self._on_close, None
        if callback:
            callback()

    def write_headers(
        self,
        start_line: RequestStartLine | ResponseStartLine,
        headers: HTTPHeaders,
        chunk: bytes | None = None,
    ) -> "asyncio.Future[None]":
        """Write the head of the answer, and the first part of its body.

        The future is done when more may be written. Raises ValueError when a header has a line break in it.
        """
        assert isinstance(start_line, ResponseStartLine)
        self._frame(start_line.code, headers)
        lines = [f"HTTP/1.1 {start_line.code} {start_line.reason}"]
        lines += [f"{name}: {value}" for name, value in headers.get_all()]
        text = "\r\n".join(lines)
        if not text.count("\r") == text.count("\n") == len(lines) - 1:
            raise ValueError("a header of an answer has a line break in it")
        self.begun = True
        return self.stream.write(f"{text}\r\n\r\n".encode("latin-1") + self._framed(chunk or b""))

    def write(self, chunk: bytes) -> "asyncio.Future[None]":
        """Write a part of the body; the future is done when more may be written."""
        return self.stream.write(self._framed(chunk))

    def finish(self) -> None:
        """End the answer; raises HTTPOutputError when it is shorter than it said."""
        if self._left or not self.begun:
            self._break_off("an answer is shorter than its Content-Length")
        if self._chunked:
            self.stream.write(b"0\r\n\r\n")
        self.finished = True
        self._on_close = None
        self.stream.answered(self)

    def _frame(self, status: int, headers: HTTPHeaders) -> None:
        """Say in `headers` where the body ends, and whether the connection stays open."""
        length = headers.get("Content-Length")
        if self._head_only or status in BODILESS:
            self._left = 0
        elif length is not None:
            self._left = int(length)
        elif self._version == "HTTP/1.0":
            self.keeps_open = False
        else:
            self._chunked = True
            headers["Transfer-Encoding"] = "chunked"
        if self.stream.ending or headers.get("Connection") == CLOSE:
            self.keeps_open = False
        if not self.keeps_open:
            headers["Connection"] = CLOSE
        elif self._version == "HTTP/1.0":
            headers["Connection"] = "keep-alive"

    def _framed(self, chunk: bytes) -> bytes:
        if self._left is not None:
            self._left -= len(chunk)
            if self._left < 0:
                self._break_off("an answer is longer than its Content-Length")
        if self._chunked and chunk:
            return b"%x\r\n%b\r\n" % (len(chunk), chunk)
        return chunk

    def _break_off(self, why: str) -> None:
        """Close the connection: what follows on it would be read as a part of this answer."""
        if not self.stream.closed:
            self.stream.close()
            raise HTTPOutputError(why)
