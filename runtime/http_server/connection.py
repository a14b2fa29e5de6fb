"""The requests that come on one connection, one after the other, and how long each part of them may take."""

import dataclasses
import logging
from collections.abc import Callable

from tornado.httputil import HTTPInputError, HTTPMessageDelegate, HTTPServerConnectionDelegate

from runtime import problem
from runtime.connections import Limits, last_answer
from runtime.http_server.answer import Answer
from runtime.http_server.framing import BARE_LF, END, Head, read_head
from runtime.http_server.wire import Wire

log = logging.getLogger(__name__)

HEADER_BYTES = 8 * 1024
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


@dataclasses.dataclass(frozen=True, slots=True)
class Peer:
    """The client, as Tornado's requests show it."""

    remote_ip: str
    protocol: str


@dataclasses.dataclass(slots=True)
class _Request:
    head: Head
    answer: Answer
    delegate: HTTPMessageDelegate
    complete: bool = False  # so is its body


class Connection(Wire):
    """Passes requests to `app`, each when the one before it is answered.

    `waiting` is whether it waits for a complete head, since `since_s` by the loop's clock. `closed` is called when it
    closes. What the methods of `app` return is not awaited: no handler may take its body in parts.
    """

    def __init__(
        self,
        app: HTTPServerConnectionDelegate,
        limits: Limits,
        peer: Peer,
        into: memoryview,
        closed: Callable[["Connection"], None],
    ) -> None:
        super().__init__(into, limits.idle_s)
        self.peer = peer
        self.address = peer.remote_ip
        self.waiting, self.since_s = True, self._loop.time()
        self.ending = False  # the present request is the last one
        self._app = app
        self._limits = limits
        self._closed = closed
        self._request: _Request | None = None

    def must_begin(self) -> None:
        """Start the time limit for a head now, before its first byte."""
        self.start_timer(self._limits.header_s)

    def end(self) -> None:
        """Close once the present request is answered; if there is none, close now."""
        self.ending = True
        if self._request is None:
            self.close_gracefully()

    def answered(self, answer: Answer) -> None:
        """Go on to the next request, or close."""
        request = self._request
        if request is None or request.answer is not answer:
            return
        if self.ending or not answer.keeps_open or not request.complete:
            self.close_gracefully()
            return
        self._request = None
        self._await_request()
        if self.buffer:
            self._loop.call_soon(self.advance)  # other connections first

    def process(self) -> None:
        """Read as far as possible: the next head once the request before is answered, and its body."""
        try:
            if self._request is None and self.writable:
                if not self.waiting:
                    self._await_request()
                self._read_head()
            if self._request and not self._request.complete:
                self._read_body(self._request)
        except HTTPInputError as error:
            self._refuse(str(error))
        except Exception:
            log.exception("a request failed")
            self.close()

    def on_closed(self) -> None:
        """Stop what answers the present request."""
        self.waiting = False
        self._closed(self)
        request, self._request = self._request, None
        if request and not request.complete:
            request.delegate.on_connection_close()
        elif request:
            request.answer.lost()

    def _await_request(self) -> None:
        """Count as idle, once the client has taken the answer before."""
        self.waiting, self.since_s = self.writable, self._loop.time()

    def _read_head(self) -> None:
        buffer = self.buffer
        while buffer.startswith(b"\r\n"):  # some clients send an empty line after a body (RFC 9112, 2.2)
            del buffer[:2]
        end = buffer.find(END, 0, HEADER_BYTES)
        if end < 0:
            self._await_head()
            return
        text = bytes(buffer[: end + 2])
        del buffer[: end + len(END)]
        self.cancel_timer()
        self.waiting = False
        head = read_head(text)
        answer = Answer(self, head)
        delegate = self._app.start_request(self, answer)
        self._request = _Request(head, answer, delegate)
        delegate.headers_received(head.line, head.headers)

    def _await_head(self) -> None:
        if len(self.buffer) >= HEADER_BYTES:
            self.close()
        elif BARE_LF.search(self.buffer):
            raise HTTPInputError("a line ends without a carriage return")
        elif self.buffer:
            self.start_timer(self._limits.header_s)

    def _read_body(self, request: _Request) -> None:
        head, answer = request.head, request.answer
        data = head.body.take(self.buffer)
        if data and not answer.finished:
            request.delegate.data_received(data)
        if answer.finished:  # the connection is being closed
            return
        if head.body.complete:
            request.complete = True
            self.cancel_timer()
            request.delegate.finish()
            return
        self.start_timer(answer.body_within_s or self._limits.body_s)
        if answer.expects_continue:
            answer.expects_continue = False
            self.write(CONTINUE)

    def _refuse(self, why: str) -> None:
        """Answer 400, and close: where the next request begins is unknown."""
        log.info("a request can't be read: %s", why)
        request, self._request = self._request, None
        if request:
            request.delegate.on_connection_close()
        if not (request and request.answer.begun):
            self.write(last_answer(problem.MALFORMED, why))
        self.close_gracefully()
