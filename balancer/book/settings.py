"""The settings that say where the order book is."""

import dataclasses
import os
from pathlib import Path

from balancer.book.postgres.address import BookAddress, book_address
from runtime.settings import path, path_if_any, setting


@dataclasses.dataclass(frozen=True, kw_only=True)
class BookSettings:
    """The settings of the balancer, and of what is done to its order book while it does not run."""

    data: Path = setting("DATA_DIR", "data", path, "folder that holds the order book and the history")
    order_book: BookAddress | None = setting(
        "ORDER_BOOK",
        "",
        book_address,
        "URL of a PostgreSQL database that keeps the order book; without it, a file in DATA_DIR does",
    )
    order_book_password: Path | None = setting(
        "ORDER_BOOK_PASSWORD_FILE", "", path_if_any, "file with the password for ORDER_BOOK"
    )

    @property
    def book_file(self) -> Path:
        """The file of the embedded order book."""
        return self.data / "balancer" / "orders.sqlite"

    def faults(self) -> list[str]:
        """Return what is wrong with the combination of settings."""
        password = self.order_book_password
        if password and not self.order_book:
            return ["ORDER_BOOK_PASSWORD_FILE is set, and ORDER_BOOK is not: it would not be used"]
        if password and not os.access(password, os.R_OK):
            return [f"ORDER_BOOK_PASSWORD_FILE: {password} can't be read"]
        return []
