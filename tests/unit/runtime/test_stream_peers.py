"""What a lost stream leaves in doubt: the caller says on its next one which answers it has not got."""

import asyncio
import itertools
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from runtime.coalescer import Link, LinkLost, Outgoing, Wire
from runtime.stream_hello import Hello
from runtime.stream_peers import MOST_PEERS, MOST_REMEMBERED, Peer, Peers
from runtime.stream_server import Conversation
from substation.proto import substation_pb2 as pb
from substation.wire import PROTOCOL
from tests.integration.balancer.proxy import Proxy
from tests.support.ports import free_port
from tests.support.stream_service import Service, asked, echo, serving, until
from tests.support.substation_stream import Ask, SubstationLink, wire

HOST = "127.0.0.1"


def with_cancels(outgoing: list[Outgoing[Ask]], cancelled: list[int]) -> pb.Calls:
    """The substation's calls, and a call without a command for each cancelled one."""
    calls = wire().encode(outgoing, [])
    return pb.Calls(calls=[*calls.calls, *(pb.Call(number=number) for number in cancelled)])


@asynccontextmanager
async def linked(port: int) -> AsyncIterator[tuple[SubstationLink, Proxy]]:
    """A link through a proxy that can cut it."""
    proxy, at = Proxy(HOST, port), free_port()
    async with proxy.listening(HOST, at):
        link: SubstationLink = Link(
            f"{HOST}:{at}", Wire(Hello(PROTOCOL, "link-1"), pb.Answers, with_cancels, wire().decode)
        )
        try:
            yield link, proxy
        finally:
            await link.close()


async def written(service: Service, count: int) -> None:
    """Wait until as many answers were given to the stream to be written, whether they arrive or not."""
    peer: Peer[str] = service._peers._peers["link-1"]
    await until(lambda: len(peer._written) == count)


@pytest.mark.gen_test
async def test_an_answer_that_was_lost_with_its_stream_is_not_used() -> None:
    async with serving(echo) as (service, port), linked(port) as (link, proxy):
        assert await asked(link, "arrives") == "saw arrives"
        proxy.replies = False
        lost = asyncio.create_task(asked(link, "lost"))
        await written(service, 2)
        assert service.unused == []
        proxy.pass_all()
        with pytest.raises(LinkLost):
            await lost
        await until(lambda: service.unused == ["saw lost"])
        assert await asked(link, "next") == "saw next"
        assert service.unused == ["saw lost"]  # what arrived is not given back


@pytest.mark.gen_test
async def test_a_caller_that_goes_while_its_stream_is_lost_says_so_on_the_next() -> None:
    async with serving(echo) as (service, port), linked(port) as (link, proxy):
        await asked(link, "first")
        proxy.replies = False
        gone = asyncio.create_task(asked(link, "gone"))
        await written(service, 2)
        proxy.requests = False  # what is said now is lost with the stream
        gone.cancel()
        await asyncio.gather(gone, return_exceptions=True)
        await until(lambda: not link._cancels.waiting)
        proxy.pass_all()
        await until(lambda: service.unused == ["saw gone"])


@pytest.mark.gen_test
async def test_every_answer_is_had_by_its_caller_or_is_not_used_and_never_both() -> None:
    """Cut at random moments, 40 times: what is neither would be a session that nobody knows of."""
    rng = random.Random(8)
    handled: list[str] = []
    had: list[str] = []

    async def handle(call: pb.Call) -> str:
        await asyncio.sleep(rng.choice([0, 0, 0.002]))
        handled.append(call.find.session_id)
        return call.find.session_id

    async def client(link: SubstationLink, name: str) -> None:
        with suppress(LinkLost):
            had.append(await asked(link, name))

    async with serving(handle) as (service, port), linked(port) as (link, proxy):
        for turn in range(40):
            await until(lambda: link.up)
            proxy.replies = rng.random() < 0.5
            clients = [asyncio.create_task(client(link, f"{turn}-{n}")) for n in range(8)]
            await asyncio.sleep(rng.random() * 0.01)
            proxy.pass_all()
            await asyncio.gather(*clients)
        attempts = (f"last-{n}" for n in itertools.count())  # the last cut may not be noticed yet
        while not any(name.startswith("last") for name in had):
            await client(link, next(attempts))
        await until(lambda: len(had) + len(set(service.unused)) == len(set(handled)))
        assert set(had) & set(service.unused) == set()
        assert len(service.unused) == len(set(service.unused))
        assert service.unused


@pytest.mark.gen_test
async def test_a_call_that_was_given_up_before_it_came_is_not_begun() -> None:
    begun: list[str] = []

    async def handle(item: str) -> str:
        begun.append(item)
        return item

    peer: Peer[str] = Peer()
    late: Conversation[str, str] = Conversation(lambda _: ([], []), handle, list, peer=peer)
    Conversation[str, str](lambda _: ([], []), handle, list, peer=peer)._cancel(7)
    late._start(7, "given up")
    late._start(8, "wanted")
    await until(lambda: begun == ["wanted"])


@pytest.mark.gen_test
async def test_an_answer_that_is_done_in_the_moment_of_its_cancel_is_not_used() -> None:
    unused: list[str] = []
    conversation: Conversation[str, str] = Conversation(lambda _: ([], []), _never, list, unused.append)
    conversation._peer.streams[conversation] = None
    done = asyncio.get_running_loop().create_future()
    done.set_result("a")
    conversation._running[1] = done  # what is to be done about it has not run yet
    conversation._cancel(1)
    conversation._finished(1, "", done)
    assert unused == ["a"]


async def _never(item: str) -> str:
    raise AssertionError(item)


def test_what_is_remembered_of_a_caller_is_bounded() -> None:
    peer: Peer[int] = Peer()
    peer.wrote([(number, number) for number in range(MOST_REMEMBERED + 10)])
    assert peer.give_up(9) is None
    assert peer.give_up(10) == 10
    assert peer.give_up(10) is None
    for number in range(MOST_REMEMBERED):
        peer.give_up(number)
    assert len(peer._given_up) == MOST_REMEMBERED


def test_what_was_written_in_any_message_is_found_until_newer_answers_take_its_place() -> None:
    peer: Peer[int] = Peer()
    for number in range(MOST_REMEMBERED):
        peer.wrote([(number, -number)])
    assert peer.give_up(0) == 0
    assert peer.give_up(7) == -7
    peer.wrote([(number, -number) for number in range(MOST_REMEMBERED, MOST_REMEMBERED + 3)])
    assert peer.give_up(1) is None  # two were taken out, and three came
    assert peer.give_up(2) == -2
    peer.wrote([(MOST_REMEMBERED + 3 + each, each) for each in range(MOST_REMEMBERED)])
    assert peer.give_up(MOST_REMEMBERED - 1) is None
    assert peer.give_up(2 * MOST_REMEMBERED + 2) == MOST_REMEMBERED - 1
    assert len(peer._written) < MOST_REMEMBERED


def test_callers_that_are_gone_are_forgotten_and_those_with_a_stream_are_not() -> None:
    peers: Peers[int] = Peers()
    alive = peers.of("alive")
    alive.streams["a stream"] = None
    for number in range(2 * MOST_PEERS):
        peers.of(f"gone-{number}")
    assert peers.of("alive") is alive
    assert len(peers._peers) == MOST_PEERS
    assert peers.of("") is not peers.of("")
