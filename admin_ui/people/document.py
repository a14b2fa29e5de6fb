"""The people who may log in, and the text of the people file: both directions of the format, and what changed.

Pure.
"""

import dataclasses
import json
import re
from collections.abc import Mapping

from admin_ui.web.logins import Person, Role, digest
from runtime import strict_json

NAME = re.compile("[a-z0-9][a-z0-9._-]{0,62}")


@dataclasses.dataclass(frozen=True, slots=True)
class People:
    """All who may log in, and who made the last change."""

    by_name: Mapping[str, Person] = dataclasses.field(default_factory=dict)
    changed_by: str = ""

    def summary(self) -> dict[str, str]:
        """Return each person in four words for the audit log: role, password, state, number of times logins were ended.

        The password is a short digest of its hash, which shows that it was changed, and nothing else about it.
        """
        return {
            name: f"{person.role.name.lower()} {digest(person.password)[:8]} "
            f"{'disabled' if person.disabled else 'enabled'} {person.logins_ended}"
            for name, person in sorted(self.by_name.items())
        }


def decode(text: str) -> People:
    """Return the people of a people file; raises ValueError when the text is not one."""
    try:
        found = strict_json.decode(text)
        people = [
            Person(
                str(each["name"]),
                Role[str(each["role"]).upper()],
                str(each["password"]),
                bool(each.get("disabled", False)),
                int(each.get("logins_ended", 0)),
            )
            for each in found["people"]
        ]
    except (KeyError, TypeError, AttributeError, OverflowError) as error:
        raise ValueError(f"it is no people file: {error!r}") from error
    for person in people:
        if not NAME.fullmatch(person.name):
            raise ValueError(
                f"{person.name!r}: a name is up to 63 of a-z 0-9 . _ - and begins with a letter or digit"
            )
        if person.role is Role.NOBODY:
            raise ValueError(f"{person.name}: a role is viewer, operator or administrator")
        if person.password and not person.password.startswith("$argon2"):
            raise ValueError(f"{person.name}: a password is an argon2 hash, or empty until it is set")
    by_name = {person.name: person for person in people}
    if len(by_name) < len(people):
        raise ValueError("a name is there twice")
    return People(by_name, str(found.get("changed_by", "")))


def encode(people: People) -> str:
    """Return the text of a people file."""
    listed = [
        {"name": person.name, "role": person.role.name.lower(), "password": person.password}
        | ({"disabled": True} if person.disabled else {})
        | ({"logins_ended": person.logins_ended} if person.logins_ended else {})
        for _, person in sorted(people.by_name.items())
    ]
    return json.dumps({"changed_by": people.changed_by, "people": listed}, indent=1) + "\n"


def changes(before: Mapping[str, str], now: Mapping[str, str]) -> dict[str, object]:
    """Return the differences between two values of `People.summary`; {} when there are none."""
    kept = sorted(before.keys() & now.keys())
    roles, passwords, states, ends = (
        {
            name: (old, new)
            for name in kept
            if (old := _words(before[name])[at]) != (new := _words(now[name])[at])
        }
        for at in range(4)
    )
    changed: dict[str, object] = {
        "added": sorted(now.keys() - before.keys()),
        "removed": sorted(before.keys() - now.keys()),
        "role": {name: f"{old} -> {new}" for name, (old, new) in roles.items()},
        "password": list(passwords),
        "state": {name: new for name, (_, new) in states.items()},
        "ended_logins_of": list(ends),
    }
    return {what: names for what, names in changed.items() if names}


def _words(summary: str) -> list[str]:
    """Return the four words of a person in a summary; older versions of the audit log have only the first two."""
    words = summary.split()
    return words if len(words) > 2 else [*words, "enabled", "0"]
