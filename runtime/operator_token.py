"""The operator's token: who shows it may give orders to balancers and substations, and see what names cars."""

import hmac
import ipaddress
import re
from collections.abc import Iterable
from pathlib import Path

TOKEN = re.compile(r"[\x21-\x7e]{16,255}")
SCHEME = "bearer"
Metadata = tuple[tuple[str, str], ...]


class TokenUnusable(OSError):  # noqa: N818 - a state of the file
    """The file of the token can't be read, or holds no token; the message says which."""


class OperatorToken:
    """A secret that shows itself only in what is sent; ask `shown_in` whether somebody knows it."""

    def __init__(self, text: str) -> None:
        """Raise ValueError, without the token in it, for what can't be one."""
        if not TOKEN.fullmatch(text):
            message = "a token of 16 to 255 visible ASCII characters is accepted"
            raise ValueError(message)
        self._field = f"Bearer {text}"
        self._token = text.encode("ascii")

    def headers(self) -> dict[str, str]:
        """Return the headers of an HTTP request that shows it."""
        return {"Authorization": self._field}

    def metadata(self) -> Metadata:
        """Return the metadata of a gRPC stream that shows it."""
        return (("authorization", self._field),)

    def shown_in(self, authorization: Iterable[str]) -> bool:
        """Whether exactly one `Authorization` field is given, and it shows this token; in constant time."""
        fields = list(authorization)
        scheme, _, token = (fields[0] if len(fields) == 1 else "").partition(" ")
        known = hmac.compare_digest(token.strip().encode(errors="replace"), self._token)
        return known and scheme.lower() == SCHEME

    def __repr__(self) -> str:
        return "OperatorToken(***)"


def read_if_any(path: Path | None) -> OperatorToken | None:
    """Return the token that is all there is in a file, None without a path; raises TokenUnusable."""
    if path is None:
        return None
    try:
        return OperatorToken(path.read_text(encoding="utf-8").strip())
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        message = f"the operator's token in {path} can't be used: {why}"
        raise TokenUnusable(message) from None


def headers(token: OperatorToken | None) -> dict[str, str]:
    """Return the headers that show a token, none without one."""
    return token.headers() if token else {}


def metadata(token: OperatorToken | None) -> Metadata:
    """Return the metadata that shows a token, none without one."""
    return token.metadata() if token else ()


def faults(bind: str, path: Path | None, *, open_to_all: bool) -> list[str]:
    """Return what is wrong with an address that takes orders, as sentences for the start of a service.

    `path` is where the token is, None without one; `open_to_all` says that it is to be done without.
    """
    if path and open_to_all:
        return [
            "OPERATOR_TOKEN_FILE and ALLOW_UNAUTHENTICATED_ORDERS=1 contradict each other: set one of them"
        ]
    if path or open_to_all or ipaddress.ip_address(bind).is_loopback:
        return []
    open_to_others = (
        f"OPERATOR_TOKEN_FILE is not set, and BIND={bind} lets other machines give orders: set it to a file with"
        " a token that its callers know too, or ALLOW_UNAUTHENTICATED_ORDERS=1 to do without"
    )
    return [open_to_others]
