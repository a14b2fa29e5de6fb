"""Rewrites a request target in absolute form, which RFC 9112 (3.2.2) requires every server to accept.

`GET http://grid/charge/s-1.a HTTP/1.1`, which a client sends to a proxy, becomes `GET /charge/s-1.a`
with `Host: grid`. The host of the target replaces that of the header.
"""

import re
from collections.abc import Awaitable

from tornado import httputil

ABSOLUTE = re.compile(
    r"https?://(?P<host>[^/?#@]+)(?P<path>/[^?]*)?(?P<query>[?].*)?", re.IGNORECASE | re.DOTALL
)


class OriginForm(httputil.HTTPServerConnectionDelegate):
    """Wraps an application, so that it never sees a request target in absolute form."""

    def __init__(self, app: httputil.HTTPServerConnectionDelegate) -> None:
        self._app = app

    def start_request(self, server_conn: object, request_conn: httputil.HTTPConnection) -> "_Request":
        """Wrap the application's own reader of one request."""
        return _Request(self._app.start_request(server_conn, request_conn))

    def on_close(self, server_conn: object) -> None:
        """Pass on that a connection has closed."""
        self._app.on_close(server_conn)


class _Request(httputil.HTTPMessageDelegate):
    def __init__(self, inner: httputil.HTTPMessageDelegate) -> None:
        self._inner = inner
        self.data_received = inner.data_received  # type: ignore[method-assign]
        self.finish = inner.finish  # type: ignore[method-assign]
        self.on_connection_close = inner.on_connection_close  # type: ignore[method-assign]

    def headers_received(
        self,
        start_line: httputil.RequestStartLine | httputil.ResponseStartLine,
        headers: httputil.HTTPHeaders,
    ) -> Awaitable[None] | None:
        """Pass the head of a request on. One without `Host` stays so, and is refused."""
        if isinstance(start_line, httputil.RequestStartLine) and "Host" in headers:
            start_line = in_origin_form(start_line, headers)
        return self._inner.headers_received(start_line, headers)


def in_origin_form(
    line: httputil.RequestStartLine, headers: httputil.HTTPHeaders
) -> httputil.RequestStartLine:
    """Return the first line of a request with only path and query; its host goes into `headers`."""
    if line.path.startswith("/") or not (target := ABSOLUTE.fullmatch(line.path)):
        return line
    headers["Host"] = target["host"]
    return line._replace(path=(target["path"] or "/") + (target["query"] or ""))
