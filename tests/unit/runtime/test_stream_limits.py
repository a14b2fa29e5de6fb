"""What a stream's two ends bear: messages, streams and pings, through real sockets."""

import asyncio
import contextlib

import grpc.aio
import pytest

from runtime import stream_server
from runtime.message_size import MESSAGE_BYTES, fitting
from substation.proto import substation_pb2 as pb
from substation.proto import substation_pb2_grpc as rpc
from tests.support.stream_service import Service, asked, echo, serving, until
from tests.support.substation_stream import link_to

LARGE = "x" * (MESSAGE_BYTES // 20)


async def answer_of_a_stream(port: int, message: pb.Calls) -> grpc.StatusCode:
    """Send one message without the coalescer, and return how the stream ended."""
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        stream = rpc.SubstationStub(channel).Converse()  # type: ignore[no-untyped-call]
        with contextlib.suppress(grpc.aio.AioRpcError, asyncio.InvalidStateError):
            await stream.read()
            await stream.write(message)
            while await stream.read() is not grpc.aio.EOF:
                pass
        code: grpc.StatusCode = await stream.code()
        return code


@pytest.mark.gen_test
async def test_a_message_over_1_mib_ends_its_stream_and_no_other() -> None:
    huge = pb.Calls(calls=[pb.Call(number=1, find=pb.Find(session_id="x" * MESSAGE_BYTES))])
    async with serving(echo) as (_, port), link_to(port) as link:
        assert await asked(link, "a") == "saw a"
        assert await answer_of_a_stream(port, huge) == grpc.StatusCode.RESOURCE_EXHAUSTED
        assert link.up
        assert await asked(link, "b") == "saw b"


@pytest.mark.gen_test
async def test_calls_that_are_too_large_for_one_message_go_as_several() -> None:
    async with serving(echo) as (service, port), link_to(port) as link:
        await until(lambda: link.up)
        names = [f"{number}{LARGE[:2600]}" for number in range(600)]
        answers = await asyncio.gather(*(asked(link, name) for name in names))
        assert answers == [f"saw {name}" for name in names]
        sizes = [message.ByteSize() for message in service.messages]
        assert max(sizes) <= MESSAGE_BYTES
        assert len(sizes) < 10
        sent = [call.find.session_id for message in service.messages for call in message.calls]
        assert sent == names  # in order, and each once


@pytest.mark.gen_test
async def test_answers_that_are_too_large_for_one_message_come_as_several() -> None:
    go_on = asyncio.Event()

    async def wait(call: pb.Call) -> str:
        await go_on.wait()
        return f"{call.find.session_id}{LARGE}"

    received: list[pb.Answers] = []
    async with serving(wait) as (service, port), link_to(port, received) as link:
        calls = [asyncio.create_task(asked(link, str(number))) for number in range(100)]
        await until(lambda: sum(len(message.calls) for message in service.messages) == 100)
        go_on.set()
        assert await asyncio.gather(*calls) == [f"{number}{LARGE}" for number in range(100)]
    assert 5 < len(received) < 20


@pytest.mark.gen_test
async def test_a_call_that_is_too_large_alone_fails_and_no_other_does() -> None:
    async with serving(echo) as (_, port), link_to(port) as link:
        await until(lambda: link.up)
        before, bad, after = [
            asyncio.create_task(asked(link, name)) for name in ("before", "x" * MESSAGE_BYTES, "after")
        ]
        assert (await before, await after) == ("saw before", "saw after")
        with pytest.raises(ValueError, match="too large"):
            await bad
        assert link.up


@pytest.mark.gen_test
async def test_an_answer_that_is_too_large_alone_is_logged_and_keeps_no_other_back(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def handle(call: pb.Call) -> str:
        return "x" * MESSAGE_BYTES if call.find.session_id == "bad" else "done"

    async with serving(handle) as (_, port), link_to(port) as link:
        await until(lambda: link.up)
        bad = asyncio.create_task(asked(link, "bad", within_s=1))
        assert await asked(link, "good") == "done"
        with pytest.raises(TimeoutError):
            await bad
        assert await asked(link, "good") == "done"
    assert "an answer is too large to be sent" in caplog.text


@pytest.mark.gen_test
async def test_callers_beyond_the_most_streams_are_refused_until_one_ends() -> None:
    service = Service(echo)
    async with stream_server.listen(service.register, "127.0.0.1", 0, streams=2) as port:
        async with link_to(port) as one, link_to(port) as other:
            assert await asked(one, "1") == await asked(other, "1") == "saw 1"
            assert await answer_of_a_stream(port, pb.Calls()) == grpc.StatusCode.RESOURCE_EXHAUSTED
            assert await asked(one, "2") == "saw 2"
        async with link_to(port) as third:
            assert await asked(third, "3") == "saw 3"


@pytest.mark.gen_test
async def test_a_server_that_stops_answers_the_calls_that_it_has_and_then_waits_for_no_caller(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(stream_server, "STOP_S", 3600.0)
    come, answer, stopping = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def handle(call: pb.Call) -> str:
        come.set()
        await answer.wait()
        return await echo(call)

    async def serve() -> None:
        async with serving(handle) as (_, bound):
            port.set_result(bound)
            await stopping.wait()

    port: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    server = asyncio.create_task(serve())
    async with link_to(await port) as busy, link_to(await port) as idle:
        asking = asyncio.create_task(asked(busy, "a"))
        await come.wait()
        await until(lambda: idle.up)
        stopping.set()
        await until(lambda: not idle.up)
        assert not server.done()
        answer.set()
        assert await asking == "saw a"
        await server  # although both links are still there


@pytest.mark.gen_test
async def test_a_caller_that_pings_without_pause_is_cut_off() -> None:
    greeting = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0"  # with empty settings
    ping = b"\0\0\x08\6\0\0\0\0\0" + bytes(8)
    async with serving(echo) as (_, port), link_to(port) as link:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(greeting + 5 * ping)
        assert b"too_many_pings" in await reader.read()
        writer.close()
        assert await asked(link, "a") == "saw a"


def test_what_fits_is_taken_as_it_is() -> None:
    sizes = [len(batch) for batch in ([], [1], [1, 2, 3]) if fitting(batch, _finds)[1] == len(batch)]
    assert sizes == [0, 1, 3]


def _finds(numbers: list[int]) -> pb.Calls:
    return pb.Calls(calls=[pb.Call(number=number) for number in numbers])
