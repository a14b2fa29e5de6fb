"""What a stream's two ends bear: messages, streams and silence, through real sockets."""

import asyncio
import contextlib
import logging

import pytest

from runtime import message_stream, stream_hello, stream_server
from runtime.message_size import MESSAGE_BYTES, fitting
from runtime.message_stream import StreamLost
from substation.proto import substation_pb2 as pb
from tests.integration.balancer.proxy import Proxy
from tests.support.ports import free_port
from tests.support.stream_service import Service, asked, echo, serving, until
from tests.support.substation_stream import link_to, raw_stream_to

LARGE = "x" * (MESSAGE_BYTES // 20)


async def sent_alone(port: int, message: pb.Calls) -> None:
    """Send one message without the coalescer, and read until the stream ends; raises StreamLost."""
    async with raw_stream_to(port) as stream:
        await stream.read()
        stream.write(message)
        while await stream.read() is not None:
            pass


@pytest.mark.gen_test
async def test_a_message_over_1_mib_ends_its_stream_and_no_other(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    huge = pb.Calls(calls=[pb.Call(number=1, find=pb.Find(session_id="x" * MESSAGE_BYTES))])
    async with serving(echo) as (_, port), link_to(port) as link:
        assert await asked(link, "a") == "saw a"
        with contextlib.suppress(StreamLost):  # it may be cut off before it has sent all
            await sent_alone(port, huge)
        await until(lambda: any("at most 1048576" in getattr(each, "why", "") for each in caplog.records))
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
    async with stream_server.listen(service, "127.0.0.1", 0, streams=2) as port:
        async with link_to(port) as one, link_to(port) as other:
            assert await asked(one, "1") == await asked(other, "1") == "saw 1"
            with pytest.raises(StreamLost, match="too many streams"):
                await sent_alone(port, pb.Calls())
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
async def test_what_is_no_hello_is_dropped_and_harms_no_other() -> None:
    async with serving(echo) as (_, port), link_to(port) as link:
        for sent in (b"GET / HTTP/1.1\r\n\r\n", b"\0\0\0\2{}", b"\0\0\0\0", 5000 * b"\0\0\0\1["):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(sent)
            assert await reader.read() == b""
            writer.close()
        assert await asked(link, "a") == "saw a"


@pytest.mark.gen_test
async def test_a_caller_that_says_nothing_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_hello, "HELLO_WITHIN_S", 0.05)
    async with serving(echo) as (_, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        assert await reader.read() == b""
        writer.close()


@pytest.mark.gen_test
async def test_a_link_is_lost_when_the_other_end_is_silent_and_comes_back_when_it_speaks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value_s in (("BEAT_S", 0.02), ("SILENT_S", 0.08)):
        monkeypatch.setattr(message_stream, name, value_s)
    at = free_port()
    async with serving(echo) as (_, port):
        proxy = Proxy("127.0.0.1", port)
        async with proxy.listening("127.0.0.1", at), link_to(at) as link:
            assert await asked(link, "a") == "saw a"
            proxy.replies = False  # the connection stays, and nothing comes any more
            await until(lambda: not link.up)
            proxy.pass_all()
            await until(lambda: link.up)
            assert await asked(link, "b") == "saw b"


@pytest.mark.gen_test
async def test_an_idle_link_stays_up_by_its_heartbeats(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value_s in (("BEAT_S", 0.02), ("SILENT_S", 0.5)):
        monkeypatch.setattr(message_stream, name, value_s)
    async with serving(echo) as (service, port), link_to(port) as link:
        await until(lambda: link.up)
        await asyncio.sleep(1.0)
        assert link.up
        assert len(service._conversations) == 1  # it was never opened again


def test_what_fits_is_taken_as_it_is() -> None:
    sizes = [len(batch) for batch in ([], [1], [1, 2, 3]) if fitting(batch, _finds)[1] == len(batch)]
    assert sizes == [0, 1, 3]


def _finds(numbers: list[int]) -> pb.Calls:
    return pb.Calls(calls=[pb.Call(number=number) for number in numbers])
