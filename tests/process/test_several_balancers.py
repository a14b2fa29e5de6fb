"""Three balancers and two gateways on one order book, of which one process after the other is lost: `make proof` in short."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.proof.lost_processes import DATABASE, FROZEN, KILLED, Fault, lost_processes
from tests.support.postgres import PostgresServer, server

FAULTS = (
    Fault("balancer-1", KILLED, 1.0),
    Fault("balancer-2", FROZEN, 4.0),
    Fault("gateway-1", KILLED, 1.0),
    Fault(DATABASE, KILLED, 1.0),
)


@pytest.fixture
def own_postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """A server that this test may kill; it keeps what it has committed."""
    with server(tmp_path_factory.getbasetemp(), "fsync=off") as started:
        yield started


def test_nothing_is_lost_or_doubled_while_processes_are_killed_and_frozen(
    tmp_path: Path, own_postgres: PostgresServer
) -> None:
    *rows, verdict = lost_processes(tmp_path, own_postgres, FAULTS, rate=30, calm_s=0.5)
    assert [(row["without a 201"], row["doubled"]) for row in rows] == [(0, 0)] * len(FAULTS)
    assert verdict["keys"] > 150
    assert verdict["keys"] == verdict["accepted"] == verdict["sessions"]
    assert (verdict["lost"], verdict["doubled"], verdict["above capacity, W"]) == (0, 0, 0)
