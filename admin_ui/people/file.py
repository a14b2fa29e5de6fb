"""The file of people: read again when it has changed; `python -m admin_ui.people.file` changes it."""

import argparse
import contextlib
import dataclasses
import fcntl
import getpass
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from admin_ui.people import passwords
from admin_ui.web.roles import NAME, People, Person, Role, read, written

Stamp = tuple[int, int, int]


class ChangeRefused(Exception):
    """The change can't be made; the message says why."""


def path(data: Path) -> Path:
    """Return where the people lie in a data folder."""
    return data / "admin_ui" / "people.json"


class PeopleFile:
    """The people of a file, as they were when it was read last."""

    def __init__(self, file: Path) -> None:
        """Read it; raises ValueError when it can't be understood, OSError when it can't be read."""
        self._file = file
        self._stamp: Stamp | None = None
        self.people = People()
        self.look()

    def look(self) -> bool:
        """Read the file again if it was changed; returns whether. Raises as above, and keeps who was known."""
        stamp = _stamp(self._file)
        if stamp == self._stamp:
            return False
        self._stamp = stamp  # what is wrong is told once
        self.people = load(self._file)
        return True

    def change(self, person: Person, by: str) -> None:
        """Put a person in the place of the one of that name; raises Refused when there is none any more."""
        with changing(self._file) as (people, save):
            if person.name not in people:
                raise ChangeRefused(f"there is nobody called {person.name}")
            people[person.name] = person
            save(by)
        self.look()


class _Save:
    """Writes what was changed, as a whole or not at all."""

    def __init__(self, file: Path, people: dict[str, Person]) -> None:
        self._file, self._people = file, people

    def __call__(self, by: str) -> None:
        new = self._file.with_suffix(".new")
        new.unlink(missing_ok=True)
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
            opened.write(written(People(self._people, by)))
            opened.flush()
            os.fsync(opened.fileno())
        new.replace(self._file)


@contextlib.contextmanager
def changing(file: Path) -> Iterator[tuple[dict[str, Person], _Save]]:
    """Give the people and what saves them; nobody else changes the file meanwhile."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(file.with_suffix(".lock"), os.O_WRONLY | os.O_CREAT, 0o600), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        people = dict(load(file).by_name)
        yield people, _Save(file, people)


def load(file: Path) -> People:
    """Return the people of a file, nobody when there is none; raises ValueError, OSError."""
    try:
        return read(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return People()
    except ValueError as error:
        raise ValueError(f"{file}: {error}") from error


def _stamp(file: Path) -> Stamp | None:
    try:
        found = file.stat()
    except FileNotFoundError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _asked(name: str) -> str:
    """Return a new password that was typed twice, or is the one line of standard input; raises Refused."""
    if sys.stdin.isatty():
        password = getpass.getpass(f"New password of {name}: ")
        if getpass.getpass("The same again: ") != password:
            raise ChangeRefused("the two are not the same")
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    if fault := passwords.fault(name, password):
        raise ChangeRefused(fault)
    return passwords.hashed(password)


def _apply(asked: argparse.Namespace, password: str, people: dict[str, Person]) -> str:
    """Change `people`, with the hash of a new password if there is one; returns what was done. Raises Refused."""
    command, name, role = asked.command, asked.name, getattr(asked, "role", "")
    if command == "add":
        if not NAME.fullmatch(name) or name in people:
            raise ChangeRefused(
                "a name is new, and up to 63 of a-z 0-9 . _ - that begin with a letter or digit"
            )
        people[name] = Person(name, Role[role.upper()], password)
        return f"{name} may log in as {role}."
    if name not in people:
        raise ChangeRefused(f"there is nobody called {name}")
    if command == "passwd":
        people[name] = dataclasses.replace(people[name], password=password)
        return f"{name} has a new password; other logins of {name} end."
    if command == "role":
        people[name] = dataclasses.replace(people[name], role=Role[role.upper()])
        return f"{name} is {role} now; logins of {name} end."
    del people[name]
    return f"{name} can't log in any more; logins of {name} end."


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m admin_ui.people.file", description="Who may log in.")
    commands = parser.add_subparsers(required=True, dest="command")
    for command, about in {
        "add": "let a person in",
        "passwd": "set a password",
        "role": "set a role",
        "remove": "let a person in no more",
    }.items():
        added = commands.add_parser(command, help=about)
        added.add_argument("name")
        if command in {"add", "role"}:
            added.add_argument("--role", required=True, choices=["viewer", "operator"])
    commands.add_parser("list", help="list who may log in")
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Change or list the people of DATA_DIR; returns 1 when that is refused."""
    asked = _parser().parse_args(arguments)
    file = path(Path(os.environ.get("DATA_DIR") or "data"))
    try:
        if asked.command == "list":
            people = load(file).by_name.values()
            sys.stdout.write("".join(f"{person.role.name.lower():9}{person.name}\n" for person in people))
            return 0
        password = _asked(asked.name) if asked.command in {"add", "passwd"} else ""  # before anybody waits
        with changing(file) as (by_name, save):
            done = _apply(asked, password, by_name)
            save(f"{getpass.getuser()} (command line)")
    except (ChangeRefused, ValueError, OSError) as error:
        sys.stderr.write(f"Nothing was changed: {error}\n")
        return 1
    sys.stdout.write(f"{done}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
