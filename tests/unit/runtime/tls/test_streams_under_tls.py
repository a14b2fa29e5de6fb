"""Who is let in to a stream under mutual TLS, through real sockets: every other certificate, and none, is refused."""

import asyncio
import contextlib
import datetime as dt
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trustme
import uvloop

from runtime import stream_server
from runtime.message_stream import StreamLost
from runtime.operator_token import OperatorToken
from runtime.stream_hello import Hello, connected
from runtime.tls.credentials import Callee, Credentials
from runtime.tls.guard import Guard
from runtime.tls.identity import Role
from substation.proto import substation_pb2 as pb
from substation.wire import PROTOCOL
from tests.support.authority import Files, TestAuthority
from tests.support.raw_http import connection
from tests.support.stream_service import Service, echo

TOKEN = OperatorToken("t" * 32)
ME = "substation-1"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> TestAuthority:
    return TestAuthority(tmp_path_factory.mktemp("grid"))


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> TestAuthority:
    return TestAuthority(tmp_path_factory.mktemp("another"))


@asynccontextmanager
async def listening(authority: TestAuthority, name: str = ME) -> AsyncIterator[int]:
    guard = Guard(authority.files(Role.SUBSTATION, name).credentials(Role.SUBSTATION))
    async with stream_server.listen(Service(echo), "127.0.0.1", 0, token=TOKEN, tls=guard) as port:
        yield port


async def greeted(port: int, credentials: Credentials, role: Role = Role.SUBSTATION, name: str = ME) -> None:
    """Open a stream and wait for the greeting; raises StreamLost."""
    callee = Callee(credentials, role, name)
    messages: list[pb.Answers] = []
    async with connected(f"127.0.0.1:{port}", Hello(PROTOCOL), pb.Answers, callee) as stream:
        stream.begin(messages.append, lambda: None)
        while stream.writable and not messages:
            await asyncio.sleep(0.005)
        if not messages:
            await stream.ended()
        assert messages == [pb.Answers()]


@pytest.mark.gen_test
async def test_a_balancer_gets_a_stream_by_its_certificate_and_needs_no_token(
    authority: TestAuthority,
) -> None:
    async with listening(authority) as port:
        await greeted(port, authority.files(Role.BALANCER).credentials(Role.BALANCER))


def test_a_stream_under_tls_works_on_uvloop(authority: TestAuthority) -> None:
    async def once() -> None:
        async with listening(authority) as port:
            await greeted(port, authority.files(Role.BALANCER).credentials(Role.BALANCER))

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(once())


@pytest.mark.parametrize(
    "role", [Role.GATEWAY, Role.SUBSTATION, Role.CONSOLE, Role.PROMETHEUS, Role.OPERATOR]
)
@pytest.mark.gen_test
async def test_no_other_role_gets_a_stream_of_a_substation(authority: TestAuthority, role: Role) -> None:
    name = "substation-2" if role is Role.SUBSTATION else ""
    async with listening(authority) as port:
        with pytest.raises(
            StreamLost, match=f"the certificate of {name or role} does not allow a stream at {ME}"
        ):
            await greeted(port, authority.files(role, name).credentials(role))


@pytest.mark.gen_test
async def test_a_caller_of_another_authority_is_refused(
    authority: TestAuthority, stranger: TestAuthority
) -> None:
    files = stranger.files(Role.BALANCER)
    both = stranger.folder / "both.pem"  # it trusts the grid, but the grid does not know it
    both.write_bytes(authority.certificate + stranger.certificate)
    trusting = Files(both, files.certificate, files.key)
    async with listening(authority) as port:
        with pytest.raises(StreamLost, match=r"unknown ca|closed the connection|reset"):
            await greeted(port, trusting.credentials(Role.BALANCER))


@pytest.mark.gen_test
async def test_a_server_of_another_authority_is_not_trusted(
    authority: TestAuthority, stranger: TestAuthority
) -> None:
    async with listening(stranger) as port:
        with pytest.raises(StreamLost, match="certificate verify failed"):
            await greeted(port, authority.files(Role.BALANCER).credentials(Role.BALANCER))


@pytest.mark.gen_test
async def test_a_server_with_another_role_is_not_trusted(authority: TestAuthority) -> None:
    async with listening(authority) as port:
        with pytest.raises(
            StreamLost, match="the other end is substation-1, by its certificate, and not a balancer"
        ):
            await greeted(port, authority.files(Role.GATEWAY).credentials(Role.GATEWAY), Role.BALANCER, "")


@pytest.mark.gen_test
async def test_one_substation_can_not_answer_as_another(authority: TestAuthority) -> None:
    async with listening(authority, "substation-2") as port:
        with pytest.raises(StreamLost, match=f"it is substation-2, by its certificate, and not {ME}"):
            await greeted(port, authority.files(Role.BALANCER).credentials(Role.BALANCER))


@pytest.mark.gen_test
async def test_a_caller_whose_certificate_expired_is_refused(authority: TestAuthority) -> None:
    files = authority.files(Role.BALANCER, left=dt.timedelta(hours=1))
    credentials = files.credentials(Role.BALANCER)
    expired = authority.files(Role.BALANCER, left=-dt.timedelta(minutes=1))
    credentials.client(Role.SUBSTATION).load_cert_chain(expired.certificate, expired.key)
    async with listening(authority) as port:
        with pytest.raises(StreamLost, match=r"expired|closed the connection|reset"):
            await greeted(port, credentials)


@pytest.mark.gen_test
async def test_a_certificate_of_the_authority_that_names_nobody_is_refused(authority: TestAuthority) -> None:
    """One that trustme has issued: it has host names only."""
    public = trustme.CA()
    leaf = public.issue_cert("balancer.example")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    leaf.configure_cert(context)
    files = authority.files(Role.SUBSTATION, ME)
    with files.ca.open("ab") as both:
        both.write(public.cert_pem.bytes())
    guard = Guard(files.credentials(Role.SUBSTATION))
    async with (
        stream_server.listen(Service(echo), "127.0.0.1", 0, tls=guard) as port,
        connection(port, ssl=context) as (reader, _),
    ):
        with pytest.raises((ConnectionError, ssl.SSLError, asyncio.IncompleteReadError)):
            await reader.readexactly(1)
    files.ca.write_bytes(authority.certificate)


@pytest.mark.gen_test
async def test_a_caller_without_tls_and_one_that_says_nothing_are_cut_off(
    authority: TestAuthority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runtime.tls.accepting.HANDSHAKE_S", 0.2)
    async with listening(authority) as port:
        for begun in (b"GET / HTTP/1.1\r\n\r\n", b""):
            async with connection(port) as (reader, writer):
                writer.write(begun)
                await closed_by_server(reader)


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def test_callers_that_say_nothing_keep_nobody_out(
    authority: TestAuthority, monkeypatch: pytest.MonkeyPatch, loop: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    monkeypatch.setattr("runtime.tls.accepting.MOST_HANDSHAKES", 3)

    async def once() -> None:
        async with listening(authority) as port, contextlib.AsyncExitStack() as stack:
            silent = [await stack.enter_async_context(connection(port)) for _ in range(4)]
            await closed_by_server(silent[0][0])  # the oldest: so all have been accepted
            await greeted(port, authority.files(Role.BALANCER).credentials(Role.BALANCER))
            await closed_by_server(silent[1][0])
            assert not silent[2][0].at_eof()

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(once())


@pytest.mark.gen_test
async def test_files_that_are_replaced_are_used_by_new_streams_and_old_streams_stay(tmp_path: Path) -> None:
    before, after = TestAuthority(tmp_path / "before"), TestAuthority(tmp_path / "after")
    served, caller = before.files(Role.SUBSTATION, ME), before.files(Role.BALANCER)
    guard = Guard(served.credentials(Role.SUBSTATION))
    credentials = caller.credentials(Role.BALANCER)
    async with stream_server.listen(Service(echo), "127.0.0.1", 0, tls=guard) as port:
        callee = Callee(credentials, Role.SUBSTATION, ME)
        async with connected(f"127.0.0.1:{port}", Hello(PROTOCOL), pb.Answers, callee) as old:
            old.begin(lambda _: None, lambda: None)
            replace(served, after.files(Role.SUBSTATION, ME))
            await refused(
                port, credentials
            )  # the server has seen the new files; the caller trusts the former authority
            replace(caller, after.files(Role.BALANCER))
            await until_greeted(port, credentials)
            assert old.writable


async def closed_by_server(reader: asyncio.StreamReader) -> None:
    with contextlib.suppress(ConnectionError):
        while await reader.read(1000):
            pass


def replace(old: Files, new: Files) -> None:
    """Replace the files one after the other, as a person or an engine does."""
    for target, source in ((old.ca, new.ca), (old.key, new.key), (old.certificate, new.certificate)):
        partial = target.with_suffix(".new")
        partial.write_bytes(source.read_bytes())
        partial.replace(target)


async def until_greeted(port: int, credentials: Credentials) -> None:
    while True:
        try:
            await greeted(port, credentials)
        except StreamLost:
            await asyncio.sleep(0.05)
        else:
            return


async def refused(port: int, credentials: Credentials) -> None:
    with pytest.raises(StreamLost, match=r"verify failed|closed the connection|unknown ca"):  # noqa: PT012 - until it is
        while True:
            await greeted(port, credentials)
            await asyncio.sleep(0.05)
