"""The secrets that a rush hour sends: from files or the environment, never from the command line."""

import re
from pathlib import Path

from runtime.operator_token import OperatorToken, headers

KEY = re.compile(r"[\x21-\x7e]{1,255}")


class Credential:
    """The API key for the gateway, and the operator token for the balancer. They are sent as headers, and never printed."""

    def __init__(self, key: str = "", token: OperatorToken | None = None) -> None:
        """'' stands for no key. Raises ValueError, without the key in it, for what can't be a header."""
        self._token = token
        if key and not KEY.fullmatch(key):
            raise ValueError("an API key of 1 to 255 visible ASCII characters is accepted")
        self._key = key

    def headers(self) -> dict[str, str]:
        """Return the headers of a request to the gateway."""
        return {"Authorization": f"Bearer {self._key}"} if self._key else {}

    def orders(self) -> dict[str, str]:
        """Return the headers of an order to the balancer."""
        return headers(self._token)

    def with_token(self, token: OperatorToken | None) -> "Credential":
        """Return the same key with this token."""
        return Credential(self._key, token)

    def __repr__(self) -> str:
        return f"Credential({'***' if self._key else ''})"


def from_file(path: str) -> Credential:
    """Read the key that is all there is in a file; raises ValueError."""
    try:
        key = Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        message = error.strerror if isinstance(error, OSError) else "it is not text"
        raise ValueError(message) from None
    if not key:
        raise ValueError("the file is empty")
    return Credential(key)
