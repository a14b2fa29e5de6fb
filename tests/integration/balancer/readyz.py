"""What balancer and gateway say that they wait for."""

from tests.integration.balancer.grid import Grid, until


async def unready(grid: Grid, reason: str) -> None:
    """Wait until balancer and gateway say why they are not ready, the gateway what its balancer has told it."""
    for url in (grid.balancer_url, grid.gateway_url):

        async def said(url: str = url) -> bool:
            return any(reason in each for each in (await grid.get_json(f"{url}/readyz"))["waiting_for"])

        await until(said)
