"""The secrets that a rush hour sends: from files or the environment, never from the command line."""

import re
from pathlib import Path
from typing import Any

import aiohttp

from runtime.operator_token import OperatorToken, headers
from runtime.tls import http_client
from runtime.tls.credentials import Credentials
from runtime.tls.identity import Role

KEY = re.compile(r"[\x21-\x7e]{1,255}")


class Credential:
    """The API key for the gateway, and the operator token for the balancer. They are sent as headers, and never printed."""

    def __init__(
        self, key: str = "", token: OperatorToken | None = None, tls: Credentials | None = None
    ) -> None:
        """'' stands for no key; `tls` is for a grid under mutual TLS. Raises ValueError, without the key in its message, for a key that can't be a header."""
        self._token = token
        self._tls = tls
        if key and not KEY.fullmatch(key):
            raise ValueError("an API key of 1 to 255 visible ASCII characters is accepted")
        self._key = key

    def headers(self) -> dict[str, str]:
        """Return the headers of a request to the gateway."""
        return {"Authorization": f"Bearer {self._key}"} if self._key else {}

    def orders(self) -> dict[str, str]:
        """Return the headers of an order to the balancer."""
        return headers(self._token)

    def beside(self, token: OperatorToken | None, tls: Credentials | None) -> "Credential":
        """Return a credential with the same key, this token and these certificates."""
        return Credential(self._key, token, tls)

    def session(self, gateway_url: str, balancer_url: str, **options: Any) -> aiohttp.ClientSession:
        """Return a client of a grid; `options` are those of aiohttp's connector."""
        roles = {gateway_url: None, balancer_url: Role.BALANCER}
        return aiohttp.ClientSession(connector=http_client.connector(self._tls, roles, **options))

    def __repr__(self) -> str:
        return f"Credential({'***' if self._key else ''})"


def from_file(path: str) -> Credential:
    """Return the key that is the whole content of a file; raises ValueError."""
    try:
        key = Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        message = error.strerror if isinstance(error, OSError) else "it is not text"
        raise ValueError(message) from None
    if not key:
        raise ValueError("the file is empty")
    return Credential(key)
