"""Who may do what: roles, and the logins that are open.

Pure: time comes as unix seconds, tokens as arguments. Rules:

- a token is kept only as its hash: who reads the memory or the disk can't log in with it;
- a login ends after a fixed time, and when it is given up.
"""

import dataclasses
import enum
import hashlib


class Role(enum.IntEnum):
    """What one may do; each may do what the ones before may."""

    NOBODY = 0  # not logged in
    VIEWER = 1  # look
    OPERATOR = 2  # act on the grid


@dataclasses.dataclass(frozen=True, slots=True)
class Login:
    """One open login; `confirmed_unix_s` is when its password was given last."""

    name: str
    role: Role
    until_unix_s: float
    confirmed_unix_s: float


class Logins:
    """The open logins by the hash of their token."""

    def __init__(self, hours: float) -> None:
        self._lasts_s = hours * 3600
        self._open: dict[str, Login] = {}

    def open(self, token: str, name: str, role: Role, now_unix_s: float) -> Login:
        """Open a login."""
        self._open = {key: login for key, login in self._open.items() if login.until_unix_s > now_unix_s}
        login = Login(name, role, now_unix_s + self._lasts_s, now_unix_s)
        self._open[digest(token)] = login
        return login

    def find(self, token: str, now_unix_s: float) -> Login | None:
        """Return the login of a token; None when there is none, or it is over."""
        login = self._open.get(digest(token))
        return login if login and login.until_unix_s > now_unix_s else None

    def close(self, token: str) -> None:
        """End a login."""
        self._open.pop(digest(token), None)


def digest(token: str) -> str:
    """Return what is kept of a token."""
    return hashlib.sha256(token.encode()).hexdigest()
