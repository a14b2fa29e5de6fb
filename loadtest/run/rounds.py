"""One plan run several times: under several policies in turn, round after round.

The rounds are interleaved, so that what changes slowly on the machine meets every policy alike.
"""

import dataclasses
from collections.abc import Iterable, Sequence
from pathlib import Path

import aiohttp

from loadtest.run.lease import Lease
from loadtest.run.order import RunOptions
from loadtest.run.switch import Switch
from loadtest.send.credential import Credential
from loadtest.send.grid import GridReader


def orders(order: RunOptions, policies: Sequence[str], repeat: int) -> list[RunOptions]:
    """Return the order of each run; without `policies` the one that is on stays."""
    wanted = list(dict.fromkeys(policies)) or [""]
    if len(wanted) * repeat == 1:
        return [dataclasses.replace(order, policy=wanted[0])]
    return [
        dataclasses.replace(order, policy=policy, json=_beside(order.json, policy, number))
        for number in range(1, repeat + 1)
        for policy in wanted
    ]


async def check(order: RunOptions, policies: Iterable[str], credential: Credential) -> None:
    """Let the balancer take each policy once, and the former one again, before anything is sent.

    Raises NotReady, Busy or NotRestored.
    """
    async with aiohttp.ClientSession() as http:
        grid, lease = (
            GridReader(http, order.gateway_url, order.balancer_url),
            Lease(http, order.balancer_url, order.run_id, credential.orders()),
        )
        try:
            await grid.gateway()
            await lease.take()
            former = (await grid.fleet()).policy
            for policy in policies:
                async with Switch(http, order.balancer_url, former, policy, headers=credential.orders()):
                    pass
        finally:
            await lease.give_back()


def _beside(file: Path | None, policy: str, number: int) -> Path | None:
    """Return where one run of several leaves a copy: `rush.json` becomes `rush-random-1.json`."""
    return file and file.with_name("-".join(filter(None, (file.stem, policy, str(number)))) + file.suffix)
