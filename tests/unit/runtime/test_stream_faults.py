"""What goes wrong on a stream stays with whom it concerns."""

import asyncio
from collections.abc import Iterable

import pytest

from runtime.coalescer import Link, LinkLost, Wire
from substation.proto import substation_pb2 as pb
from tests.support.stream_service import asked, echo, serving
from tests.support.substation_stream import SubstationLink, link_to, wire


@pytest.mark.gen_test
async def test_a_call_that_fails_in_the_handler_fails_no_other(caplog: pytest.LogCaptureFixture) -> None:
    async def handle(call: pb.Call) -> str:
        if call.find.session_id == "bad":
            raise RuntimeError("a fault of the test")
        return "done"

    async with serving(handle) as (_, port), link_to(port) as link:
        with pytest.raises(TimeoutError):
            await asked(link, "bad", within_s=0.2)
        assert await asked(link, "good") == "done"
    assert "a call failed" in caplog.text


@pytest.mark.gen_test
async def test_what_can_t_be_encoded_fails_its_caller_and_not_the_link() -> None:
    async with serving(echo) as (_, port), link_to(port) as link:
        with pytest.raises(UnicodeEncodeError):
            await asked(link, "\ud800")
        assert await asked(link, "good") == "saw good"


@pytest.mark.gen_test
async def test_a_message_that_can_t_be_read_loses_the_stream_and_not_the_link() -> None:
    usual, unreadable = wire(), [True]

    def decode(message: pb.Answers) -> Iterable[tuple[int, pb.Answer]]:
        if message.answers and unreadable.pop():
            unreadable.append(False)
            raise ValueError(message)
        return usual.decode(message)

    async with serving(echo) as (_, port):
        link: SubstationLink = Link(
            f"127.0.0.1:{port}", Wire(usual.hello, usual.answers, usual.encode, decode)
        )
        with pytest.raises(LinkLost):
            await asked(link, "a")
        unreadable[:] = [False]
        assert await asked(link, "b") == "saw b"
        await link.close()


@pytest.mark.gen_test
async def test_a_port_is_not_shared_with_another_server() -> None:
    async with serving(echo) as (_, port):
        with pytest.raises(OSError, match=f"can't listen on 127.0.0.1:{port}"):
            async with serving(echo, port):
                pass


@pytest.mark.gen_test
async def test_a_link_to_a_server_that_has_just_gone_is_closed_at_once() -> None:
    async with serving(echo) as (_, port), link_to(port) as link:
        assert await asked(link, "a") == "saw a"
    gone: SubstationLink = Link(f"127.0.0.1:{port}", wire())
    with pytest.raises(TimeoutError):
        await asked(gone, "b", within_s=0.1)
    await gone.close()


@pytest.mark.gen_test
async def test_what_is_no_message_loses_the_stream_and_not_the_link() -> None:
    async def speak_nonsense(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)  # the hello
        writer.write(b"\0\0\0\2{}" + b"\0\0\0\3\xff\xff\xff")
        await reader.read()
        writer.close()

    server = await asyncio.start_server(speak_nonsense, "127.0.0.1", 0)
    link: SubstationLink = Link(f"127.0.0.1:{server.sockets[0].getsockname()[1]}", wire())
    with pytest.raises(TimeoutError):
        await asked(link, "a", within_s=0.2)
    assert not link.up
    await link.close()
    server.close()
