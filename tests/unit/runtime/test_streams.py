"""The two ends of a coalesced stream against each other, over real sockets."""

import asyncio
import contextlib

import pytest

from runtime.coalescer import Link, LinkLost, Outgoing, Wire
from substation.proto import substation_pb2 as pb
from tests.support.ports import free_port
from tests.support.stream_service import asked, echo, serving, until
from tests.support.substation_stream import Ask, SubstationLink, link_to, wire


@pytest.mark.gen_test
async def test_every_call_gets_its_own_answer() -> None:
    async with serving(echo) as (_, port), link_to(port) as link:
        answers = await asyncio.gather(*(asked(link, str(number)) for number in range(50)))
        assert answers == [f"saw {number}" for number in range(50)]


@pytest.mark.gen_test
async def test_calls_that_wait_together_go_as_one_message() -> None:
    sent: list[int] = []
    async with serving(echo) as (service, port), link_to(port, on_batch=sent.append) as link:
        await until(lambda: link.up)
        await asyncio.gather(*(asked(link, str(number)) for number in range(200)))
        assert [len(message.calls) for message in service.messages] == [200]
        assert sent == [200]


@pytest.mark.gen_test
async def test_answers_that_are_ready_together_come_as_one_message() -> None:
    go_on = asyncio.Event()

    async def wait(_: pb.Call) -> str:
        await go_on.wait()
        return "done"

    received: list[pb.Answers] = []
    async with serving(wait) as (service, port), link_to(port, received) as link:
        calls = [asyncio.create_task(asked(link, str(number))) for number in range(100)]
        await until(lambda: sum(len(message.calls) for message in service.messages) == 100)
        go_on.set()
        await asyncio.gather(*calls)
    assert [len(message.answers) for message in received] == [0, 100]  # the greeting, then all


@pytest.mark.gen_test
async def test_a_slow_call_does_not_hold_up_the_others() -> None:
    go_on = asyncio.Event()

    async def handle(call: pb.Call) -> str:
        if call.find.session_id == "slow":
            await go_on.wait()
        return "done"

    async with serving(handle) as (_, port), link_to(port) as link:
        slow = asyncio.create_task(asked(link, "slow"))
        assert await asked(link, "quick") == "done"
        assert not slow.done()
        go_on.set()
        assert await slow == "done"


@pytest.mark.gen_test
async def test_a_call_carries_the_time_that_is_left() -> None:
    async with serving(echo) as (service, port), link_to(port) as link:
        await asked(link, "a", within_s=20)
        assert 0 < service.messages[0].calls[0].remaining_ms <= 20_000


@pytest.mark.gen_test
async def test_a_call_made_before_the_server_is_up_waits_for_it() -> None:
    port = free_port()
    async with link_to(port) as link:
        early = asyncio.create_task(asked(link, "early"))
        await asyncio.sleep(0.1)  # the first attempts to connect fail
        assert not link.up
        async with serving(echo, port):
            assert await early == "saw early"


@pytest.mark.gen_test
async def test_a_cut_link_loses_what_was_sent_and_comes_back_for_what_was_not() -> None:
    handled: list[str] = []

    async def never(call: pb.Call) -> str:
        handled.append(call.find.session_id)
        await asyncio.Event().wait()
        return "never"

    port = free_port()
    async with link_to(port) as link:
        async with serving(never, port):
            sent = asyncio.create_task(asked(link, "sent"))
            await until(lambda: handled == ["sent"])
        with pytest.raises(LinkLost):
            await sent
        assert not link.up
        later = asyncio.create_task(asked(link, "later"))
        async with serving(echo, port) as (service, _):
            assert await later == "saw later"
            again = [call.find.session_id for message in service.messages for call in message.calls]
            assert again == ["later"]  # what was sent is never silently sent again


@pytest.mark.gen_test
async def test_closing_the_link_fails_what_is_in_flight() -> None:
    handled = asyncio.Event()

    async def never(_: pb.Call) -> str:
        handled.set()
        await asyncio.Event().wait()
        return "never"

    async with serving(never) as (_, port):
        async with link_to(port) as link:
            call = asyncio.create_task(asked(link, "a"))
            await handled.wait()
        with pytest.raises(LinkLost):
            await call


@pytest.mark.gen_test
async def test_a_lost_caller_cancels_what_is_handled_for_it() -> None:
    handled, cancelled = asyncio.Event(), asyncio.Event()

    async def never(_: pb.Call) -> str:
        handled.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()
        return "never"

    async with serving(never) as (_, port):
        async with link_to(port) as link:
            call = asyncio.create_task(asked(link, "a"))
            await handled.wait()
        await cancelled.wait()
        with contextlib.suppress(LinkLost):
            await call


def with_cancels(outgoing: list[Outgoing[Ask]], cancelled: list[int]) -> pb.Calls:
    """The substation's calls, and a call without a command for each cancelled one."""
    calls = [pb.Call(number=o.number, find=pb.Find(session_id=f"{o.number}")) for o in outgoing]
    return pb.Calls(calls=[*calls, *(pb.Call(number=number) for number in cancelled)])


@pytest.mark.gen_test
async def test_a_caller_that_gives_up_cancels_its_own_call_and_no_other() -> None:
    handled, cancelled = [], []

    async def never(call: pb.Call) -> str:
        handled.append(call.number)
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(call.number)
            raise
        return "never"

    usual = wire()
    async with serving(never) as (_, port):
        link: SubstationLink = Link(
            f"127.0.0.1:{port}", Wire(usual.hello, usual.answers, with_cancels, usual.decode)
        )
        kept, gone = [asyncio.create_task(asked(link, name)) for name in ("kept", "gone")]
        await until(lambda: handled == [1, 2])
        gone.cancel()
        await until(lambda: cancelled == [2])
        with pytest.raises(TimeoutError):
            await asked(link, "late", within_s=0.2)
        await until(lambda: cancelled == [2, 3])
        await link.close()
        with pytest.raises(LinkLost):
            await kept
