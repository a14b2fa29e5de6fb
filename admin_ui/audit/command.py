"""The command `python -m admin_ui.audit verify`: follows the chain of hashes of a console that is stopped."""

import argparse
import asyncio
import sqlite3
import sys
from collections.abc import Sequence
from pathlib import Path

from admin_ui.audit.chain import BrokenChain, ChainHead
from admin_ui.audit.log import AuditLog, path
from runtime.store import StoreUnusable


def main(arguments: Sequence[str], data: Path) -> int:
    """Check the log in a data folder; returns 0, 1 when the log was changed, or 2 when it can't be read."""
    parser = argparse.ArgumentParser(
        prog="python -m admin_ui.audit", description="Checks the audit log of a console that is stopped."
    )
    verify = parser.add_subparsers(required=True).add_parser("verify", help="follow the chain of hashes")
    verify.add_argument("--known", default="0:", metavar="NUMBER:HASH", help="an entry noted elsewhere")
    number, _, digest = parser.parse_args(arguments).known.partition(":")
    file = path(data)
    if not file.exists():
        sys.stderr.write(f"{file}: there is no audit log\n")
        return 2
    try:
        sys.stdout.write(asyncio.run(_verify(file, ChainHead(int(number), digest))) + "\n")
    except (StoreUnusable, ValueError, sqlite3.Error) as error:
        sys.stderr.write(f"{error}\nWhile the console runs, its page /audit checks the log.\n")
        return 2
    except BrokenChain as error:
        sys.stderr.write(f"THE AUDIT LOG WAS CHANGED: {error}\n")
        return 1
    return 0


async def _verify(file: Path, known: ChainHead) -> str:
    """Follow the chain, which must contain `known`; returns the result in words. Raises BrokenChain."""
    audit = AuditLog(file)
    try:
        head = await audit.verify(known if known.number else None)
    finally:
        await audit.close()
    return f"The chain holds: {head.number} entries, the last hash is {head.hash or 'none yet'}."
