"""The command `python -m admin_ui.people`: changes or lists the people who may log in, and prints one-time links."""

import argparse
import dataclasses
import getpass
import sys
from collections.abc import Sequence
from pathlib import Path

from admin_ui.people import file, one_time_link, passwords
from admin_ui.people.document import NAME
from admin_ui.people.file import ChangeRefused
from admin_ui.web.logins import Person, Role

COMMANDS = {
    "add": "let a person log in",
    "passwd": "set a password",
    "role": "set a role",
    "remove": "no longer let a person log in",
}


def main(arguments: Sequence[str], data: Path) -> int:
    """Run one command on a data folder; returns 0, or 1 when nothing could be done."""
    options = _parser().parse_args(arguments)
    match options.command:
        case "list":
            return _list(data)
        case "link":
            return one_time_link.print_link(data)
        case _:
            return _change(options, data)


def _list(data: Path) -> int:
    try:
        people = file.load(file.path(data)).by_name.values()
    except (ValueError, OSError) as error:
        sys.stderr.write(f"The people can't be listed: {error}\n")
        return 1
    sys.stdout.write("".join(f"{person.role.name.lower():9}{person.name}\n" for person in people))
    return 0


def _change(options: argparse.Namespace, data: Path) -> int:
    try:
        # The password is read before the file is locked, so that no other command waits for a person who types.
        password = _read_password(options.name) if options.command in {"add", "passwd"} else ""
        with file.changing(file.path(data)) as (by_name, save):
            report = _apply(options, password, by_name)
            save(f"{getpass.getuser()} (command line)")
    except (ChangeRefused, ValueError, OSError) as error:
        sys.stderr.write(f"Nothing was changed: {error}\n")
        return 1
    sys.stdout.write(f"{report}\n")
    return 0


def _read_password(name: str) -> str:
    """Return the hash of a new password, from the terminal (typed twice) or a line of standard input.

    Raises ChangeRefused.
    """
    if sys.stdin.isatty():
        password = getpass.getpass(f"New password of {name}: ")
        if getpass.getpass("The same again: ") != password:
            raise ChangeRefused("the two are not the same")
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    if fault := passwords.fault(name, password):
        raise ChangeRefused(fault)
    return passwords.hash_password(password)


def _apply(options: argparse.Namespace, password: str, people: dict[str, Person]) -> str:
    """Change `people`; returns what was done, in words. Raises ChangeRefused.

    `password` is the hash of a new password, '' where the command takes none.
    """
    command, name, role = options.command, options.name, getattr(options, "role", "")
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
    parser = argparse.ArgumentParser(prog="python -m admin_ui.people", description="Who may log in.")
    commands = parser.add_subparsers(required=True, dest="command")
    for command, about in COMMANDS.items():
        subparser = commands.add_parser(command, help=about)
        subparser.add_argument("name")
        if command in {"add", "role"}:
            subparser.add_argument("--role", required=True, choices=["viewer", "operator"])
    commands.add_parser("list", help="list who may log in")
    commands.add_parser("link", help="print a one-time link to the console that runs on the data")
    return parser
