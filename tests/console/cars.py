"""Cars that ask a grid to charge, one at a time, and orders of an operator who uses no console."""

import json
import urllib.error
import urllib.request
from typing import Any

from tests.support.grid import Grid, get, until


def ask(grid: Grid, vehicle_id: str, **wanted: object) -> tuple[int, Any]:
    """Ask to charge; returns the status and the body."""
    body = json.dumps({"vehicle_id": vehicle_id, **wanted}).encode()
    request = urllib.request.Request(
        f"{grid.gateway}/charge", body, {"Content-Type": "application/json"}, method="POST"
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def stop_session(grid: Grid, session_id: str) -> None:
    """Let a car leave."""
    request = urllib.request.Request(f"{grid.gateway}/charge/{session_id}", method="DELETE")
    with urllib.request.urlopen(request, timeout=10):
        pass


def all_leave(grid: Grid) -> None:
    """Let every car leave, and wait until the balancer knows."""
    for each in grid.sessions():
        if each["state"] in {"charging", "paused"}:
            stop_session(grid, each["session_id"])
    until(lambda: cars_on(grid) == 0)


def cars_on(grid: Grid) -> int:
    """Return how many cars charge, as the balancer knows it: one request, however many cars there were."""
    return int(sum(row["sessions"] for row in get(f"{grid.balancer}/fleet")["substations"]))


def operate(grid: Grid, method: str, path: str, **body: object) -> None:
    """Give the balancer an order, past the console."""
    sent = urllib.request.Request(
        f"{grid.balancer}{path}",
        json.dumps(body).encode(),
        {"Content-Type": "application/json"},
        method=method,
    )
    with urllib.request.urlopen(sent, timeout=10):
        pass


def carry(url: str, base_load_kw: float) -> None:
    """Let the meter of the substation at an address read a base load."""
    body = json.dumps({"kw": base_load_kw}).encode()
    sent = urllib.request.Request(
        f"{url}/base-load", body, {"Content-Type": "application/json"}, method="PUT"
    )
    with urllib.request.urlopen(sent, timeout=10):
        pass


def placed(grid: Grid, vehicle_id: str, **wanted: object) -> Any:
    """Charge; returns the session."""
    status, body = ask(grid, vehicle_id, **wanted)
    assert status == 201, body
    return body
