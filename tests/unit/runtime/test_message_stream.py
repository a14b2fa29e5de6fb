"""One end of a stream, against a plain socket that sends and reads what the test says."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from runtime.message_stream import MessageStream, StreamLost
from runtime.stream_hello import Hello, connected
from substation.proto import substation_pb2 as pb
from tests.support.stream_service import until

LARGE = pb.Answer(outcome="x" * 100_000)
MOST_KEPT = 400_000  # bytes: what the connection keeps of ours before it takes no more, and a message


class OtherEnd:
    """The server's end of one connection."""

    def __init__(self) -> None:
        self.reader: asyncio.StreamReader
        self.writer: asyncio.StreamWriter
        self.there = asyncio.Event()

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.there.set()
        await reader.readexactly(int.from_bytes(await reader.readexactly(4), "big"))  # the hello

    def send(self, *frames: bytes) -> None:
        self.writer.write(b"".join(map(framed, frames)))


def framed(content: bytes) -> bytes:
    return len(content).to_bytes(4, "big") + content


def answer(number: int) -> bytes:
    return pb.Answer(number=number).SerializeToString()


@asynccontextmanager
async def stream_to(end: OtherEnd, *with_reply: bytes) -> AsyncIterator[MessageStream[pb.Answer]]:
    """A stream to the other end, which accepts it, and sends more with its reply."""
    async with await asyncio.start_server(end.connected, "127.0.0.1", 0) as server:

        async def accept() -> None:
            await end.there.wait()
            end.send(json.dumps({}).encode(), *with_reply)

        accepting = asyncio.create_task(accept())
        host, port = server.sockets[0].getsockname()
        async with connected(f"{host}:{port}", Hello("p"), pb.Answer) as stream:
            yield stream
        await accepting
        end.writer.close()


def nothing() -> None:
    """Send nothing."""


@pytest.mark.gen_test
async def test_messages_are_handed_on_however_the_bytes_come() -> None:
    end, numbers = OtherEnd(), list[int]()
    async with stream_to(end) as stream:
        stream.begin(lambda message: numbers.append(message.number), nothing)
        sent = b"".join(framed(answer(number)) for number in range(1, 8)) + b"\xff" * 4 + framed(answer(8))
        for at in range(len(sent)):
            end.writer.write(sent[at : at + 1])
            await end.writer.drain()
            await asyncio.sleep(0)
        for _ in range(3):
            end.writer.write(sent)
        await until(lambda: len(numbers) == 32)
        assert numbers == [1, 2, 3, 4, 5, 6, 7, 8] * 4


@pytest.mark.gen_test
async def test_what_comes_with_the_reply_to_the_hello_waits_until_somebody_receives() -> None:
    end, numbers = OtherEnd(), list[int]()
    async with stream_to(end, answer(1), answer(2)) as stream:
        end.send(answer(3))
        await asyncio.sleep(0.05)
        assert not stream.transport.is_reading()
        stream.begin(lambda message: numbers.append(message.number), nothing)
        await until(lambda: numbers == [1, 2, 3])


@pytest.mark.gen_test
async def test_nothing_is_sent_to_an_end_that_does_not_read_and_all_of_it_once_it_reads() -> None:
    end, sent, most = OtherEnd(), list[int](), 200

    async with stream_to(end) as stream:

        def flush() -> None:
            while stream.writable and len(sent) < most:
                sent.append(len(sent))
                stream.send(LARGE)

        stream.begin(lambda _: None, flush)
        await until(lambda: not stream.writable)
        before = -1
        while before != len(sent):  # until the buffers of the system are full too
            before = len(sent)
            await asyncio.sleep(0.1)
        assert len(sent) < most
        assert stream.transport.get_write_buffer_size() < MOST_KEPT
        frame = framed(LARGE.SerializeToString())
        for _ in range(most):
            assert await end.reader.readexactly(len(frame)) == frame
        assert len(sent) == most


@pytest.mark.gen_test
async def test_all_that_asks_to_send_in_one_turn_of_the_loop_is_asked_once() -> None:
    end, asked = OtherEnd(), list[int]()
    async with stream_to(end) as stream:
        stream.begin(lambda _: None, lambda: asked.append(1))
        await asyncio.sleep(0)
        asked.clear()
        for _ in range(10):
            stream.wake()
        assert asked == []
        await until(lambda: asked == [1])


def fail(_: object = None) -> None:
    raise KeyError("a fault of the test")


@pytest.mark.gen_test
@pytest.mark.parametrize(("received", "flush"), [(fail, nothing), (lambda _: None, fail)])
async def test_a_fault_of_who_receives_or_sends_ends_the_stream_with_it(
    received: Callable[[pb.Answer], None], flush: Callable[[], None]
) -> None:
    end = OtherEnd()
    async with stream_to(end, answer(1)) as stream:
        stream.begin(received, flush)
        with pytest.raises(KeyError, match="a fault of the test"):
            await stream.ended()
        assert not stream.writable


@pytest.mark.gen_test
async def test_a_connection_that_ends_within_a_message_is_lost_and_one_that_ends_after_it_has_ended() -> None:
    for sent, lost in ((framed(answer(1))[:-1], True), (framed(answer(1)), False)):
        end, numbers = OtherEnd(), list[int]()
        async with stream_to(end) as stream:
            stream.begin(lambda message, to=numbers: to.append(message.number), nothing)  # type: ignore[misc]
            end.writer.write(sent)
            end.writer.write_eof()
            if lost:
                with pytest.raises(StreamLost, match="within a message"):
                    await stream.ended()
            else:
                await stream.ended()
            assert numbers == ([] if lost else [1])


@pytest.mark.gen_test
async def test_a_stream_that_was_closed_hands_on_and_sends_nothing_more() -> None:
    end, numbers = OtherEnd(), list[int]()
    async with stream_to(end) as stream:

        def first_only(message: pb.Answer) -> None:
            numbers.append(message.number)
            stream.send(pb.Answer(outcome="sent before"))
            stream.close()
            stream.send(pb.Answer(outcome="sent after"))

        stream.begin(first_only, nothing)
        end.send(answer(1), answer(2))
        await stream.ended()
        assert numbers == [1]
        assert await end.reader.read() == framed(pb.Answer(outcome="sent before").SerializeToString())
