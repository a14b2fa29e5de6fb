"""Changes of the people who may log in: the same for the people page and for the command.

Pure. Rules:

- a name is new when it is added, and known for every other change;
- as soon as there is an administrator who is not disabled, no change leaves none;
- a change that somebody makes of what they have seen is refused when it is no longer so;
- every change of a person ends the person's logins.
"""

import dataclasses
import enum
from collections.abc import Mapping

from admin_ui.people.document import NAME
from admin_ui.web.logins import Person, Role

ROLES = {role.name.lower(): role for role in Role if role is not Role.NOBODY}
ACCEPTED_NAME = "a name has up to 63 of a-z 0-9 . _ - and begins with a letter or digit"


class ChangeRefused(Exception):
    """The change can't be made; the message says why."""


class ChangeKind(enum.StrEnum):
    """What is done with a person."""

    ADD = "add"
    PASSWORD = "passwd"  # noqa: S105 - a word, and no password
    ROLE = "role"
    RESET = "reset"
    END_LOGINS = "end-logins"
    DISABLE = "disable"
    ENABLE = "enable"
    REMOVE = "remove"


WITH_LINK = frozenset(
    {ChangeKind.ADD, ChangeKind.RESET}
)  # the person then sets a password by a one-time link


@dataclasses.dataclass(frozen=True, slots=True)
class Change:
    """One change; `role` belongs to ADD and ROLE, `password` (a hash) to PASSWORD, and to ADD if one is set at once.

    With `seen`, the change is made only if the person is still that one; with `by`, only if who makes it is.
    """

    kind: ChangeKind
    name: str
    role: Role = Role.NOBODY
    password: str = ""
    seen: Person | None = None
    by: Person | None = None


def apply(people: dict[str, Person], change: Change) -> str:
    """Change `people`, which are by name; returns what was done, in a sentence.

    Raises ChangeRefused, and leaves `people` as they were.
    """
    if change.by and people.get(change.by.name) != change.by:
        raise ChangeRefused(f"the account of {change.by.name}, who asks for it, was changed meanwhile")
    if change.kind is ChangeKind.ADD and (not NAME.fullmatch(change.name) or change.name in people):
        raise ChangeRefused(f"a name is new; {ACCEPTED_NAME}")
    if change.kind is not ChangeKind.ADD and change.name not in people:
        raise ChangeRefused(f"there is nobody called {change.name}")
    if change.seen and people[change.name] != change.seen:
        raise ChangeRefused(f"the account of {change.name} was changed meanwhile")
    changed = dict(people)
    if change.kind is ChangeKind.REMOVE:
        del changed[change.name]
    else:
        changed[change.name] = after(people.get(change.name), change)
    if _administrators(people) and not _administrators(changed):
        raise ChangeRefused(
            f"{change.name} is the last administrator: give somebody else the role administrator first"
        )
    people.clear()
    people.update(changed)
    return _sentence(change)


def _administrators(people: Mapping[str, Person]) -> int:
    return sum(each.role is Role.ADMINISTRATOR and not each.disabled for each in people.values())


def after(person: Person | None, change: Change) -> Person:
    """Return a person as a change leaves them; None for one who is added."""
    if person is None:
        return Person(change.name, change.role, change.password)
    changed = dataclasses.replace(person, logins_ended=person.logins_ended + 1)
    match change.kind:
        case ChangeKind.PASSWORD | ChangeKind.RESET:
            return dataclasses.replace(changed, password=change.password)  # '' for RESET
        case ChangeKind.ROLE:
            return dataclasses.replace(changed, role=change.role)
        case ChangeKind.DISABLE | ChangeKind.ENABLE:
            return dataclasses.replace(changed, disabled=change.kind is ChangeKind.DISABLE)
        case _:
            return changed


def _sentence(change: Change) -> str:
    name, role = change.name, change.role.name.lower()
    return {
        ChangeKind.ADD: f"{name} may log in as {role}.",
        ChangeKind.PASSWORD: f"{name} has a new password; other logins of {name} end.",
        ChangeKind.ROLE: f"{name} is {role} now; logins of {name} end.",
        ChangeKind.RESET: f"{name} has no password until the link is used; logins of {name} end.",
        ChangeKind.END_LOGINS: f"logins of {name} end.",
        ChangeKind.DISABLE: f"{name} can't log in until enabled again; logins of {name} end.",
        ChangeKind.ENABLE: f"{name} can log in again.",
        ChangeKind.REMOVE: f"{name} can't log in any more; logins of {name} end.",
    }[change.kind]
