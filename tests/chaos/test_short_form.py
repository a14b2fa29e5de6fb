"""Faults of each kind on one grid under load: the short form of `make chaos`."""

import asyncio
from pathlib import Path

import pytest

from tests.chaos.faults import (
    BadDisk,
    ClockMoved,
    Frozen,
    Killed,
    Link,
    NoDescriptors,
    WrongDisk,
)
from tests.chaos.grid import FaultyGrid
from tests.chaos.plan import Round
from tests.chaos.run import run, settings
from tests.support.fault_shim import Disk, Point, built
from tests.support.faulty_link import Trouble

RATE = 15.0  # keys a second
POLL_S = 2.0  # a busy machine needs its time for a page too
ROUNDS: tuple[Round, ...] = (
    ([Killed("substation-1", Point.BEFORE_SYNC, 3), Killed("gateway-1", Point.AFTER_RECEIVE, 5)], 0),
    ([Killed("balancer-1", Point.AFTER_SYNC, 3), Killed("substation-2", Point.BEFORE_SEND, 6)], 0),
    ([Killed("substation-3", Point.AFTER_SYNC, 2), Killed("balancer-1", Point.AFTER_SEND, 4)], 0),
    ([Frozen("substation-1", Point.AFTER_SYNC, 3), Killed("gateway-2", Point.BEFORE_SEND, 5)], 0.5),
    (
        [
            Frozen("balancer-1", Point.BEFORE_SYNC, 2),
            Link("client to gateway-1", Trouble(cut_after=50), "cut"),
        ],
        0.5,
    ),
    (
        [
            Link("gateway-1 to balancer-1", Trouble(hold_up=True, hold_down=True), "black hole"),
            Link("balancer-1 to substation-1, stream", Trouble(hold_down=True), "no answers"),
            BadDisk("substation-2", Disk.ENOSPC),
        ],
        1.0,
    ),
    (
        [
            Link("balancer-1 to substation-3, poll", Trouble(drip=200), "drip"),
            Link("balancer-1 to substation-3, stream", Trouble(cut_after=7), "cut in a message"),
            ClockMoved("substation-2", -86_400.0),
            BadDisk("substation-1", Disk.EIO),
        ],
        0.5,
    ),
    (
        [
            NoDescriptors("balancer-1", "gateway-2 to balancer-1"),
            ClockMoved("gateway-1", 86_400.0),
            BadDisk("substation-1", Disk.STALL),
        ],
        0.5,
    ),
    ([WrongDisk("substation-3", "substation-1"), BadDisk("balancer-1", Disk.EDQUOT)], 0.3),
)


def test_faults_of_every_kind_lose_nothing_double_nothing_and_are_survived(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    grid = FaultyGrid(
        tmp_path / "grid", built(tmp_path_factory.getbasetemp()), settings=settings(RATE, poll_s=POLL_S)
    )
    outcome = asyncio.run(run(grid, RATE, lambda _: ROUNDS, most=len(ROUNDS)))
    assert outcome.violations == []
    assert len(outcome.recovery_s) == len(ROUNDS)
    assert outcome.kills == 7
    assert outcome.figures["accepted"] > RATE
