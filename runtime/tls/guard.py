"""The door of a listener under mutual TLS: the context of its connections, and who may call what on them."""

import ssl
from typing import Any

from tornado.httputil import HTTPServerRequest

from runtime.tls.credentials import Credentials, peer_of
from runtime.tls.identity import Identity, NoIdentity
from runtime.tls.permissions import Permissions


class Guard:
    """Admits the callers that `runtime.tls.permissions` lists for the service of these credentials."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials
        self._permissions = Permissions(credentials.identity)

    def context(self) -> ssl.SSLContext:
        """Return the context of a new connection."""
        return self._credentials.server()

    def stream_refusal(self, transport: Any) -> str:
        """Return in words why the other end of a connection gets no stream, '' when it gets one."""
        try:
            return self._permissions.stream_refusal(peer_of(transport))
        except NoIdentity as error:
            return str(error)

    def request_refusal(self, request: HTTPServerRequest) -> str:
        """Return in words why the caller of a request may not send it, '' when it may."""
        try:
            caller = _caller(request)
        except NoIdentity as error:
            return str(error)
        return self._permissions.refusal(caller, request.method or "", request.path)

    def is_own(self, request: HTTPServerRequest) -> bool:
        """Whether a request comes from whoever has the service's own certificate."""
        try:
            return _caller(request) == self._credentials.identity
        except NoIdentity:
            return False


def guarded(credentials: Credentials | None) -> Guard | None:
    """Return the guard of a listener, None without TLS."""
    return Guard(credentials) if credentials else None


def _caller(request: HTTPServerRequest) -> Identity:
    """Return who has sent a request, over our own HTTP server or Tornado's; raises NoIdentity."""
    stream = getattr(request.connection, "stream", None)
    return peer_of(getattr(stream, "transport", None) or getattr(stream, "socket", None))
