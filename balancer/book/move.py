"""`python -m balancer.book.move`: moves the order book from its file to PostgreSQL, while the balancer does not run."""

import asyncio
import os
import sys

from balancer.book.postgres.moving import AlreadyMoved, move
from balancer.book.protocol import BookUnavailable
from balancer.book.settings import BookSettings
from runtime.settings import SettingsError, load
from runtime.store import StoreFull, StoreUnusable


def main() -> int:
    """Move the book of DATA_DIR to ORDER_BOOK; returns the exit code."""
    try:
        settings = load(BookSettings, os.environ)
    except SettingsError as error:
        sys.stderr.write("".join(f"{fault}\n" for fault in error.faults))
        return 2
    if not settings.order_book:
        sys.stderr.write("ORDER_BOOK is not set: it names the database to move to\n")
        return 2
    try:
        moved = asyncio.run(move(settings.book_file, settings.order_book, settings.order_book_password))
    except AlreadyMoved as error:
        sys.stdout.write(f"{error}\n")
        return 0
    except (BookUnavailable, StoreUnusable, StoreFull, OSError) as error:
        sys.stderr.write(f"the order book was not moved: {error}\n")
        return 1
    sys.stdout.write(f"{moved}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
