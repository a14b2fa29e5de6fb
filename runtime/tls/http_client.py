"""Connections of aiohttp to services of the grid: each must prove the role that its URL stands for."""

import ssl
from collections.abc import Mapping
from typing import Any

import aiohttp
from yarl import URL

from runtime.tls.credentials import Credentials
from runtime.tls.identity import Role


class GridConnector(aiohttp.TCPConnector):
    """Calls the services of one grid under mutual TLS, and the public API of its gateway as any client does.

    A URL that no setting names is that of a substation: the balancer has found it.
    """

    def __init__(self, credentials: Credentials, roles: Mapping[str, Role | None], **options: Any) -> None:
        """`roles` has the role behind each base URL, None where no certificate is asked for."""
        super().__init__(**options)
        self._credentials = credentials
        self._roles = {URL(url).origin(): role for url, role in roles.items()}

    def expect(self, url: str, role: Role) -> None:
        """Ask for this role at a base URL that was found later."""
        self._roles[URL(url).origin()] = role

    def _get_ssl_context(self, req: aiohttp.ClientRequest) -> ssl.SSLContext | None:
        """Return the context for a request: aiohttp asks for it at each new connection."""
        if not req.is_ssl():
            return None
        role = self._roles.get(req.url.origin(), Role.SUBSTATION)
        return self._credentials.client(role) if role else self._credentials.public()


def expect(client: aiohttp.ClientSession, url: str, role: Role) -> None:
    """Ask for this role at a base URL that was found later; without TLS nothing is asked for."""
    if isinstance(client.connector, GridConnector):
        client.connector.expect(url, role)


def connector(
    credentials: Credentials | None, roles: Mapping[str, Role | None], **options: Any
) -> aiohttp.TCPConnector:
    """Return the connector of a client; `options` are those of aiohttp. Without credentials it is aiohttp's own."""
    return GridConnector(credentials, roles, **options) if credentials else aiohttp.TCPConnector(**options)
