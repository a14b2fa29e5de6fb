"""Addresses that hang, drip, lie or answer for others: requests at other substations are not affected."""

import asyncio
import gzip
import itertools
import re
from pathlib import Path

import pytest

from balancer.fleet.poller import MOST_BYTES
from tests.integration.balancer.grid import Grid, Plan, running, until
from tests.integration.balancer.liars import Answer, answering, hung, places, saying, shown_as, true_page

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n"


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


async def failed(grid: Grid, more: int = 3) -> None:
    """Wait until so many more polls have failed, and s-1 is healthy: on a busy machine a poll of it may be late."""
    sample = 'smartgrid_balancer_polls_total{outcome="failed"}'
    before = await grid.metric(sample)

    async def enough() -> bool:
        return await grid.metric(sample) >= before + more

    await until(enough)
    await until(lambda: shown_as(grid, "s-1", "healthy"))


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
