"""The command `python -m admin_ui.people`: changes or lists the people who may log in, and prints one-time links."""

import argparse
import getpass
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from admin_ui.people import file, invitation, one_time_link, passwords
from admin_ui.people.change import ROLES, Change, ChangeKind, ChangeRefused
from admin_ui.web.logins import Role

COMMANDS = {
    ChangeKind.ADD: "let a person log in",
    ChangeKind.PASSWORD: "set a password",
    ChangeKind.ROLE: "set a role",
    ChangeKind.RESET: "print a one-time link with which a person sets a new password; the old one ends",
    ChangeKind.END_LOGINS: "end all logins of a person",
    ChangeKind.DISABLE: "let a person log in no longer, but keep the account",
    ChangeKind.ENABLE: "let a disabled person log in again",
    ChangeKind.REMOVE: "remove a person",
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
    for person in people:
        state = " (disabled)" if person.disabled else "" if person.password else " (has no password yet)"
        sys.stdout.write(f"{person.role.name.lower():14}{person.name}{state}\n")
    return 0


def _change(options: argparse.Namespace, data: Path) -> int:
    kind = ChangeKind(options.command)
    with_link = kind is ChangeKind.RESET or bool(getattr(options, "link", False))
    try:
        # The password is read before the file is locked, so that no other command waits for a person who types.
        asks = kind in {ChangeKind.ADD, ChangeKind.PASSWORD} and not with_link
        password = _read_password(options.name) if asks else ""
        role = Role[getattr(options, "role", "nobody").upper()]
        change = Change(kind, options.name, role, password)
        report = file.change_file(file.path(data), change, f"{getpass.getuser()} (command line)")
    except (ChangeRefused, ValueError, OSError) as error:
        sys.stderr.write(f"Nothing was changed: {error}\n")
        return 1
    sys.stdout.write(f"{report}\n")
    return _print_link(data, options.name) if with_link else 0


def _print_link(data: Path, name: str) -> int:
    """Print a new personal link; returns 1 after saying why there is none."""
    try:
        token = invitation.create(data, name, time.time())
    except OSError as error:
        sys.stderr.write(f"The link could not be made: {error}\nUse `reset {name}` to make one.\n")
        return 1
    sys.stdout.write(
        f"Within {invitation.HOURS} hours, {name} sets a password at\n"
        f"{one_time_link.browsers_url(data)}/enter?token={token}\n"
    )
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


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m admin_ui.people", description="Who may log in.")
    commands = parser.add_subparsers(required=True, dest="command")
    for command, about in COMMANDS.items():
        subparser = commands.add_parser(command, help=about)
        subparser.add_argument("name")
        if command in {ChangeKind.ADD, ChangeKind.ROLE}:
            subparser.add_argument("--role", required=True, choices=list(ROLES))
        if command is ChangeKind.ADD:
            about_link = "print a one-time link with which the person sets the password, and ask for none"
            subparser.add_argument("--link", action="store_true", help=about_link)
    commands.add_parser("list", help="list who may log in")
    commands.add_parser("link", help="print a one-time link to the console that runs on the data")
    return parser
