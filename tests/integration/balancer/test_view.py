"""The balancer's view over real pages and streams: old, flawed, hung and lost ones."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import aiohttp
import pytest
from tornado.httpserver import HTTPServer
from tornado.web import Application, RequestHandler

from balancer.book.embedded import EmbeddedBook
from balancer.fleet.roster import Roster
from balancer.substation_stream import Links
from substation.contract import Place, SubstationAnswer, SubstationOutcome
from substation.plan import Plan as ChargingPlan
from tests.integration.balancer.grid import HOST, Grid, Plan, built, running, until
from tests.integration.balancer.readyz import unready
from tests.integration.gateway.api import api_of
from tests.support.ports import free_ports

OLD = 60.0  # a poll that does not come again in a test


async def book_id(grid: Grid) -> str:
    """The id of the order book, made before its balancer starts."""

    async def look(book: EmbeddedBook) -> str:
        return book.book_id

    return str(await grid.book(look))


@contextlib.asynccontextmanager
async def running_with_book(folder: Path, plan: Plan) -> AsyncIterator[tuple[Grid, str]]:
    async with built(folder, plan) as grid:
        book = await book_id(grid)
        for name in (*grid.names, "balancer", "gateway"):
            await grid.start(name)
        await grid.placeable()
        yield grid, book


async def place_directly(grid: Grid, name: str, book: str, power_kw: int) -> SubstationAnswer:
    """Fill a substation over a stream of our own: the balancer hears of it at its next poll."""
    links = Links(Roster(1.0))
    links.connect(name, f"{HOST}:{grid.ports[name][1]}")
    link = links.get(name)
    assert link
    plan = ChargingPlan(power_kw * 3_600_000, power_kw * 1000)
    answer = await link.call(Place(book, f"direct-{name}", 0, "car-0", plan), 30)
    await links.close()
    return answer


@pytest.mark.gen_test
async def test_a_refusal_on_an_old_view_moves_on_to_the_next_best(tmp_path: Path) -> None:
    plan = Plan(capacities_kw=(100, 40), poll_s=OLD)
    async with running_with_book(tmp_path, plan) as (grid, book):
        assert (await place_directly(grid, "s-1", book, 95)).outcome is SubstationOutcome.PLACED
        for key in ("key-1", ""):
            placed = await (await api_of(grid)).placed(key, max_power_kw=11)
            assert placed["substation_id"] == "s-2"
        refused = '{outcome="refused",substation="s-1"}'
        assert (
            await grid.metric(f"smartgrid_balancer_decisions_total{refused}") == 1
        )  # it learned from the first
        assert {session["substation_id"] for session in await grid.sessions()} == {"s-1", "s-2"}
        shown = await grid.fleet()
        assert shown["s-1"]["load_kw"] == 95
        assert shown["s-1"]["state"] == "healthy"  # a refusal is no failure


@pytest.mark.gen_test
async def test_a_fleet_that_is_full_contrary_to_the_view_is_said_to_be_full(tmp_path: Path) -> None:
    plan = Plan(capacities_kw=(20, 20, 20, 20, 20), poll_s=OLD)
    async with running_with_book(tmp_path, plan) as (grid, book):
        for name in grid.names:
            await place_directly(grid, name, book, 20)
        for key in ("key-1", ""):
            answer = await (await api_of(grid)).charge(key)
            assert (answer.status, answer.code) == (503, "no-capacity")
        assert len(await grid.sessions()) == 5


@pytest.mark.gen_test
async def test_the_error_of_an_estimate_is_measured_at_the_next_poll(tmp_path: Path) -> None:
    async with running_with_book(tmp_path, Plan()) as (grid, book):
        await place_directly(grid, "s-1", book, 50)

        async def measured() -> bool:
            total = await grid.metric('smartgrid_balancer_estimate_error_watts_sum{substation="s-1"}')
            return total >= 49_000

        await until(measured)
        assert await grid.metric('smartgrid_balancer_estimate_error_watts_sum{substation="s-2"}') == 0


@pytest.mark.gen_test
async def test_a_substation_of_another_order_book_takes_nothing(tmp_path: Path) -> None:
    async with built(tmp_path, Plan(capacities_kw=(100,))) as grid:
        await grid.start("s-1")
        await place_directly(grid, "s-1", "another-book", 1)
        for name in ("balancer", "gateway"):
            await grid.start(name)
        await unready(grid, "s-1 belongs to another order book")
        for key in ("key-1", ""):
            answer = await (await api_of(grid)).charge(key)
            assert (answer.status, answer.code) == (503, "no-substation")
        assert len(await grid.sessions()) == 1


@contextlib.asynccontextmanager
async def serving(page: Callable[[], str]) -> AsyncIterator[str]:
    """Serve what `page` returns, whatever is asked; yields the base URL."""

    class Page(RequestHandler):
        def get(self) -> None:
            self.finish(page())

    (port,) = free_ports(1)
    server = HTTPServer(Application([(".*", Page)]))
    server.listen(port, HOST)
    try:
        yield f"http://{HOST}:{port}"
    finally:
        server.stop()
        await server.close_all_connections()


@pytest.mark.gen_test
@pytest.mark.parametrize(
    ("old", "new"),
    [("} ", "}  "), ("{", "{ "), ("\n", " 1700000000000\n")],
    ids=["spaces", "labels", "timestamps"],
)
async def test_a_page_that_only_the_parser_reads_is_read_and_counted(
    tmp_path: Path, old: str, new: str
) -> None:
    pages = {"s-1": ""}
    async with serving(lambda: pages["s-1"]) as url, built(tmp_path, Plan((100,), urls=(url,))) as grid:
        await grid.start("s-1")
        async with grid.session.get(f"{grid.substation_url('s-1')}/metrics") as response:
            lines = (await response.text()).splitlines(keepends=True)
        pages["s-1"] = "".join(line if line[0] == "#" else line.replace(old, new) for line in lines)
        for name in ("balancer", "gateway"):
            await grid.start(name)

        async def missed() -> bool:
            return await grid.metric("smartgrid_balancer_scan_misses_total") > 0

        await until(missed)
        assert (await grid.fleet())["s-1"]["capacity_kw"] == 100
        await until(lambda: _linked(grid))
        assert (await (await api_of(grid)).placed())["substation_id"] == "s-1"


async def _linked(grid: Grid) -> bool:
    answer = await (await api_of(grid)).charge(max_power_kw=1)
    return answer.status == 201


@pytest.mark.gen_test
@pytest.mark.parametrize("page", ["", "garbage", 'smartgrid_substation_load_watts{substation="s-9"} NaN\n'])
async def test_a_page_that_nobody_can_read_is_a_miss_of_its_own_alone(tmp_path: Path, page: str) -> None:
    async with serving(lambda: page) as url, running(tmp_path, Plan((100,), more_urls=(url,))) as grid:

        async def failed() -> bool:
            return await grid.metric('smartgrid_balancer_polls_total{outcome="failed"}') >= 3

        await until(failed)
        assert list(await grid.fleet()) == ["s-1"]

        async def unharmed() -> bool:  # on a busy machine a poll of it may be late, too
            return await grid.state("s-1") == "healthy"

        await until(unharmed)
        assert (await (await api_of(grid)).placed())["substation_id"] == "s-1"


@pytest.mark.gen_test
async def test_a_substation_whose_page_is_gone_is_ejected_and_comes_back_by_itself(tmp_path: Path) -> None:
    async with running(tmp_path, Plan(proxied=True, poll_s=0.1)) as grid:
        api = await api_of(grid)
        seen = ["healthy"]

        async def reaches(wanted: str) -> bool:
            state = await grid.state("s-1")
            if state != seen[-1]:
                seen.append(state)
            return state == wanted

        await grid.pages["s-1"].shut()
        await until(lambda: reaches("ejected"))
        places = {(await api.placed())["substation_id"] for _ in range(3)}
        assert places == {"s-2"}
        assert (await api.charge(max_power_kw=90)).code == "no-capacity"  # s-1 has room, but who knows
        await grid.pages["s-1"].open()
        await until(lambda: reaches("healthy"))

        async def chosen() -> bool:  # on a busy machine a poll may be late once more
            return bool((await api.placed(energy_kwh=0.1))["substation_id"] == "s-1")

        await until(chosen)
        order = ["healthy", "suspect", "ejected", "probing"]
        positions = [order.index(state) for state in seen[:-1]]
        assert positions == sorted(positions)  # none is seen out of order; a short one may be missed


@pytest.mark.gen_test
async def test_missed_polls_eject_though_the_stream_keeps_the_report_fresh(tmp_path: Path) -> None:
    async with running(tmp_path, Plan(proxied=True, poll_s=0.5)) as grid:
        api = await api_of(grid)
        placed = await api.placed(substations=["s-1"])
        states: list[str] = []

        async def ejected() -> bool:
            assert (await api.find(placed["session_id"])).status == 200  # every answer carries a report
            shown = (await grid.fleet())["s-1"]
            assert shown["report_age_s"] < 3 * 0.5
            states.append(shown["state"])
            return "ejected" in states

        await grid.pages["s-1"].shut()
        await until(ejected)
        assert "suspect" in states


@pytest.mark.gen_test
async def test_addresses_that_hang_delay_the_polls_of_no_other(tmp_path: Path) -> None:
    """Six of them, one after the other, would make every report older than three polls."""

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            await reader.read()
        writer.transport.abort()

    ports = free_ports(6)
    servers = [await asyncio.start_server(hang, HOST, port) for port in ports]
    urls = tuple(f"http://{HOST}:{port}" for port in ports)
    async with running(tmp_path, Plan((100,), poll_s=0.5, more_urls=urls)) as grid:
        states = set()

        async def hung() -> bool:
            states.add(await grid.state("s-1"))
            return await grid.metric('smartgrid_balancer_polls_total{outcome="failed"}') >= 18

        await until(hung)
        assert states == {"healthy"}
    for server in servers:
        server.close()


@pytest.mark.gen_test
async def test_the_metrics_of_a_view_name_every_substation_from_its_discovery_on(tmp_path: Path) -> None:
    async with running(tmp_path) as grid:
        for name in grid.names:
            assert (
                await grid.metric(
                    f'smartgrid_balancer_substation_state{{state="healthy",substation="{name}"}}'
                )
                == 1
            )
            assert await grid.metric(f'smartgrid_balancer_outstanding_watts{{substation="{name}"}}') == 0
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"{grid.balancer_url}/metrics") as response,
        ):
            page = await response.text()
        assert page.count('outcome="placed"') == 2
