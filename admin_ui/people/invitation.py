"""Personal one-time links: with one, a person sets a password and is logged in.

An administrator creates one when a person is added, or when the password is reset. Unlike the links of
`one_time_link.py`, they work from other machines too. Each link has its own file, whose name is the hash of the link's token
and which holds the name of the person. A person has at most one valid link.
"""

import contextlib
import fcntl
import hashlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from admin_ui.people.document import NAME

FOLDER = "invitations"
HOURS = 24
LASTS_S = HOURS * 3600.0


def create(data: Path, name: str, now_unix_s: float) -> str:
    """Create a link for a person and return its token; earlier links of this person and expired ones are removed."""
    folder = data / "admin_ui" / FOLDER
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    token = secrets.token_urlsafe(24)
    with _one_at_a_time(folder):  # else one could remove what another has not finished
        for file in folder.iterdir():
            if _person(file, now_unix_s) in {"", name}:
                file.unlink(missing_ok=True)
        made = os.open(_file(data, token), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(made, "w") as opened:
            opened.write(name)
    return token


def person(data: Path, token: str, now_unix_s: float) -> str:
    """Return the name of the person for whom a valid link is, '' for any other token."""
    return _person(_file(data, token), now_unix_s)


def use(data: Path, token: str, now_unix_s: float) -> str:
    """Use a link; returns the name of its person, '' if it was not valid. It is not valid a second time."""
    name = person(data, token, now_unix_s)
    try:
        _file(data, token).unlink()  # of two simultaneous uses, one finds it gone
    except OSError:
        return ""
    return name


@contextlib.contextmanager
def _one_at_a_time(folder: Path) -> Iterator[None]:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _person(file: Path, now_unix_s: float) -> str:
    with contextlib.suppress(OSError, ValueError):
        name = file.read_text(encoding="utf-8")
        if NAME.fullmatch(name) and now_unix_s - file.stat().st_mtime <= LASTS_S:
            return name
    return ""


def _file(data: Path, token: str) -> Path:
    return data / "admin_ui" / FOLDER / hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()
