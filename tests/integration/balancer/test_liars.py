"""Addresses that hang, drip, lie or answer for others: requests at other substations are not affected."""

import asyncio
import contextlib
import gzip
import itertools
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from balancer.fleet.poller import MOST_BYTES
from tests.integration.balancer.grid import HOST, Grid, Plan, running, until
from tests.integration.gateway.api import api_of
from tests.support.ports import free_ports

POLL_S = 0.5  # where one missed poll would change what is asserted
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n"
WHOLE = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b"

Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]


@contextlib.asynccontextmanager
async def answering(answer: Answer, host: str = HOST) -> AsyncIterator[str]:
    """Serve what `answer` writes to every client; yields the base URL."""
    tasks = set[asyncio.Task[None]]()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        try:
            await reader.readuntil(b"\r\n\r\n")
            await answer(writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # given up, or the end of the test
        finally:
            writer.transport.abort()

    server = await asyncio.start_server(connected, host)
    try:
        yield f"http://{host}:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def saying(page: bytes) -> Answer:
    async def say(writer: asyncio.StreamWriter) -> None:
        writer.write(WHOLE % (len(page), page))
        await writer.drain()

    return say


async def hung(writer: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


async def slow(writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(0.3)  # the poll waits for 0.16
    await saying(b"")(writer)


async def dripping_head(writer: asyncio.StreamWriter) -> None:
    for byte in itertools.cycle(b"X-Patience: 1\r\n"):
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(0.01)


async def dripping_body(writer: asyncio.StreamWriter) -> None:
    writer.write(HEAD)
    for byte in itertools.cycle(b"# nothing\n"):
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(0.01)


async def endless(writer: asyncio.StreamWriter) -> None:
    writer.write(HEAD)
    while True:
        writer.write(b"# nothing\n" * 1000)
        await writer.drain()
        await asyncio.sleep(0)


async def squeezed(writer: asyncio.StreamWriter) -> None:
    """A page that says it is compressed, and is not."""
    writer.write(
        HEAD.replace(b"Content-Type", b"Content-Encoding: gzip\r\nContent-Type") + b"\x1f\x8b garbage"
    )
    await writer.drain()


async def true_page(grid: Grid, name: str) -> str:
    async with grid.session.get(f"{grid.substation_url(name)}/metrics") as response:
        return await response.text()


async def failed(grid: Grid, more: int = 3) -> None:
    """Wait until so many more polls have failed, and s-1 is healthy: on a busy machine a poll of it may be late."""
    sample = 'smartgrid_balancer_polls_total{outcome="failed"}'
    before = await grid.metric(sample)

    async def enough() -> bool:
        return await grid.metric(sample) >= before + more

    await until(enough)
    await until(lambda: shown_as(grid, "s-1", "healthy"))


async def places(grid: Grid, count: int = 4) -> set[str]:
    api = await api_of(grid)
    return {(await api.placed(max_power_kw=1))["substation_id"] for _ in range(count)}


@pytest.mark.gen_test
@pytest.mark.parametrize(
    "answer",
    [
        hung,
        slow,
        dripping_head,
        dripping_body,
        endless,
        saying(b"\x00\xff" * 1000),
        saying(b"# nothing\n" * 1_000_000),
        saying(b"x" * (MOST_BYTES + 1)),
    ],
    ids=["hung", "slow", "dripping head", "dripping body", "endless", "garbage", "10 MB", "a byte too much"],
)
async def test_an_address_that_answers_badly_harms_nobody_else(tmp_path: Path, answer: Answer) -> None:
    async with answering(answer) as url, running(tmp_path, Plan((100,), more_urls=(url,))) as grid:
        await failed(grid)
        assert list(await grid.fleet()) == ["s-1"]
        assert await places(grid) == {"s-1"}


@pytest.mark.gen_test
@pytest.mark.parametrize(
    ("pattern", "lie"),
    [
        (r"(load_watts\{.*\}) .*", r"\1 -5"),
        (r"(load_watts\{.*\}) .*", r"\1 NaN"),
        (r"(load_watts\{.*\}) .*", r"\1 +Inf"),
        (r"(capacity_watts\{.*\}) .*", r"\1 0"),
        (r"(capacity_watts\{.*\}) .*", r"\1 NaN"),
        (r"(report_seq\{.*\}) .*", r"\1 NaN"),
        (r"(report_epoch\{.*\}) .*", r"\1 1e300"),
        (r"(rated_watts\{.*\}) .*", r"\1 0"),
        (r"(capacity_watts\{.*\}) .*", r"\1 1e300"),
        (r'(releases_watts\{.*within="1".*\}) .*', r"\1 99999"),
        (r'(releases_watts\{.*within="\+Inf".*\}) .*', r"\1 -1"),
        ('substation="s-1"', 'substation="S 1"'),
        ('substation="s-1"', f'substation="{"s" * 64}"'),
        ('journal="[^"]*"', 'journal=""'),
        ('stream="[^"]*"', 'stream=":0"'),
        ('stream="[^"]*"', 'stream=":port"'),
        ('stream="[^"]*"', 'stream="unix:///tmp/x:1"'),
    ],
)
async def test_a_page_that_can_t_be_true_is_a_miss_of_its_own_alone(
    tmp_path: Path, pattern: str, lie: str
) -> None:
    page = ""

    async def lying(writer: asyncio.StreamWriter) -> None:
        await saying(page.encode())(writer)

    async with answering(lying) as url, running(tmp_path, Plan((100,), more_urls=(url,))) as grid:
        page, changed = re.subn(pattern, lie, await true_page(grid, "s-1"))
        assert changed
        await failed(grid)
        assert list(await grid.fleet()) == ["s-1"]
        assert await places(grid) == {"s-1"}


@pytest.mark.gen_test
@pytest.mark.parametrize("status", ["302 Found", "203 Non-Authoritative Information", "500 Broken"])
async def test_a_redirect_is_not_followed_and_only_200_is_a_page(tmp_path: Path, status: str) -> None:
    """Otherwise an address could speak for any other, and count as alive while it is not."""
    asked, page = 0, ""

    async def target(writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        asked += 1
        await saying(page.encode())(writer)

    async with answering(target) as aim:

        async def redirecting(writer: asyncio.StreamWriter) -> None:
            head = f"HTTP/1.1 {status}\r\nLocation: {aim}\r\nContent-Length: {len(page)}\r\n\r\n"
            writer.write(f"{head}{page}".encode())
            await writer.drain()

        async with answering(redirecting) as url, running(tmp_path, Plan((100,), more_urls=(url,))) as grid:
            page = (await true_page(grid, "s-1")).replace('"s-1"', '"s-9"')
            await failed(grid)
            assert list(await grid.fleet()) == ["s-1"]
            assert await places(grid) == {"s-1"}
    assert asked == 0


@pytest.mark.gen_test
async def test_a_page_is_not_unpacked_whatever_it_would_become(tmp_path: Path) -> None:
    packed = b""

    async def packing(writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD.replace(b"Content-Type", b"Content-Encoding: gzip\r\nContent-Type") + packed)
        await writer.drain()

    async with answering(packing) as url, running(tmp_path, Plan((100,), more_urls=(url,))) as grid:
        packed = gzip.compress((await true_page(grid, "s-1")).replace('"s-1"', '"s-9"').encode())
        await failed(grid)
        assert list(await grid.fleet()) == ["s-1"]


@pytest.mark.gen_test
async def test_a_page_that_names_somebody_whose_stream_is_another_s_gets_nothing(tmp_path: Path) -> None:
    """It says that it is idle and huge; but at its stream s-2 answers."""
    page = ""

    async def lying(writer: asyncio.StreamWriter) -> None:
        await saying(page.encode())(writer)

    async with (
        answering(lying) as url,
        running(tmp_path, Plan((100, 90), poll_s=POLL_S, more_urls=(url,))) as grid,
    ):
        page = (await true_page(grid, "s-2")).replace('substation="s-2"', 'substation="s-9"')
        page = re.sub(r"((capacity|rated)_watts\{.*\}) .*", r"\1 900000", page)
        await until(lambda: shown_as(grid, "s-9", "ejected"))
        await until(lambda: shown_as(grid, "s-9", "conflict"))
        assert await grid.metric("smartgrid_balancer_identity_conflicts") == 1
        assert await places(grid, 6) == {"s-1", "s-2"}
        fleet = await grid.fleet()
        assert (fleet["s-1"]["state"], fleet["s-2"]["state"]) == ("healthy", "healthy")


@pytest.mark.gen_test
async def test_a_copy_of_a_page_at_another_address_changes_nothing(tmp_path: Path) -> None:
    """While the true one is heard; three of its polls in a row are missed by no busy machine at this pace."""
    page = ""

    async def lying(writer: asyncio.StreamWriter) -> None:
        await saying(page.encode())(writer)

    async with (
        answering(lying) as url,
        running(tmp_path, Plan((100, 90), poll_s=1.5, more_urls=(url,))) as grid,
    ):
        copied = await true_page(grid, "s-1")
        stream = f":{grid.ports['s-2'][1]}"
        page = re.sub('stream="[^"]*"', f'stream="{stream}"', copied)

        async def read() -> bool:
            return not (await grid.get_json(f"{grid.balancer_url}/fleet"))["unseen"]

        await until(read)
        polls = 'smartgrid_balancer_polls_total{outcome="ok"}'
        enough = await grid.metric(polls) + 18
        while await grid.metric(polls) < enough:
            shown = (await grid.fleet())["s-1"]
            assert shown["url"] == grid.substation_url("s-1")
            assert shown["state"] not in {"conflict", "gone"}  # a poll may be late on a busy machine
            await asyncio.sleep(0.1)  # often within the pace of 1.5 s
        await until(lambda: shown_as(grid, "s-1", "healthy"))
        assert await places(grid, 8) == {"s-1", "s-2"}


@pytest.mark.gen_test
async def test_an_address_with_another_id_at_every_poll_leaves_the_others_alone(tmp_path: Path) -> None:
    page, numbers = "", itertools.count()

    async def lying(writer: asyncio.StreamWriter) -> None:
        await saying(page.replace('"s-2"', f'"made-up-{next(numbers)}"').encode())(writer)

    async with (
        answering(lying) as url,
        running(tmp_path, Plan((100, 90), poll_s=POLL_S, more_urls=(url,))) as grid,
    ):
        page = await true_page(grid, "s-2")

        async def many() -> bool:
            return len(await grid.fleet()) >= 6

        await until(many)
        assert await places(grid, 6) == {"s-1", "s-2"}
        states = {each["state"] for name, each in (await grid.fleet()).items() if "made-up" in name}
        assert "gone" in states
        assert len([s for s in states if s != "gone"]) <= 1  # only the one that it shows now


async def shown_as(grid: Grid, name: str, state: str) -> bool:
    return await grid.state(name) == state


@contextlib.asynccontextmanager
async def twin(grid: Grid, folder: Path, ports: tuple[int, int]) -> AsyncIterator[None]:
    """A second s-1 with a journal of its own."""
    async with grid.station("s-1", folder / "twin", *ports):
        yield


def errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    names = {"balancer.fleet.poller", "balancer.fleet.identity_log"}
    return [r.message for r in caplog.records if r.levelname == "ERROR" and r.name in names]


@pytest.mark.gen_test
async def test_of_two_substations_with_one_id_neither_is_used_until_one_is_gone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    http, streams = free_ports(2)
    plan = Plan((100, 100), poll_s=POLL_S, more_urls=(f"http://{HOST}:{http}",))
    async with running(tmp_path, plan) as grid:
        first = await grid.fleet()
        api = await api_of(grid)
        session = await api.placed(max_power_kw=2, substations=["s-1"])
        async with twin(grid, tmp_path, (http, streams)):
            await until(lambda: shown_as(grid, "s-1", "conflict"))
            assert await grid.metric("smartgrid_balancer_identity_conflicts") == 1
            assert await places(grid) == {"s-2"}
            assert (await api.charge("key-1", substations=["s-1"])).status == 503
            assert (await api.find(session["session_id"])).status == 503  # who knows which of them answers
            assert await grid.state("s-1") == "conflict"
            assert [s["substation_id"] for s in await grid.sessions()] == ["s-1"] + ["s-2"] * 4
        await until(lambda: shown_as(grid, "s-1", "healthy"))
        assert (await grid.fleet())["s-1"]["journal_id"] == first["s-1"]["journal_id"]
        assert await grid.metric("smartgrid_balancer_identity_conflicts") == 0
        assert (await api.placed("key-1", substations=["s-1"]))["substation_id"] == "s-1"
        assert (await api.find(session["session_id"])).status == 200
    assert len(errors(caplog)) == 1


@pytest.mark.gen_test
async def test_a_substation_with_a_new_disk_is_accepted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(tmp_path, Plan((100,), poll_s=POLL_S)) as grid:
        await places(grid)
        old = (await grid.fleet())["s-1"]["journal_id"]
        await grid.stop("s-1")
        async with twin(grid, tmp_path, grid.ports["s-1"]):

            async def renewed() -> bool:
                shown = (await grid.fleet())["s-1"]
                return (shown["journal_id"] != old, shown["state"]) == (True, "healthy")

            await until(renewed)
            assert (await grid.fleet())["s-1"]["sessions"] == 0
    assert errors(caplog) == []
    assert [r.was for r in caplog.records if "another journal" in r.message] == [old]  # type: ignore[attr-defined]
