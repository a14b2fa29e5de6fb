"""One request through real processes: its lines are found in every log, under one trace id."""

import http.client
import json
import time
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.grid import Grid, until

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
VEHICLE = "EV-NOBODY-MAY-READ-THIS"


@pytest.fixture(scope="module")
def grid(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Grid]:
    made = Grid(tmp_path_factory.mktemp("traces") / "data")
    made.start()
    yield made
    made.stop()


def lines(grid: Grid, log: str) -> list[dict[str, Any]]:
    """Every line of a service's log; each is an object."""
    found = (grid.data / "log" / f"{log}.log").read_text().splitlines()
    return [json.loads(line) for line in found]


def charge(grid: Grid, **headers: str) -> tuple[dict[str, Any], dict[str, str]]:
    """Charge a car; returns the session and the headers of the answer."""
    where = urllib.parse.urlsplit(grid.gateway)
    connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=10)
    body = json.dumps({"vehicle_id": VEHICLE})
    connection.request("POST", "/charge", body, {"Content-Type": "application/json", **headers})
    answer = connection.getresponse()
    assert answer.status == 201
    session = json.loads(answer.read())
    connection.close()
    return session, dict(answer.getheaders())


def of_session(grid: Grid, session: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The line of each service about a session, by service; waits until all three have written it."""
    logs = ("gateway", "balancer", session["substation_id"])

    def found() -> dict[str, dict[str, Any]]:
        return {
            line["service"]: line
            for log in logs
            for line in lines(grid, log)
            if line.get("session_id") == session["session_id"]
        }

    until(lambda: len(found()) == len(logs))
    return found()


@pytest.mark.parametrize("key", [{}, {"Idempotency-Key": "k-1"}], ids=["without a key", "with a key"])
def test_a_request_is_found_in_all_three_logs_under_the_callers_trace(
    grid: Grid, key: dict[str, str]
) -> None:
    session, _ = charge(
        grid, traceparent=f"00-{TRACE}-{SPAN}-01", **{"X-Request-Id": "from-the-caller"}, **key
    )
    told = of_session(grid, session)
    assert set(told) == {"gateway", "balancer", "substation"}
    assert {line["trace_id"] for line in told.values()} == {TRACE}
    assert {line["request_id"] for line in told.values()} == {"from-the-caller"}
    assert [told[name]["message"] for name in ("gateway", "balancer", "substation")] == [
        "ChargesHandler answered 201",
        "charge answered admitted",
        "place answered placed",
    ]


def test_the_gateways_line_has_handler_status_and_duration(grid: Grid) -> None:
    began_s = time.monotonic()
    session, _ = charge(grid)
    line = of_session(grid, session)["gateway"]
    assert (line["handler"], line["method"], line["status"]) == ("ChargesHandler", "POST", 201)
    assert 0 < line["duration_ms"] < 1000 * (time.monotonic() - began_s)
    assert line["outcome"] == "admitted"


@pytest.mark.parametrize(
    "header", [f"00-{TRACE}-{SPAN}-01,00-{TRACE}-{SPAN}-01", f"ff-{TRACE}-{SPAN}-01", "\x80" * 55, "x" * 4000]
)
def test_a_hostile_trace_reaches_no_log(grid: Grid, header: str) -> None:
    session, answered = charge(grid, traceparent=header, **{"X-Request-Id": "not plain"})
    told = of_session(grid, session)
    (trace_id,) = {line["trace_id"] for line in told.values()}
    assert len(trace_id) == 32
    assert trace_id != TRACE
    assert {line["request_id"] for line in told.values()} == {answered["X-Request-Id"]}


def test_no_vehicle_and_no_address_is_in_any_log(grid: Grid) -> None:
    charge(grid)
    logs = [path for path in Path(grid.data / "log").glob("*.log") if path.name != "supervisord.log"]
    assert len(logs) >= 6
    for path in logs:
        text = path.read_text()
        assert VEHICLE not in text, path.name
        assert "remote" not in text


def test_scrapes_and_probes_fill_no_log(grid: Grid) -> None:
    """Balancers poll every second: nobody wants to read that; but that a service was not ready is told."""
    told = [
        line
        for path in ("substation-1", "balancer")
        for line in lines(grid, path)
        if line.get("status") == 200
    ]
    assert not {line.get("handler") for line in told} & {"MetricsHandler", "LiveHandler", "ReadyHandler"}
