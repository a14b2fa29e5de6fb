"""The link to the database of an order book under TLS: whom the balancer believes, by `sslmode` and `sslrootcert`."""

import os
import re
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from balancer.book.postgres.book import PostgresBook
from balancer.book.postgres.opening import open_book
from balancer.book.protocol import BookUnavailable
from runtime.store import StoreUnusable
from runtime.tls.identity import Role
from tests.support.authority import TestAuthority
from tests.support.grid import until
from tests.support.postgres import HOST, PostgresServer, server
from tests.unit.balancer.book.shelves import address_of, metrics

ENCRYPTED = "SELECT count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE ssl AND application_name LIKE 'smart%'"

OTHER = "127.0.0.2"  # the same server by another address, which its certificate does not name


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> TestAuthority:
    return TestAuthority(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory, authority: TestAuthority) -> Iterator[PostgresServer]:
    """A server with a certificate for 127.0.0.1 and localhost, which takes no plain connection."""
    with server(tmp_path_factory.getbasetemp(), "fsync=off", f"listen_addresses={HOST},{OTHER}") as started:
        files, owner = authority.files(Role.BALANCER), started.data.stat()
        for name, source in (("server.crt", files.certificate), ("server.key", files.key)):
            made = started.data / name
            shutil.copyfile(source, made)
            os.chown(made, owner.st_uid, owner.st_gid)
            made.chmod(0o600)
        rules = started.data / "pg_hba.conf"
        rules.write_text("hostssl all all 127.0.0.0/8 trust\n")
        started.sql("ALTER SYSTEM SET ssl = on")
        started.sql("SELECT pg_reload_conf()")
        until(lambda: started.sql("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()") == "t")
        yield started


@asynccontextmanager
async def opened(database: PostgresServer, host: str, options: str) -> AsyncIterator[PostgresBook]:
    book = await open_book(
        address_of(f"postgresql://grid@{host}:{database.port}/grid?{options}"), None, metrics()
    )
    try:
        yield book
    finally:
        await book.close()


@pytest.mark.gen_test
@pytest.mark.parametrize("mode", ["prefer", "require", "verify-ca", "verify-full"])
async def test_every_connection_is_encrypted(
    database: PostgresServer, authority: TestAuthority, mode: str
) -> None:
    checked = f"&sslrootcert={authority.ca}" if mode.startswith("verify") else ""
    async with opened(database, HOST, f"sslmode={mode}{checked}") as book:
        assert await book.claim(f"key-{mode}", "f", "s-1")
        assert int(database.sql(ENCRYPTED)) >= 1


@pytest.mark.gen_test
@pytest.mark.parametrize("mode", ["verify-ca", "verify-full"])
async def test_a_server_that_another_authority_vouches_for_is_not_believed(
    database: PostgresServer, tmp_path: Path, mode: str
) -> None:
    stranger = TestAuthority(tmp_path / "stranger")
    with pytest.raises(BookUnavailable, match="certificate verify failed"):
        async with opened(database, HOST, f"sslmode={mode}&sslrootcert={stranger.ca}"):
            pass


@pytest.mark.gen_test
async def test_a_certificate_for_another_name_passes_only_where_names_are_not_checked(
    database: PostgresServer, authority: TestAuthority
) -> None:
    async with opened(database, OTHER, f"sslmode=verify-ca&sslrootcert={authority.ca}") as book:
        assert await book.claim("by-another-name", "f", "s-1")
    with pytest.raises(BookUnavailable, match=re.escape(OTHER)):
        async with opened(database, OTHER, f"sslmode=verify-full&sslrootcert={authority.ca}"):
            pass


@pytest.mark.gen_test
async def test_a_server_that_wants_encryption_is_not_asked_without(database: PostgresServer) -> None:
    with pytest.raises((BookUnavailable, StoreUnusable), match="no encryption"):
        async with opened(database, HOST, "sslmode=disable"):
            pass
