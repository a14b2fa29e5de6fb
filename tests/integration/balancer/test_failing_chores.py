"""What a balancer does again and again goes on after a round that failed."""

import asyncio
from pathlib import Path

import pytest

from balancer.app import balancer
from balancer.book.embedded import EmbeddedBook
from balancer.fleet.discovery import Discovery
from balancer.operating.operator_settings import OperatorSettings
from balancer.operating.rebinding import Rebinding
from balancer.placing.predictive.outlooks import OutlookKeeper
from balancer.settings import Settings
from runtime import background
from runtime.settings import load

ROUNDS = [
    (Discovery, "look_up"),
    (EmbeddedBook, "prune"),
    (EmbeddedBook, "probe"),
    (OperatorSettings, "remember"),
    (OutlookKeeper, "refresh"),
    (Rebinding, "follow"),
]


@pytest.mark.gen_test
async def test_each_chore_goes_on_after_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "ANEW_S", 0.001)
    done = {name: asyncio.Event() for _, name in ROUNDS}
    failed = set[str]()
    for owner, name in ROUNDS:
        real = getattr(owner, name)

        def once_failing(*args: object, real: object = real, name: str = name) -> object:
            if name not in failed:
                failed.add(name)
                raise LookupError(f"a fault of {name}")
            done[name].set()
            return real(*args)  # type: ignore[operator]

        monkeypatch.setattr(owner, name, once_failing)
    settings = load(
        Settings,
        {
            "BALANCER_PORT": "0",
            "BALANCER_STREAM_PORT": "0",
            "DATA_DIR": f"{tmp_path}",
            "SUBSTATIONS": "dns://localhost:1",
            "POLL_S": "0.05",
        },
    )
    async with balancer(settings):
        await asyncio.gather(*(each.wait() for each in done.values()))
