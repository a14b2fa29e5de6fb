"""`python -m deploy.certificates`: makes the authority and the certificates of a grid, and renews those that expire soon."""

import argparse
import datetime as dt
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from deploy.certificates.folder import LOCAL, Wanted, fill
from runtime.settings import integer

NAME = re.compile("[a-z0-9][a-z0-9-]{0,62}")
MOST_DAYS = 3650
MOST_SUBSTATIONS = 10_000


def substations(text: str) -> list[str]:
    """Return the ids in a list, or substation-1 and so on for a number; raises ValueError."""
    if text.isdecimal():
        count = integer(1, MOST_SUBSTATIONS)(text)
        return [f"substation-{number}" for number in range(1, count + 1)]
    names = [name.strip() for name in text.split(",")]
    if not all(NAME.fullmatch(name) for name in names):
        raise ValueError
    return names


def days(text: str) -> float:
    """Return a number of days; raises ValueError."""
    if not 0 < float(text) <= MOST_DAYS:
        raise ValueError
    return float(text)


def main(arguments: Sequence[str]) -> int:
    """Fill the folder; returns 0, or 1 after saying what went wrong."""
    parser = argparse.ArgumentParser(
        prog="python -m deploy.certificates", description=__doc__.partition(": ")[2]
    )
    parser.add_argument("folder", type=Path, nargs="?", default=Path("data/tls"), help="default: data/tls")
    parser.add_argument(
        "--substations",
        type=substations,
        default="3",
        help="their ids, or how many: substation-1, ... (default: 3)",
    )
    parser.add_argument(
        "--hosts",
        default="",
        help="names and addresses by which charge points reach the gateway, besides this machine",
    )
    parser.add_argument(
        "--days", type=days, default="365", help="how long a certificate is valid (default: 365)"
    )
    parser.add_argument(
        "--renew", action="store_true", help="issue all certificates anew, not only those that expire soon"
    )
    options = parser.parse_args(arguments)
    hosts = (*LOCAL, *(host.strip() for host in options.hosts.split(",") if host.strip()))
    wanted = Wanted(options.substations, hosts, options.days, renew_all=options.renew)
    try:
        made = fill(options.folder, wanted, dt.datetime.now(dt.UTC))
    except (OSError, ValueError) as error:
        sys.stderr.write(f"certificates can't be made in {options.folder}: {error}\n")
        return 1
    sys.stdout.write(f"{options.folder}: {'made ' + ', '.join(made) if made else 'nothing to do'}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
