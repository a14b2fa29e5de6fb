"""What goes wrong on a stream stays with whom it concerns."""

import asyncio
from collections.abc import Iterable

import grpc.aio
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
        link: SubstationLink = Link(f"127.0.0.1:{port}", Wire(usual.open, usual.encode, decode))
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


class LosesCancellations:
    """A stream that fails when it is cancelled, as gRPC's does while its connection fails."""

    def __init__(self) -> None:
        self.reading = asyncio.Event()

    async def read(self) -> None:
        self.reading.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            nothing = grpc.aio.Metadata()
            raise grpc.aio.AioRpcError(grpc.StatusCode.UNAVAILABLE, nothing, nothing) from None

    def cancel(self) -> None:
        pass


@pytest.mark.gen_test
async def test_a_link_is_closed_even_when_grpc_loses_the_cancellation() -> None:
    """Seen as 1 close in 600 that hung, against a server that had just gone."""
    stream, usual = LosesCancellations(), wire()
    link: SubstationLink = Link("127.0.0.1:1", Wire(lambda _: stream, usual.encode, usual.decode))
    await stream.reading.wait()
    async with asyncio.timeout(30):
        await link.close()
