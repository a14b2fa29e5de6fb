"""Roles, and the logins that are open.

Pure: time comes as unix seconds, tokens as arguments. Rules:

- only the hash of a token is kept: nobody can log in with what they read in the memory or on the disk;
- a login ends after a fixed time, after a while without use, at a logout, and as soon as its person is removed or gets
  another role or password;
- a dangerous action requires that the password was given a short while ago, unless only this machine can reach the
  console.
"""

import dataclasses
import enum
import hashlib
from collections.abc import Callable, Mapping

CONFIRMED_FOR_S = 300.0  # long enough for a few actions in a row, too short to leave the desk


class Role(enum.IntEnum):
    """What a person may do; each role includes those before it."""

    NOBODY = 0  # not logged in
    VIEWER = 1  # look
    OPERATOR = 2  # act on the grid
    ADMINISTRATOR = 3  # decide who may log in


class LoginMethod(enum.StrEnum):
    """How somebody logged in."""

    PASSWORD = "password"  # noqa: S105 - a word, and no password
    LINK = "one-time link"
    SINGLE_SIGN_ON = "single sign-on"


@dataclasses.dataclass(frozen=True, slots=True)
class Person:
    """Somebody who may log in; `password` is the hash of the password, '' until one is set.

    A person who is disabled can't log in. `logins_ended` counts how often all logins were ended.
    """

    name: str
    role: Role
    password: str
    disabled: bool = False
    logins_ended: int = 0


@dataclasses.dataclass(frozen=True, slots=True)
class Login:
    """One open login; `confirmed_unix_s` is when its password was given last, `seen_unix_s` when it was used last.

    `person` is None for a login by one-time link or single sign-on. `id_token` is what the provider has sent, for the logout there.
    """

    name: str
    role: Role
    until_unix_s: float
    confirmed_unix_s: float
    seen_unix_s: float = 0.0
    person: Person | None = None
    method: LoginMethod = LoginMethod.LINK
    id_token: str = dataclasses.field(default="", repr=False)


class Logins:
    """The open logins by the hash of their token.

    A login ends after `hours`, and after `idle_minutes` without use. `confirming` says whether dangerous actions require
    that the password was given a short while ago.
    """

    def __init__(self, hours: float, idle_minutes: float = 60.0, *, confirming: bool = True) -> None:
        self._lasts_s = hours * 3600
        self._idle_s = idle_minutes * 60
        self.confirming = confirming
        self._open: dict[str, Login] = {}

    def open(
        self,
        token: str,
        name: str,
        role: Role,
        now_unix_s: float,
        person: Person | None = None,
        method: LoginMethod | None = None,
    ) -> Login:
        """Open a login; `method` is by default the password where there is a person, else a one-time link."""
        self._forget_ended(now_unix_s)
        method = method or (LoginMethod.PASSWORD if person else LoginMethod.LINK)
        login = Login(name, role, now_unix_s + self._lasts_s, now_unix_s, now_unix_s, person, method)
        self._open[digest(token)] = login
        return login

    def find(self, token: str, now_unix_s: float) -> Login | None:
        """Return the login of a token, and record that it was used; None when there is none, or it has ended."""
        key = digest(token)
        login = self._open.get(key)
        if not login or not self._lasts(login, now_unix_s):
            self._open.pop(key, None)
            return None
        self._open[key] = login = dataclasses.replace(login, seen_unix_s=now_unix_s)
        return login

    def confirm(self, token: str, now_unix_s: float) -> None:
        """Record that the password of a login was given again."""
        key = digest(token)
        if key in self._open:
            self._open[key] = dataclasses.replace(self._open[key], confirmed_unix_s=now_unix_s)

    def keep_id_token(self, token: str, id_token: str) -> None:
        """Keep with a login what the provider has sent."""
        key = digest(token)
        if key in self._open:
            self._open[key] = dataclasses.replace(self._open[key], id_token=id_token)

    def confirmed(self, login: Login, now_unix_s: float) -> bool:
        """Whether a login may carry out a dangerous action without giving its password again."""
        return not self.confirming or 0 <= now_unix_s - login.confirmed_unix_s <= CONFIRMED_FOR_S

    def all(self, now_unix_s: float, *, but: str = "") -> list[Login]:
        """Return all open logins, except that of the token `but`."""
        self._forget_ended(now_unix_s)
        return [login for key, login in self._open.items() if key != digest(but)]

    def close(self, token: str) -> None:
        """End a login."""
        self._open.pop(digest(token), None)

    def close_all(self, name: str) -> int:
        """End all logins of a name; returns how many there were."""
        return self._drop(lambda login: login.name == name)

    def keep_to(self, people: Mapping[str, Person]) -> int:
        """End the logins of people who were removed or changed; returns how many there were. `people` is by name."""
        return self._drop(lambda login: login.person is not None and people.get(login.name) != login.person)

    def _forget_ended(self, now_unix_s: float) -> None:
        self._open = {key: login for key, login in self._open.items() if self._lasts(login, now_unix_s)}

    def _drop(self, ends: Callable[[Login], bool]) -> int:
        before = len(self._open)
        self._open = {key: login for key, login in self._open.items() if not ends(login)}
        return before - len(self._open)

    def _lasts(self, login: Login, now_unix_s: float) -> bool:
        return now_unix_s < min(login.until_unix_s, login.seen_unix_s + self._idle_s)


def digest(token: str) -> str:
    """Return the hash under which a token is kept."""
    return hashlib.sha256(token.encode()).hexdigest()
