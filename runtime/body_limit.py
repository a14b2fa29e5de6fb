"""Answers 413 to bodies over the limit, which Tornado alone would answer with a bare 400, and limits their time.

Up to `DRAIN_BYTES` of a body over the limit are read and dropped, because many clients read no answer before they
have sent everything. Beyond that, the connection is closed.
"""

import secrets
from collections.abc import Awaitable
from typing import Any

from tornado import httputil

from runtime import problem

BODY_BYTES = 64 * 1024
BODY_S = 10.0
DRAIN_BYTES = 8 * 1024 * 1024


class BodyLimit(httputil.HTTPServerConnectionDelegate):
    """Wraps an application, and passes on requests whose body has at most `limit` bytes and comes within `within_s`."""

    def __init__(
        self, app: httputil.HTTPServerConnectionDelegate, limit: int = BODY_BYTES, within_s: float = BODY_S
    ) -> None:
        self._app = app
        self._limit = limit
        self._within_s = within_s

    def start_request(self, server_conn: object, request_conn: httputil.HTTPConnection) -> "_BodyCounter":
        """Wrap the application's own reader of one request."""
        inner = self._app.start_request(server_conn, request_conn)
        return _BodyCounter(inner, request_conn, self._limit, self._within_s)

    def on_close(self, server_conn: object) -> None:
        """Pass on that a connection has closed."""
        self._app.on_close(server_conn)


class _BodyCounter(httputil.HTTPMessageDelegate):
    def __init__(self, inner: httputil.HTTPMessageDelegate, conn: Any, limit: int, within_s: float) -> None:
        self._inner = inner
        self._conn = conn
        self._limit = limit
        self._within_s = within_s
        self._size = 0
        self._head = False  # the answer to HEAD has no body: a client would take one for the next answer
        self._answered = False

    def headers_received(self, start_line: Any, headers: httputil.HTTPHeaders) -> Awaitable[None] | None:
        self._head = start_line.method == "HEAD"
        announced = headers.get("Content-Length", "0")
        if announced.isdecimal() and len(announced) < 20 and int(announced) > DRAIN_BYTES:
            self._refuse(cut_off=True)
            return None
        if not self._is_there(announced, headers):
            self._conn.set_body_timeout(self._within_s)
        return self._inner.headers_received(start_line, headers)

    def _is_there(self, announced: str, headers: httputil.HTTPHeaders) -> bool:
        """Whether the whole body came with the head, as most do: a time limit would cost more than to read it."""
        buffered = getattr(self._conn.stream, "_read_buffer_size", -1)  # Tornado has no other name for it
        known = announced.isdecimal() and len(announced) < 20 and "Transfer-Encoding" not in headers
        return known and int(announced) <= buffered

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        self._size += len(chunk)
        if self._size <= self._limit:
            return self._inner.data_received(chunk)
        if self._size > DRAIN_BYTES and not self._answered:
            self._refuse(cut_off=True)
        return None

    def finish(self) -> None:
        if self._answered:
            return
        if self._size > self._limit:
            self._refuse(cut_off=False)
        else:
            self._inner.finish()

    def on_connection_close(self) -> None:
        self._inner.on_connection_close()

    def _refuse(self, *, cut_off: bool) -> None:
        self._answered = True
        request_id = secrets.token_hex(8)
        body = problem.document(
            problem.TOO_LARGE, request_id, detail=f"at most {self._limit} bytes are accepted"
        )
        headers = httputil.HTTPHeaders(
            {
                "Content-Type": "application/problem+json",
                "Content-Length": str(len(body)),
                "X-Request-Id": request_id,
                "X-Content-Type-Options": "nosniff",
            }
        )
        if cut_off:  # Tornado closes what is answered before it was read, and only that
            headers["Connection"] = "close"
        start = httputil.ResponseStartLine("HTTP/1.1", problem.TOO_LARGE.status, "Content Too Large")
        self._conn.write_headers(start, headers, b"" if self._head else body)
        self._conn.finish()
