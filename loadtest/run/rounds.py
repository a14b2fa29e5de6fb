"""One plan run several times: round after round, under each policy in turn.

The rounds are interleaved, so that slow changes of the machine affect every policy alike.
"""

import dataclasses
from collections.abc import Iterable, Sequence
from pathlib import Path

from loadtest.plan import clock
from loadtest.record.grid_reader import GridReader
from loadtest.run.lease import Lease
from loadtest.run.options import RunOptions
from loadtest.run.outcome import RunOutcome
from loadtest.run.switch import Switch
from loadtest.send.credential import Credential


def in_rounds(options: RunOptions, policies: Sequence[str], repeat: int) -> list[RunOptions]:
    """Return the options of each run; without `policies` the present policy stays."""
    wanted = list(dict.fromkeys(policies)) or [""]
    if len(wanted) * repeat == 1:
        return [dataclasses.replace(options, policy=wanted[0])]
    return [
        dataclasses.replace(options, policy=policy, json=_beside(options.json, policy, number))
        for number in range(1, repeat + 1)
        for policy in wanted
    ]


def at_the_same_time(options: RunOptions, first: RunOutcome) -> RunOptions:
    """Return the options of a later run: a day begins at the time of day of the first run, so that its cars are the same."""
    if first.starts_at is None:
        return options
    plan = dataclasses.replace(options.plan, starts_at_h=clock.read(first.starts_at))
    return dataclasses.replace(options, plan=plan)


async def check(options: RunOptions, policies: Iterable[str], credential: Credential) -> None:
    """Switch to each policy once, and back to the former one, before anything is sent.

    Raises NotReady, OtherRunActive or NotRestored.
    """
    async with credential.session(options.gateway_url, options.balancer_url) as http:
        grid, lease = (
            GridReader(http, options.gateway_url, options.balancer_url),
            Lease(http, options.balancer_url, options.run_id, credential.orders()),
        )
        try:
            await grid.gateway()
            await lease.take()
            former = (await grid.fleet()).policy
            for policy in policies:
                async with Switch(http, options.balancer_url, former, policy, headers=credential.orders()):
                    pass
        finally:
            await lease.give_back()


def _beside(file: Path | None, policy: str, number: int) -> Path | None:
    """Return the file of one run of several: `rush.json` becomes `rush-random-1.json`."""
    return file and file.with_name("-".join(filter(None, (file.stem, policy, str(number)))) + file.suffix)
