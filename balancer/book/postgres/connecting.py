"""Connections to the server of an order book that can be written, of one or several that may be it."""

import asyncio
import ssl
import weakref
from pathlib import Path
from typing import Literal, NamedTuple, TypeAlias, cast

import asyncpg
from asyncpg.connect_utils import SessionAttribute

from balancer.book.postgres.address import BookAddress
from balancer.book.postgres.patience import USUAL, Patience
from balancer.book.postgres.schema import SCHEMA
from balancer.book.protocol import BookUnavailable
from runtime.store import StoreUnusable

UncheckedTls = Literal["disable", "prefer", "require"]
Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

OTHERS_S = 0.1  # after a server has answered, to see whether another one has replaced it

SESSION = {
    "application_name": "smart grid balancer",
    "search_path": SCHEMA,
    "idle_in_transaction_session_timeout": "5000",
    "default_transaction_isolation": "read committed",
    "jit": "off",  # no statement is long enough
}
# What another try can't mend: the process should not start with it.
MISCONFIGURED = (
    asyncpg.InvalidAuthorizationSpecificationError,  # also a wrong password
    asyncpg.InvalidCatalogNameError,
    asyncpg.InsufficientPrivilegeError,
)
# A connection that says one of these is of no use any more. An InternalClientError is asyncpg's own.
LOST = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.OperatorInterventionError,  # a shutdown, a crash, a start
    asyncpg.ReadOnlySQLTransactionError,  # it has become a replica
    asyncpg.TooManyConnectionsError,
)
EXPECTED = (*LOST, asyncpg.PostgresError, BookUnavailable)


class _Made(NamedTuple):
    """A new connection, and the timeline of its server: each promotion begins a later one."""

    timeline: int
    connection: Connection


class Connector:
    """Connects to the one of several servers that can be written.

    Of several that can, it is the one that replaced the others. Once that is found, the connections to those end.
    """

    def __init__(self, address: BookAddress, password_file: Path | None, patience: Patience = USUAL) -> None:
        self.address = address
        self._patience = patience
        self._password_file = password_file
        self._timeline = 0
        self._open: weakref.WeakSet[Connection] = weakref.WeakSet()  # on that timeline

    async def connect(self) -> Connection:
        """Return a new connection to the server that can be written.

        Raises BookUnavailable when there is none now, StoreUnusable when a server refuses the login.
        """
        tries = {asyncio.create_task(self._connect(*each)) for each in self.address.hosts}
        made: _Made | None = None
        try:
            made = await self._latest(tries)
        finally:
            try:
                await _end(tries, made)
            except asyncio.CancelledError:
                if made:
                    made.connection.terminate()
                raise
        if made.timeline > self._timeline:
            for each in list(self._open):
                each.terminate()  # the pool hears of it
            self._open.clear()
            self._timeline = made.timeline
        self._open.add(made.connection)
        return made.connection

    async def _latest(self, tries: "set[asyncio.Task[_Made]]") -> _Made:
        """Return the connection to the server with the latest timeline, of those that answer soon after the first."""
        left, made, faults = tries, list[_Made](), list[BaseException]()
        while left:
            wait_s = OTHERS_S if made else None
            done, left = await asyncio.wait(left, timeout=wait_s, return_when=asyncio.FIRST_COMPLETED)
            if not done:
                break
            made += [each.result() for each in done if not each.exception()]
            faults += [fault for each in done if (fault := each.exception())]
        if not made:
            raise self._explained(faults)
        return max(made, key=lambda each: each.timeline)

    def _explained(self, faults: list[BaseException]) -> Exception:
        """Return what to raise after every server has failed."""
        if strange := next((fault for fault in faults if not isinstance(fault, EXPECTED)), None):
            raise strange
        if wrong := next((fault for fault in faults if isinstance(fault, MISCONFIGURED)), None):
            return StoreUnusable(f"the order book at {self.address}: {wrong}")
        return BookUnavailable(f"{self.address}: {'; '.join(dict.fromkeys(map(_words, faults)))}")

    async def _connect(self, host: str, port: int) -> _Made:
        password = _password(self._password_file) if self._password_file else None
        connection: Connection = await asyncpg.connect(
            host=host,
            port=port,
            user=self.address.user,
            database=self.address.database,
            password=password,
            ssl=_tls(self.address),
            timeout=self._patience.connect_s,
            target_session_attrs=SessionAttribute.read_write,
            server_settings=SESSION | self._patience.session,
        )
        try:
            async with asyncio.timeout(self._patience.connect_s):
                return _Made(await self._timeline_of(connection), connection)
        except BaseException:
            connection.terminate()
            raise

    async def _timeline_of(self, connection: Connection) -> int:
        """Return the timeline of a server; refuse one that runs on as if it had not been replaced."""
        found = await connection.fetchval(
            "SELECT left(pg_walfile_name(pg_current_wal_insert_lsn()), 8)", timeout=None
        )
        timeline = int(found, 16)
        if timeline < self._timeline:
            raise BookUnavailable("a server that another one has replaced; it should be stopped")
        return timeline


def _password(path: Path) -> str:
    """Return the password in a file; raises OSError, or StoreUnusable when it is no text."""
    try:
        return path.read_text(encoding="utf-8").strip()
    except UnicodeDecodeError as error:
        raise StoreUnusable(f"ORDER_BOOK_PASSWORD_FILE: {path} holds no text in UTF-8") from error


def _tls(address: BookAddress) -> "ssl.SSLContext | UncheckedTls":
    """Return how asyncpg is to use TLS; a context where the server's certificate is checked."""
    if address.tls in {"disable", "prefer", "require"}:
        return cast("UncheckedTls", address.tls)
    context = ssl.create_default_context(cafile=address.ca_file or None)
    context.check_hostname = address.tls == "verify-full"
    return context


def _words(error: BaseException) -> str:
    """Return an error in words; a TimeoutError has none of its own."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, asyncpg.TargetServerAttributeNotMatched):
        return "a server that can't be written"
    return str(error) or type(error).__name__


async def _end(tries: "set[asyncio.Task[_Made]]", used: _Made | None) -> None:
    """End the tries that are still under way, and the connections that are not used."""
    for each in tries:
        each.cancel()
    for made in await asyncio.gather(*tries, return_exceptions=True):
        if not isinstance(made, BaseException) and made is not used:
            made.connection.terminate()
