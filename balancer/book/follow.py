"""`python -m balancer.book.follow BOOK_ID`: lets the order book take over the substations of one that is lost."""

import asyncio
import os
import re
import sys

from balancer.book.embedded import EmbeddedBook
from balancer.book.postgres.patience import UNHURRIED
from balancer.book.protocol import BookUnavailable, KeptBook
from balancer.book.settings import BookSettings
from runtime.settings import SettingsError, load
from runtime.store import StoreUnusable

BOOK_ID = re.compile("[0-9a-f]{16}")


def main(arguments: list[str]) -> int:
    """Note in the order book that the settings name that it follows another one; returns the exit code."""
    if len(arguments) != 1 or not BOOK_ID.fullmatch(arguments[0]):
        sys.stderr.write("the id of the lost order book is wanted: 16 digits and letters a to f\n")
        return 2
    try:
        settings = load(BookSettings, os.environ)
        book_id = asyncio.run(_follow(settings, arguments[0]))
    except SettingsError as error:
        sys.stderr.write("".join(f"{fault}\n" for fault in error.faults))
        return 2
    except (BookUnavailable, StoreUnusable, OSError) as error:
        sys.stderr.write(f"the order book can't be written: {error}\n")
        return 1
    sys.stdout.write(f"order book {book_id} takes over the substations of {arguments[0]}\n")
    return 0


async def _follow(settings: BookSettings, former_id: str) -> str:
    book = await _opened(settings)
    try:
        if book.book_id == former_id:
            raise BookUnavailable(f"{former_id} is its own id")
        await book.follow(former_id)
        return book.book_id
    finally:
        await book.close()


async def _opened(settings: BookSettings) -> KeptBook:
    if not settings.order_book:
        return EmbeddedBook(settings.book_file)
    from prometheus_client import CollectorRegistry  # noqa: PLC0415 - as below

    from balancer.book.metrics import BookMetrics  # noqa: PLC0415 - as below
    from balancer.book.postgres.opening import open_book  # noqa: PLC0415 - the driver, where there is a database

    metrics = BookMetrics(CollectorRegistry())
    return await open_book(settings.order_book, settings.order_book_password, metrics, patience=UNHURRIED)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
