"""The path below which browsers see the console, when a proxy shows it at a part of a host such as `/console`.

Pure. Routes, redirects and templates name addresses from the console's own root, such as `/audit`. What browsers get has the
base path before it. Adding it twice changes nothing: no address of the console begins with its base path, which `parse` ensures.
"""

import re

PART = r"/[A-Za-z0-9_~-][A-Za-z0-9._~-]*"
LONGEST = 100
# The first parts of the console's own addresses. A base path that begins with one could not be told from it.
OWN = frozenset(
    [
        "account",
        "alarms",
        "api",
        "audit",
        "confirm",
        "decisions",
        "energy",
        "enter",
        "livez",
        "login",
        "logout",
        "metrics",
        "people",
        "readyz",
        "runbooks",
        "runs",
        "rush-hour",
        "sessions",
        "sso",
        "static",
        "stream",
    ]
)
LINK = re.compile(r'\b((?:data-)?href|action)="/(?!/)')


def parse(text: str) -> str:
    """Return a base path without the slash at its end, '' for none; raises ValueError with what is accepted."""
    path = text.rstrip("/")
    if not re.fullmatch(f"({PART})*", path) or len(path) > LONGEST:
        raise ValueError("a path such as /console or /grid/console is accepted")
    if path.split("/")[1:2] and path.split("/")[1] in OWN:
        raise ValueError(f"a path that begins with /{path.split('/')[1]} is an address of the console itself")
    return path


def under(base: str, address: str) -> str:
    """Return an address of the console as browsers see it; other addresses, and one that is so already, stay as they are."""
    if not address.startswith("/") or address.startswith("//") or within(base, address) != address:
        return address
    return base + address


def within(base: str, address: str) -> str:
    """Return an address without the base path; one that does not lie below it stays as it is."""
    rest = address.removeprefix(base)
    if not base or rest == address or rest[:1] not in {"", "/", "?", "#"}:
        return address
    return rest if rest.startswith("/") else f"/{rest}"


def in_template(source: str) -> str:
    """Return the source of a template whose links, written from the console's root, get the base path."""
    return LINK.sub(r'\1="{{ base }}/', source)
