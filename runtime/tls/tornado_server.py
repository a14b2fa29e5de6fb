"""Tornado's server under TLS, with the certificates of the moment for each connection."""

import socket
import ssl
from collections.abc import Callable
from typing import Any

from runtime.connections import LimitedServer


class TlsServer(LimitedServer):
    """A `LimitedServer` whose connections begin with a handshake."""

    def initialize(self, *args: Any, tls: Callable[[], ssl.SSLContext], **kwargs: Any) -> None:  # type: ignore[override]
        """`tls` returns the context of a new connection; the others are those of LimitedServer."""
        super().initialize(*args, ssl_options=tls(), **kwargs)
        self._tls = tls

    def _handle_connection(self, connection: socket.socket, address: Any) -> None:
        self.ssl_options = self._tls()
        super()._handle_connection(connection, address)
