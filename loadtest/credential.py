"""The API key that a rush hour sends: from a file or the environment, never from the command line."""

import re
from pathlib import Path

KEY = re.compile(r"[\x21-\x7e]{1,255}")


class Credential:
    """An API key that shows itself only as a header."""

    def __init__(self, key: str = "") -> None:
        """'' stands for no key. Raises ValueError, without the key in it, for what can't be a header."""
        if key and not KEY.fullmatch(key):
            message = "an API key of 1 to 255 visible ASCII characters is accepted"
            raise ValueError(message)
        self._key = key

    def headers(self) -> dict[str, str]:
        """Return the headers of a request."""
        return {"Authorization": f"Bearer {self._key}"} if self._key else {}

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
        message = "the file is empty"
        raise ValueError(message)
    return Credential(key)
