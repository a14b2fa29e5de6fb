"""`python -m gateway.keys new <caller>`: creates an API key, and the line for the key file."""

import argparse
import secrets
import sys

from gateway.callers import ANONYMOUS, NAME, OPERATOR, digest


def main(arguments: list[str] | None = None) -> None:
    """Print a new key on standard error and its line on standard output, so that `>> file` keeps the line."""
    parser = argparse.ArgumentParser(prog="python -m gateway.keys", description=__doc__)
    new = parser.add_subparsers(required=True).add_parser("new", help="make a key for a caller")
    new.add_argument("caller", help="up to 63 of a-z 0-9 . _ -")
    new.add_argument(
        "--operator", action="store_true", help="it finds and stops the sessions of every caller"
    )
    options = parser.parse_args(arguments)
    caller = options.caller
    if not NAME.fullmatch(caller) or caller == ANONYMOUS.name:
        parser.error(f"a caller is up to 63 of a-z 0-9 . _ -, and not {ANONYMOUS.name}")
    key = secrets.token_urlsafe(32)
    sys.stderr.write(f"The key of {caller}, shown only now: {key}\n")
    sys.stdout.write(f"{caller} {digest(key)}{f' {OPERATOR}' if options.operator else ''}\n")


if __name__ == "__main__":
    main()
