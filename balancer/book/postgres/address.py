"""Where an order book in PostgreSQL is: a URL such as `postgresql://grid@db-1,db-2:5433/grid?sslmode=verify-full`.

Pure. Rules:

- the URL has no password, because settings are printed when they are wrong;
- of several hosts, the one that can be written is used, so `target_session_attrs` may only be `read-write`.
"""

import dataclasses
import re
from urllib.parse import parse_qsl, unquote, urlsplit

from runtime.settings import HIGHEST_PORT

SCHEMES = ("postgresql", "postgres")
DEFAULT_PORT = 5432
TLS_MODES = ("disable", "prefer", "require", "verify-ca", "verify-full")
ACCEPTED = "postgresql://user@host:port,host:port/database?sslmode=...&sslrootcert=..."
HOST = re.compile(r"(?:\[([0-9A-Fa-f:.]{2,45})\]|([A-Za-z0-9._-]{1,253}))(?::([0-9]{1,5}))?")


@dataclasses.dataclass(frozen=True, slots=True)
class BookAddress:
    """The servers that may have the book, and how to log in; `ca_file` is '' for the authorities of the machine."""

    hosts: tuple[tuple[str, int], ...]
    user: str
    database: str
    tls: str = "prefer"
    ca_file: str = ""

    def __str__(self) -> str:
        """Return the servers and the database, for messages."""
        hosts = ",".join(f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in self.hosts)
        return f"{hosts}/{self.database}"


def book_address(text: str) -> BookAddress | None:
    """Return the address of the order book, None for '' (a SQLite file); raises ValueError with what is accepted."""
    if not text:
        return None
    try:
        parts = urlsplit(text)
    except ValueError as error:
        raise ValueError(f"{ACCEPTED} is accepted ({error})") from None
    if parts.scheme not in SCHEMES:
        raise ValueError(f"{ACCEPTED} is accepted, or nothing for a file of the balancer")
    login, _, hosts = parts.netloc.rpartition("@")
    if ":" in login:
        raise ValueError("it has a password: put that into the file that ORDER_BOOK_PASSWORD_FILE names")
    user, database = unquote(login), unquote(parts.path.lstrip("/"))
    if not user or not database or "/" in database or parts.fragment:
        raise ValueError(f"{ACCEPTED} is accepted, with a user and a database")
    return BookAddress(_hosts(hosts), user, database, **_options(parts.query))


def _hosts(text: str) -> tuple[tuple[str, int], ...]:
    found = []
    for part in text.split(","):
        match = HOST.fullmatch(part)
        if not match or not 0 < (port := int(match[3] or DEFAULT_PORT)) <= HIGHEST_PORT:
            raise ValueError(f"{part!r} is not of the form host or host:port")
        found.append((match[1] or match[2], port))
    if len(set(found)) != len(found):
        raise ValueError("it names a host twice")
    return tuple(found)


def _options(query: str) -> dict[str, str]:
    """Return the fields of BookAddress that the part after the question mark sets."""
    options = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        match name:
            case "sslmode" if value in TLS_MODES:
                options["tls"] = value
            case "sslmode":
                raise ValueError(f"sslmode {value!r}: {', '.join(TLS_MODES)} are accepted")
            case "sslrootcert" if value:
                options["ca_file"] = value
            case "target_session_attrs" if value == "read-write":
                pass  # always so
            case "target_session_attrs":
                raise ValueError("target_session_attrs: only read-write is accepted")
            case "password":
                raise ValueError(
                    "it has a password: put that into the file that ORDER_BOOK_PASSWORD_FILE names"
                )
            case _:
                raise ValueError(
                    f"{name!r} is not accepted: sslmode, sslrootcert and target_session_attrs are"
                )
    return options
