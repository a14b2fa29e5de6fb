"""A substation that is given up leaves no series and no 503."""

from collections.abc import Collection
from pathlib import Path

import pytest

from balancer.book.embedded import EmbeddedBook
from balancer.book.protocol import Address
from balancer.contract import BalancerOutcome
from tests.integration.balancer.decommissioned import grids, lost, ordered
from tests.integration.balancer.grid import until
from tests.integration.balancer.operator import order


@pytest.mark.gen_test
async def test_one_that_is_given_up_leaves_no_series_and_no_503(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor one that died before the balancer started, and had no session at all."""
    noted: set[str] = set()
    note = EmbeddedBook.saw

    async def saw(book: EmbeddedBook, addresses: Collection[Address]) -> None:
        await note(book, addresses)
        noted.update(each.substation_id for each in addresses)

    async def noted_both() -> bool:
        return noted == {"s-1", "s-2"}

    monkeypatch.setattr(EmbeddedBook, "saw", saw)
    async with grids(tmp_path) as (grid, client):
        await until(
            noted_both
        )  # a balancer notes where substations are once a second, and knows s-1 by that alone
        assert (await order(grid, "s-1", "decommission")).status == 422
        await client.placed(vehicle_id="car", substations=("s-2",))
        await grid.stop("balancer")
        await grid.stop("s-1")
        await grid.start("balancer")

        await until(lambda: ordered(grid, "s-1"))
        assert len((await client.page("car")).sessions) == 1
        await grid.stop("s-2")
        await lost(grid, "s-2")
        await until(lambda: ordered(grid, "s-2"))

        async def no_series() -> bool:
            async with grid.session.get(f"{grid.balancer_url}/metrics") as response:
                return 'substation="s-' not in await response.text()

        await until(no_series)
        await grid.stop("balancer")
        await grid.start("balancer")
        assert (await client.page("car")).outcome is BalancerOutcome.FOUND
