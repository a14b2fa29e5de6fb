"""The operator token: it allows orders to balancers and substations, and access to pages that name vehicles."""

import hmac
import ipaddress
import re
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

TOKEN = re.compile(r"[\x21-\x7e]{16,255}")
DIGEST = re.compile(r"sha256:([0-9a-f]{64})")
SCHEME = "bearer"


class TokenUnusable(OSError):
    """The file of the token can't be read, or holds no token; the message says which."""


class OperatorToken:
    """A secret that is only ever sent, never printed; `shown_in` checks whether a request has it.

    Of its digest, `sha256:` and 64 hexadecimal digits, a service can check it, but can't send it.
    """

    def __init__(self, text: str) -> None:
        """Raise ValueError, without the token in it, for what can't be one."""
        if not TOKEN.fullmatch(text):
            raise ValueError("a token must be 16 to 255 visible ASCII characters")
        found = DIGEST.fullmatch(text)
        if not found and text.lower().startswith("sha256:"):  # else the digest itself would be the token
            raise ValueError("a digest must be sha256: and 64 hexadecimal digits in lower case")
        self._field = "" if found else f"Bearer {text}"
        self._digest = bytes.fromhex(found[1]) if found else sha256(text.encode("ascii")).digest()

    def headers(self) -> dict[str, str]:
        """Return the headers with which an HTTP request sends it; none for a digest."""
        return {"Authorization": self._field} if self._field else {}

    @property
    def field(self) -> str:
        """What an `Authorization` header, or the beginning of a stream, has of it; '' for a digest."""
        return self._field

    def shown_in(self, authorization: Iterable[str]) -> bool:
        """Whether there is exactly one `Authorization` field and it has this token; in constant time."""
        fields = list(authorization)
        scheme, _, token = (fields[0] if len(fields) == 1 else "").partition(" ")
        known = hmac.compare_digest(sha256(token.strip().encode(errors="replace")).digest(), self._digest)
        return known and scheme.lower() == SCHEME

    @property
    def digest(self) -> str:
        """The digest, as a file may have it in place of the token."""
        return f"sha256:{self._digest.hex()}"

    def __repr__(self) -> str:
        return "OperatorToken(***)"


def read_if_any(path: Path | None) -> OperatorToken | None:
    """Return the token in a file, None without a path; raises TokenUnusable."""
    if path is None:
        return None
    try:
        return OperatorToken(path.read_text(encoding="utf-8").strip())
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise TokenUnusable(f"the operator token in {path} can't be used: {why}") from None


def headers(token: OperatorToken | None) -> dict[str, str]:
    """Return the headers that send a token; empty without one."""
    return token.headers() if token else {}


def field(token: OperatorToken | None) -> str:
    """Return what the beginning of a stream has of a token; '' without one."""
    return token.field if token else ""


def faults(bind: str, path: Path | None, *, open_to_all: bool) -> list[str]:
    """Return what is wrong with the settings of a service that takes orders, as sentences.

    `path` is the file of the token, None without one; `open_to_all` allows orders without a token.
    """
    if path and open_to_all:
        return [
            "OPERATOR_TOKEN_FILE and ALLOW_UNAUTHENTICATED_ORDERS=1 contradict each other: set one of them"
        ]
    if path or open_to_all or ipaddress.ip_address(bind).is_loopback:
        return []
    open_to_others = (
        f"OPERATOR_TOKEN_FILE is not set, and BIND={bind} lets other machines give orders: set it to a file with"
        " the token that all services use, or set ALLOW_UNAUTHENTICATED_ORDERS=1 to require none"
    )
    return [open_to_others]
