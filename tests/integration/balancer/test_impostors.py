"""Addresses that answer for another substation: it keeps its requests, and they get none."""

import asyncio
import contextlib
import itertools
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.balancer.grid import HOST, Grid, Plan, running, until
from tests.integration.balancer.liars import answering, places, saying, shown_as, true_page
from tests.integration.gateway.api import api_of
from tests.support.ports import free_ports

POLL_S = 0.5  # where one missed poll would change what is asserted


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
