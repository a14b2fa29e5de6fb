"""Who may do what: people and their roles, and the logins that are open.

Pure: time comes as unix seconds, tokens as arguments. Rules:

- a token is kept only as its hash: who reads the memory or the disk can't log in with it;
- a login ends after a fixed time, when it was not used for a while, when it is given up, and as soon as
  its person is gone or has another role or password;
- what is dangerous takes a password that was given a short while ago, unless only this machine comes in.
"""

import dataclasses
import enum
import hashlib
import json
import re
from collections.abc import Callable, Mapping

NAME = re.compile("[a-z0-9][a-z0-9._-]{0,62}")
CONFIRMED_FOR_S = 300.0  # long enough for a few actions in a row, too short to leave the desk


class Role(enum.IntEnum):
    """What one may do; each may do what the ones before may."""

    NOBODY = 0  # not logged in
    VIEWER = 1  # look
    OPERATOR = 2  # act on the grid


@dataclasses.dataclass(frozen=True, slots=True)
class Person:
    """One who may log in; `password` is its hash."""

    name: str
    role: Role
    password: str


@dataclasses.dataclass(frozen=True, slots=True)
class People:
    """All who may log in, and who changed that last."""

    by_name: Mapping[str, Person] = dataclasses.field(default_factory=dict)
    changed_by: str = ""

    def told(self) -> dict[str, str]:
        """Return names with their role and what shows a change of password, for the audit log."""
        return {
            name: f"{person.role.name.lower()} {digest(person.password)[:8]}"
            for name, person in sorted(self.by_name.items())
        }


@dataclasses.dataclass(frozen=True, slots=True)
class Login:
    """One open login; `confirmed_unix_s` is when its password was given last.

    `person` is who it belongs to; None came by the one-time link.
    """

    name: str
    role: Role
    until_unix_s: float
    confirmed_unix_s: float
    seen_unix_s: float = 0.0
    person: Person | None = None


class Logins:
    """The open logins by the hash of their token.

    `confirming` says whether dangerous actions want the password anew.
    """

    def __init__(self, hours: float, idle_minutes: float = 60.0, *, confirming: bool = True) -> None:
        self._lasts_s = hours * 3600
        self._idle_s = idle_minutes * 60
        self.confirming = confirming
        self._open: dict[str, Login] = {}

    def open(
        self, token: str, name: str, role: Role, now_unix_s: float, person: Person | None = None
    ) -> Login:
        """Open a login."""
        self._open = {key: login for key, login in self._open.items() if self._lasts(login, now_unix_s)}
        login = Login(name, role, now_unix_s + self._lasts_s, now_unix_s, now_unix_s, person)
        self._open[digest(token)] = login
        return login

    def find(self, token: str, now_unix_s: float) -> Login | None:
        """Return the login of a token, which is used by that; None when there is none, or it is over."""
        key = digest(token)
        login = self._open.get(key)
        if not login or not self._lasts(login, now_unix_s):
            self._open.pop(key, None)
            return None
        self._open[key] = login = dataclasses.replace(login, seen_unix_s=now_unix_s)
        return login

    def confirm(self, token: str, now_unix_s: float) -> None:
        """Its password was given anew."""
        key = digest(token)
        if key in self._open:
            self._open[key] = dataclasses.replace(self._open[key], confirmed_unix_s=now_unix_s)

    def confirmed(self, login: Login, now_unix_s: float) -> bool:
        """Whether a login may do what is dangerous without its password."""
        return not self.confirming or 0 <= now_unix_s - login.confirmed_unix_s <= CONFIRMED_FOR_S

    def close(self, token: str) -> None:
        """End a login."""
        self._open.pop(digest(token), None)

    def close_all(self, name: str) -> int:
        """End all logins under a name; returns how many there were."""
        return self._drop(lambda login: login.name == name)

    def keep_to(self, people: People) -> int:
        """End the logins of those who are gone or changed; returns how many there were."""
        return self._drop(
            lambda login: login.person is not None and people.by_name.get(login.name) != login.person
        )

    def _drop(self, ends: Callable[[Login], bool]) -> int:
        before = len(self._open)
        self._open = {key: login for key, login in self._open.items() if not ends(login)}
        return before - len(self._open)

    def _lasts(self, login: Login, now_unix_s: float) -> bool:
        return now_unix_s < min(login.until_unix_s, login.seen_unix_s + self._idle_s)


def read(text: str) -> People:
    """Return the people of a people file; raises ValueError."""
    try:
        found = json.loads(text)
        people = [
            Person(str(each["name"]), Role[str(each["role"]).upper()], str(each["password"]))
            for each in found["people"]
        ]
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"it is no people file: {error!r}") from error
    for person in people:
        if not NAME.fullmatch(person.name):
            raise ValueError(
                f"{person.name!r}: a name is up to 63 of a-z 0-9 . _ - and begins with a letter or digit"
            )
        if person.role is Role.NOBODY or not person.password.startswith("$argon2"):
            raise ValueError(f"{person.name}: a role is viewer or operator, a password is an argon2 hash")
    by_name = {person.name: person for person in people}
    if len(by_name) < len(people):
        raise ValueError("a name is there twice")
    return People(by_name, str(found.get("changed_by", "")))


def written(people: People) -> str:
    """Return a people file."""
    listed = [
        {"name": person.name, "role": person.role.name.lower(), "password": person.password}
        for _, person in sorted(people.by_name.items())
    ]
    return json.dumps({"changed_by": people.changed_by, "people": listed}, indent=1) + "\n"


def changes(before: Mapping[str, str], now: Mapping[str, str]) -> dict[str, object]:
    """Return what is different between two tellings of `People.told`; {} when nothing is."""
    kept = before.keys() & now.keys()
    roles = {n: f"{before[n].split()[0]} -> {now[n].split()[0]}" for n in sorted(kept)}
    changed: dict[str, object] = {
        "added": sorted(now.keys() - before.keys()),
        "removed": sorted(before.keys() - now.keys()),
        "role": {name: told for name, told in roles.items() if len(set(told.split(" -> "))) > 1},
        "password": [n for n in sorted(kept) if before[n].split()[1] != now[n].split()[1]],
    }
    return {what: names for what, names in changed.items() if names}


def digest(token: str) -> str:
    """Return what is kept of a token."""
    return hashlib.sha256(token.encode()).hexdigest()
