"""Decides which requests a listener accepts. Every request passes here before any handler sees it.

A browser on a machine of the grid is not trusted: any page in it can send requests to every port that the
machine reaches, and a page whose host name resolves there (DNS rebinding) can read the answers too. So:

- `Host` must be an IP address, `localhost` or an allowed name. A page can have an address as its origin only if
  that address served the page;
- a request that changes something must not come from a page of another origin (`Sec-Fetch-Site`, else `Origin`),
  and its body must have a media type that an HTML form can't send;
- where there is an operator token, orders and private pages require it;
- where callers show certificates, the role in it must be allowed to send the request (`runtime/tls/permissions.py`).

Programs send neither `Origin` nor `Sec-Fetch-Site`: for them the second rule is about the body alone.
"""

import dataclasses
import functools
import ipaddress
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from tornado.httputil import (
    HTTPConnection,
    HTTPHeaders,
    HTTPMessageDelegate,
    HTTPServerRequest,
    RequestStartLine,
    ResponseStartLine,
)
from tornado.iostream import IOStream
from tornado.routing import Router
from tornado.web import Application, _HandlerDelegate

from runtime.exchange import Exchange, ExchangeRequest
from runtime.handlers import ApiHandler
from runtime.operator_token import OperatorToken
from runtime.problem import (
    CROSS_ORIGIN,
    FOREIGN_HOST,
    OTHER_ROLE,
    TOKEN_FIRST,
    UNAVAILABLE,
    UNSUPPORTED,
    Problem,
)
from runtime.tls.guard import Guard

# What answers a request, by its method and path.
Exchanges = Mapping[tuple[str | None, str], Callable[[HTTPServerRequest, Mapping[str, Any]], Exchange]]
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})  # methods that change nothing
PROBES = frozenset({"/livez", "/readyz"})  # they show nothing private, and probes use names of their own
MACHINES = PROBES | {"/metrics"}  # answered even when all connections are taken
JSON = frozenset({"application/json"})
FORM = frozenset({"application/x-www-form-urlencoded"})
ANY = frozenset[str]()
# Hosts that Tornado accepts, too: all others are left to it.
PLAIN_HOST = re.compile(r"[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*(?::[0-9]{1,5})?")
# Tornado acts on these before a handler does; what is refused already needs no second answer.
LOOKED_AT = ("Content-Type", "Origin", "Sec-Fetch-Site")
OWN_SITES = frozenset({"same-origin", "none"})  # of Sec-Fetch-Site; `none`: typed in by a person


@dataclasses.dataclass(frozen=True)
class Gate:
    """The rules of one listener.

    `hosts` are the names that clients may use besides addresses and `localhost`. `kinds` are the media types
    that bodies may have (ANY: the handlers check). With a `token`, requests that change something and the
    pages of `private` handlers require it, except from the service itself. With a `guard`, the certificate of the caller
    must allow the request. With `origins` False the application checks origins itself.
    """

    hosts: tuple[str, ...] = ()
    kinds: frozenset[str] = JSON
    token: OperatorToken | None = None
    origins: bool = True
    guard: Guard | None = None

    def refusal(self, request: HTTPServerRequest, *, private: bool = False) -> tuple[Problem, str] | None:
        """Return why a request is refused, with details; None when it is not. `private`: for a private page."""
        headers, method = request.headers, request.method or ""
        if self.guard and (refused := self.guard.request_refusal(request)):
            return OTHER_ROLE, refused
        host = headers.get("Host")  # HTTP/1.0 has none, and no browser speaks that
        if host is not None and request.path not in PROBES and not self._known(host_name(host)):
            return (
                FOREIGN_HOST,
                f"Host {host[:80]!r} is not allowed: use an IP address, or add the name to ALLOWED_HOSTS",
            )
        if method not in SAFE:
            if self.origins and not same_origin(headers):
                return (
                    CROSS_ORIGIN,
                    "a web page of another origin sent a request that changes something: send it from a program",
                )
            if self.kinds and has_body(headers) and media_type(headers) not in self.kinds:
                return UNSUPPORTED, f"send Content-Type: {' or '.join(sorted(self.kinds))}"
        if self.token and (private or method not in SAFE) and not self._has_token(request, self.token):
            return TOKEN_FIRST, "send Authorization: Bearer with the token in OPERATOR_TOKEN_FILE"
        return None

    def _has_token(self, request: HTTPServerRequest, token: OperatorToken) -> bool:
        """Whether a request has the token, or comes from the service itself."""
        if token.shown_in(request.headers.get_list("Authorization")):
            return True
        return bool(self.guard and self.guard.is_own(request))

    def _known(self, name: str) -> bool:
        """Whether a host is one of this listener."""
        return name == "localhost" or name in self.hosts or _is_address(name)


def host_name(host: str) -> str:
    """Return the name in a Host header, in lower case, without its port."""
    name = host.partition("]")[0].lstrip("[") if host.startswith("[") else host.partition(":")[0]
    return name.lower().rstrip(".")


def same_origin(headers: HTTPHeaders) -> bool:
    """Whether no page of another origin has sent a request.

    `Sec-Fetch-Site` takes precedence over `Origin`, because behind a proxy `Host` may differ.
    """
    site = headers.get("Sec-Fetch-Site")
    if site is not None:
        return site in OWN_SITES
    origin = headers.get("Origin")
    if origin is None:
        return True
    try:
        return bool(origin) and urlsplit(origin).netloc.lower() == headers.get("Host", "").lower() != ""
    except ValueError:
        return False


def has_body(headers: HTTPHeaders) -> bool:
    """Whether a request has a body."""
    return headers.get("Content-Length", "0") != "0" or "Transfer-Encoding" in headers


def media_type(headers: HTTPHeaders) -> str:
    """Return the kind of a body, without parameters."""
    return str(headers.get("Content-Type", "")).partition(";")[0].strip().lower()


@functools.lru_cache(maxsize=256)
def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


class GatedApplication(Router):
    """Wraps an application, and answers the requests that its gate refuses.

    `crowded` says whether a request has come on a connection that is kept for MACHINES. The setting `exchanges` of
    the application has the routes that are answered without a RequestHandler.
    """

    def __init__(self, app: Application, gate: Gate, crowded: Callable[[HTTPServerRequest], bool]) -> None:
        self._app = app
        self._gate = gate
        self._crowded = crowded
        self._exchanges: Exchanges = app.settings.get("exchanges", {})

    def start_request(self, server_conn: object, request_conn: HTTPConnection) -> HTTPMessageDelegate:
        """Return what reads one request, and finds what answers it."""
        return _Routing(self, server_conn, request_conn)

    def start_other(self, server_conn: object, request_conn: HTTPConnection) -> HTTPMessageDelegate:
        """Return Tornado's way to a handler, for a request that no exchange answers."""
        return super().start_request(server_conn, request_conn)

    def find_exchange(
        self, line: RequestStartLine, headers: HTTPHeaders, connection: HTTPConnection
    ) -> Exchange | None:
        """Return the exchange that answers a request; None when there is none, or the gate has something to say."""
        exchange = self._exchanges.get((line.method, line.path))
        if not exchange or not PLAIN_HOST.fullmatch(headers.get("Host", "")):
            return None
        request = ExchangeRequest(line, headers, connection)
        if self._gate.refusal(request) or self._crowded(request):
            return None
        return exchange(request, self._app.settings)

    def find_handler(self, request: HTTPServerRequest, **kwargs: Any) -> HTTPMessageDelegate | None:
        """Return what reads and answers a request."""
        found: Exchange | _HandlerDelegate
        if exchange := self._exchanges.get((request.method, request.path)):
            found, private = exchange(request, self._app.settings), False
        else:
            found = self._app.find_handler(request, **kwargs)
            private = getattr(found.handler_class, "private", False)
        if refused := self._gate.refusal(request, private=private):
            problem, detail = refused
        elif request.path not in MACHINES and self._crowded(request):
            problem, detail = UNAVAILABLE, "all connections are taken"
        else:
            return found
        for name in LOOKED_AT:
            request.headers.pop(name, None)
        arguments = {"problem": problem, "detail": detail}
        return self._app.get_handler_delegate(request, RefusedHandler, arguments)

    def on_close(self, server_conn: object) -> None:
        """Pass on that a connection has closed."""
        self._app.on_close(server_conn)


class _Routing(HTTPMessageDelegate):
    """Passes a request to its exchange, or else to a handler, on Tornado's way."""

    def __init__(self, app: GatedApplication, server_connection: object, connection: HTTPConnection) -> None:
        self._app = app
        self._server_connection = server_connection
        self._connection = connection
        self._found: HTTPMessageDelegate | None = None  # from the head on

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> Awaitable[None] | None:
        assert isinstance(start_line, RequestStartLine)
        if exchange := self._app.find_exchange(start_line, headers, self._connection):
            self._found = exchange
            return None
        self._found = self._app.start_other(self._server_connection, self._connection)
        return self._found.headers_received(start_line, headers)

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        return self._found.data_received(chunk) if self._found else None

    def finish(self) -> None:
        if self._found:
            self._found.finish()

    def on_connection_close(self) -> None:
        if self._found:
            self._found.on_connection_close()


class RefusedHandler(ApiHandler):
    """Answers a refused request, whatever its method."""

    def initialize(self, problem: Problem, detail: str) -> None:  # type: ignore[override]
        """`problem` and `detail` are the answer."""
        super().initialize()
        self._problem = problem
        self._detail = detail

    def prepare(self) -> None:
        """Answer before any method is looked up."""
        super().prepare()
        if self._finished:
            return
        if self._problem is TOKEN_FIRST:
            self.set_header("WWW-Authenticate", "Bearer")
        if self._problem is UNAVAILABLE:
            self.set_header("Retry-After", "1")
            self.set_header("Connection", "close")
        self.write_problem(self._problem, detail=self._detail)

    def on_finish(self) -> None:
        """Close the connection if another client needs it."""
        super().on_finish()
        stream = getattr(self.request.connection, "stream", None)
        if self._problem is UNAVAILABLE and isinstance(stream, IOStream) and not stream.writing():
            stream.close()  # Tornado doesn't, whatever the header says
