"""Three balancers and two gateways on one order book, of which one process after the other is lost: `make proof` in short."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.proof.lost_processes import DATABASE, FROZEN, KILLED, Fault, lost_processes
from tests.support.grid import get, until
from tests.support.postgres import PostgresServer, server
from tests.support.several_balancers import SeveralBalancers, several_balancers

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


def test_the_withdrawal_of_a_balancer_that_was_killed_is_asked_for_by_another(
    tmp_path: Path, own_postgres: PostgresServer
) -> None:
    with several_balancers(tmp_path, own_postgres, 2, POLL_S="2") as grid:
        grid.freeze("substation-1")
        with pytest.raises(urllib.error.HTTPError) as answer:
            urllib.request.urlopen(_keyless(grid, "substation-1"), timeout=60)
        assert json.loads(answer.value.read())["outcome"] == "withdrawn"
        assert _withdrawals(own_postgres) == 1
        (asked,) = [name for name in grid.balancers if _decisions(grid, name)]
        grid.kill(asked)
        grid.kill("substation-1")  # with all that was sent to it
        grid.start("substation-1")
        until(lambda: _withdrawals(own_postgres) == 0)  # it is dropped when the substation has answered
        assert get(f"{grid.url('substation-1')}/sessions")["sessions"] == []


def _keyless(grid: SeveralBalancers, substation: str) -> urllib.request.Request:
    body = json.dumps({"vehicle_id": "car", "substations": [substation]}).encode()
    return urllib.request.Request(
        f"{grid.url('gateway-1')}/charge", body, {"Content-Type": "application/json"}
    )


def _withdrawals(database: PostgresServer) -> int:
    return int(database.sql("SELECT count(*) FROM order_book.withdrawal"))


def _decisions(grid: SeveralBalancers, balancer: str) -> int:
    return len(get(f"{grid.url(balancer)}/decisions?vehicle_id=car")["decisions"])
