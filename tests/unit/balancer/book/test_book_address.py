"""The URL of an order book, and that no password in it is ever printed."""

import re
import subprocess
import sys

import pytest

from balancer.book.postgres.address import BookAddress, book_address
from balancer.settings import Settings
from runtime.settings import SettingsError, load
from tests.support.processes import HUNG_S, ROOT


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("postgresql://grid@db/book", BookAddress((("db", 5432),), "grid", "book")),
        (
            "postgres://grid@db-1,db-2:5433,[::1]:7/book?target_session_attrs=read-write",
            BookAddress((("db-1", 5432), ("db-2", 5433), ("::1", 7)), "grid", "book"),
        ),
        (
            "postgresql://a%40b@db/b%20k?sslmode=verify-full&sslrootcert=/etc/ca.pem",
            BookAddress((("db", 5432),), "a@b", "b k", "verify-full", "/etc/ca.pem"),
        ),
    ],
)
def test_an_address_is_read(text: str, address: BookAddress) -> None:
    assert book_address(text) == address


def test_nothing_is_no_address() -> None:
    assert book_address("") is None


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("mysql://grid@db/book", "postgresql://user@host:port"),
        ("postgresql://db/book", "a user and a database"),
        ("postgresql://grid@db", "a user and a database"),
        ("postgresql://grid@/book", "'' is not of the form host or host:port"),
        ("postgresql://grid@db:99999/book", "'db:99999' is not of the form"),
        ("postgresql://grid@db,db:5432/book", "names a host twice"),
        ("postgresql://grid@db/book?sslmode=allow", "sslmode 'allow'"),
        ("postgresql://grid@db/book?target_session_attrs=any", "only read-write is accepted"),
        ("postgresql://grid@db/book?options=x", "'options' is not accepted"),
        ("postgresql://grid:geheim@db/book", "ORDER_BOOK_PASSWORD_FILE"),
        ("postgresql://grid@db/book?password=geheim", "ORDER_BOOK_PASSWORD_FILE"),
    ],
)
def test_what_can_not_be_used_is_explained(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=re.escape(why)):
        book_address(text)


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://grid:geheim@db/book",
        "postgresql://grid:ge/hei@geheim@db/book",
        "postgresql://grid@db/book?password=geheim&sslmode=x",
        "mysql://grid:geheim@db/book",
    ],
)
def test_a_password_is_not_printed(text: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load(Settings, {"ORDER_BOOK": text})
    assert "ORDER_BOOK=" in str(caught.value)
    assert "geheim" not in str(caught.value)


def test_a_password_file_must_be_readable_and_used() -> None:
    with pytest.raises(SettingsError, match="ORDER_BOOK is not: it would not be used"):
        load(Settings, {"ORDER_BOOK_PASSWORD_FILE": "/etc/hostname"})
    with pytest.raises(SettingsError, match="can't be read"):
        load(Settings, {"ORDER_BOOK": "postgresql://g@db/b", "ORDER_BOOK_PASSWORD_FILE": "/nowhere"})


def test_the_driver_is_not_imported_while_the_book_is_a_file() -> None:
    """It takes 0.1 s of the start."""
    program = "import sys, balancer.app; sys.exit('asyncpg' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", program], cwd=ROOT, timeout=HUNG_S, check=False)
    assert ran.returncode == 0
