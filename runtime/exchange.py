"""One request and its answer without Tornado's RequestHandler, for the route that takes nearly all requests.

A RequestHandler costs as much again as reading a request and writing its answer (docs/adr/0025). What an `ApiHandler`
does for every request happens here too: request ids, traces, no caching, problem documents, the line in the log, the
metrics, and the wait of a stopping service for its last answers.
"""

import asyncio
import functools
import http
import logging
import time
from collections.abc import Callable, Mapping, MutableSet
from email.utils import formatdate
from typing import Any, cast

from tornado.httputil import (
    HTTPConnection,
    HTTPHeaders,
    HTTPMessageDelegate,
    HTTPServerRequest,
    RequestStartLine,
    ResponseStartLine,
)

from runtime import strict_json
from runtime.handlers import ENCODED, encoded
from runtime.problem import FAILED, UNSUPPORTED, Problem, document
from runtime.trace import CURRENT, REQUEST_ID, random_hex, received

log = logging.getLogger(__name__)

JSON = "application/json"
PROBLEM_JSON = "application/problem+json"


class ExchangeRequest(HTTPServerRequest):
    """A request without what only RequestHandlers read, which costs as much as all else in it: arguments, the host's name.

    Its target has no query.
    """

    def __init__(self, line: RequestStartLine, headers: HTTPHeaders, connection: HTTPConnection) -> None:
        self.method, self.uri, self.version = line
        self.path, self.query = line.path, ""
        self.headers, self.host = headers, headers["Host"]
        self.connection = connection
        context = getattr(connection, "context", None)
        self.remote_ip, self.protocol = (
            getattr(context, "remote_ip", None),
            getattr(context, "protocol", "http"),
        )
        self.body = b""
        self._start_time = time.time()
        self._finish_time = None


class AnswerHeaders(dict[str, str]):
    """The headers of an answer, each of them once, with their names as they are sent.

    It is what Tornado's connection needs of an HTTPHeaders, which would normalize and check each name and value again.
    The connection still refuses to write a line break.
    """

    get_all = dict.items


class Exchange(HTTPMessageDelegate):
    """A request, and the one answer to it. A subclass answers in `answer`, with `write_json` or `write_problem`.

    Logs and metrics know it under `handler`, the name of the handler class that takes the other methods of its route.
    When the client goes before it has the answer, `answer` is cancelled.
    """

    handler: str

    def __init__(self, request: HTTPServerRequest, settings: Mapping[str, Any]) -> None:
        """`settings` are those of the Tornado application that has the route."""
        self.request = request
        self.noted: Mapping[str, object] = {}  # what the line in the log says beside handler and status
        headers = request.headers
        request_id = headers.get("X-Request-Id", "")
        self.request_id = request_id if REQUEST_ID.fullmatch(request_id) else random_hex(16)
        self.trace = received(headers.get("traceparent", ""), self.request_id)
        self.headers = AnswerHeaders()
        self._in_flight: MutableSet[object] = settings["in_flight"]
        self._answered: Callable[[Exchange], None] = settings["log_function"]
        self._chunks: list[bytes] = []
        self._task: asyncio.Task[None] | None = None
        self._status = 0

    async def answer(self) -> None:
        """Answer the request, whose body is complete."""
        raise NotImplementedError

    def get_status(self) -> int:
        """Return the status of the answer, 0 before there is one."""
        return self._status

    def data_received(self, chunk: bytes) -> None:
        """Keep a part of the body."""
        self._chunks.append(chunk)

    def finish(self) -> None:
        """Answer: the request is complete."""
        self.request.body = b"".join(self._chunks)
        self._in_flight.add(self)
        self._task = asyncio.create_task(self._run())
        connection: Any = self.request.connection
        connection.set_close_callback(self.on_connection_close)

    def on_connection_close(self) -> None:
        """Stop answering: the client has gone."""
        if self._task:
            self._task.cancel()

    @property
    def encoded(self) -> bool:
        """Whether the body is compressed, which is not accepted."""
        return encoded(self.request.headers)

    def write_encoding_problem(self) -> None:
        """Answer that a compressed body is not accepted."""
        self.headers["Accept-Encoding"] = "identity"  # RFC 9110, 15.5.16
        self.write_problem(UNSUPPORTED, detail=ENCODED)

    def write_json(self, body: Any, status: int = 200) -> None:
        """Answer with `body` as JSON."""
        self._write(status, JSON, strict_json.encode(body).encode())

    def write_problem(self, problem: Problem, **members: Any) -> None:
        """Answer with a problem document."""
        self._write(problem.status, PROBLEM_JSON, document(problem, self.request_id, **members))

    async def _run(self) -> None:
        CURRENT.set(self.trace)  # of the task that answers this request alone
        try:
            await self.answer()
        except Exception:
            log.exception("request failed")
            self.headers = AnswerHeaders()
            self.write_problem(FAILED)
        finally:
            self._in_flight.discard(self)

    def _write(self, status: int, media_type: str, body: bytes) -> None:
        """Write the answer at once, and count and log it."""
        self._status = status
        headers = self.headers
        headers["Content-Type"] = media_type
        headers["Content-Length"] = str(len(body))
        headers["Date"] = _date(int(time.time()))
        headers["Cache-Control"] = "no-store"
        headers["X-Content-Type-Options"] = "nosniff"
        headers["X-Request-Id"] = self.request_id
        connection: HTTPConnection | None = self.request.connection
        if connection:
            connection.write_headers(_start_line(status), cast("HTTPHeaders", headers), body)
            connection.finish()
        self._answered(self)


@functools.lru_cache(maxsize=1)
def _date(unix_s: int) -> str:
    """Return the value of `Date`, which is formatted once a second."""
    return formatdate(unix_s, usegmt=True)


@functools.cache
def _start_line(status: int) -> ResponseStartLine:
    return ResponseStartLine("HTTP/1.1", status, http.HTTPStatus(status).phrase)
