"""What an overloaded grid must show, on real processes."""

import contextlib
import dataclasses
import hashlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.overload.sending import Plan, Sent, begin, ended
from tests.support.grid import Grid, text
from tests.support.reserved import journaled

TIME_SCALE = 480.0
ENERGY_KWH = 10.0  # some 8 s at this time scale: much longer than an answer takes
KW_OF_A_CAR_A_SECOND = ENERGY_KWH * 3600 / TIME_SCALE
CAR_KW = 11
SUBSTATIONS = 3
WARM_S = 12.0  # until the grid is full and has learned who comes back
CALLERS = ("busy", "quiet")
AMPLE_KW = 1_000_000
START_S = 240.0  # a limit, not an expectation
FACTOR = "kW requested, of the grid's"
Row = dict[str, Any]


def api_key(caller: str) -> str:
    """Return the API key of a caller in these tests."""
    return f"the-key-of-{caller}-which-is-long-enough-for-anybody"


@contextlib.contextmanager
def running(data: Path, capacity_kw: float, **environment: str) -> Iterator[Grid]:
    """A grid of three substations that knows two callers, without a quota that would hide what is behind it."""
    data.mkdir(parents=True)
    keys = data / "keys"
    keys.write_text(
        "".join(f"{name} {hashlib.sha256(api_key(name).encode()).hexdigest()} 6000000\n" for name in CALLERS)
    )
    grid = Grid(
        data / "grid",
        API_KEYS=str(keys),
        TIME_SCALE=f"{TIME_SCALE:g}",
        CAPACITY_KW=f"{capacity_kw:.0f}",
        LOG_LEVEL="warning",
        **environment,
    )
    grid.start(START_S)
    try:
        yield grid
    finally:
        grid.stop()


def ceiling(data: Path, seconds: float) -> float:
    """Return how many requests a second the gateway answers at most, while there is room for all."""
    with running(data, AMPLE_KW) as grid:
        sent = ended(begin(Plan(grid.gateway, seconds, clients=64, energy_kwh=0.1, key=api_key("busy"))))
    return sent.requests / seconds


def demand(data: Path, rate: float, factor: float, seconds: float, *, returns: int = 0) -> Row:
    """Request `factor` times the kW that the grid has, with so many cars a second."""
    each_kw = CAR_KW * max(2, round(rate * KW_OF_A_CAR_A_SECOND / factor / SUBSTATIONS / CAR_KW))
    plan = Plan("", seconds, rate, energy_kwh=ENERGY_KWH, key=api_key("busy"), returns=returns)
    with running(data, each_kw) as grid:
        before = _asked(grid)
        sent = ended(begin(dataclasses.replace(plan, url=grid.gateway)))
        asked = _asked(grid) - before
        overload = grid.sample("smartgrid_substation_overload_watt_seconds_total")
    calm_s = (sent.started_unix_s + WARM_S, sent.started_unix_s + seconds)
    used = used_w(grid, *calm_s) / (each_kw * 1000 * SUBSTATIONS)
    return {
        FACTOR: factor,
        "cars a second": round(sent.cars / seconds, 1),
        "capacity used": used,
        "admitted": sent.statuses.get("201", 0),
        "refused": sent.statuses.get("503", 0),
        "other answers": sent.requests - sent.statuses.get("201", 0) - sent.statuses.get("503", 0),
        "refused without Retry-After": sent.uninvited,
        "refusals p99, ms": sent.p99_ms.get("503", 0.0),
        "admissions p99, ms": sent.p99_ms.get("201", 0.0),
        "generator late p99, ms": sent.late_p99_ms,
        "requests a car": sent.requests / max(1, sent.cars),
        "asked of substations, a request": asked / max(1, sent.requests),
        "overload, W.s": overload,
    }


def _asked(grid: Grid) -> float:
    """Return how often the balancer has asked substations to place a car."""
    page = text(f"{grid.balancer}/metrics?name[]=smartgrid_balancer_decisions_total")
    return sum(float(line.rpartition(" ")[2]) for line in page.splitlines() if not line.startswith("#"))


def used_w(grid: Grid, from_unix_s: float, until_unix_s: float) -> float:
    """Return the mean power that sessions reserved in this time, by the journals of a grid that has stopped."""
    total = 0.0
    for rows in grid.journals().values():
        for row in rows:
            zero_unix_ms = row["started_unix_ms"] - row["start_ms"] / TIME_SCALE
            for start, end, watts in journaled(row):
                begin_s, end_s = ((zero_unix_ms + at / TIME_SCALE) / 1000 for at in (start, end))
                total += watts * max(0.0, min(end_s, until_unix_s) - max(begin_s, from_unix_s))
    return total / (until_unix_s - from_unix_s)


def flood(data: Path, seconds: float, clients: int, quiet_rate: float = 20.0) -> Row:
    """One caller sends as fast as it is answered, over many connections; another one sends a little, from elsewhere."""
    with running(data, AMPLE_KW) as grid:
        quiet = Plan(grid.gateway, seconds, quiet_rate, energy_kwh=0.1, key=api_key("quiet"), name="quiet")
        busy = Plan(
            grid.gateway,
            seconds,
            clients=clients,
            energy_kwh=0.1,
            key=api_key("busy"),
            name="busy",
            address="127.0.0.2",
        )
        alone = ended(begin(dataclasses.replace(quiet, seconds=min(3.0, seconds), name="alone")))
        before = memory_mb(grid)
        both = [begin(busy), begin(quiet)]
        most = before
        while both[0].poll() is None:
            most = {name: max(size, most[name]) for name, size in memory_mb(grid).items()}
            time.sleep(0.2)
        flooded, waited = map(ended, both)
        over_s = time.monotonic()
        normal_s = until_normal(grid, over_s)
    return {
        "answers a second to the busy caller": flooded.requests / seconds,
        "its answers": flooded.statuses,
        "quiet caller, p99 alone, ms": alone.p99_ms.get("201", 0.0),
        "quiet caller, p99 in the flood, ms": waited.p99_ms.get("201", 0.0),
        "quiet caller, p50 in the flood, ms": waited.p50_ms.get("201", 0.0),
        "its answers in the flood": waited.statuses,
        "back to normal after, s": normal_s,
        "memory before, MB": before,
        "memory at most, MB": most,
    }


def until_normal(grid: Grid, since_s: float) -> float:
    """Wait until ten requests in a row need less than 50 ms each; returns for how long."""
    plan = Plan(grid.gateway, 0.5, 20, energy_kwh=0.1, key=api_key("quiet"))
    for number in range(100):
        sent = ended(begin(dataclasses.replace(plan, name=f"after-{number}")))
        if set(sent.statuses) == {"201"} and sent.p99_ms["201"] < 50:
            break
    return time.monotonic() - since_s


def shares(data: Path, seconds: float, clients: dict[str, int]) -> Row:
    """Both callers send as fast as they are answered, over so many connections each."""
    with running(data, AMPLE_KW) as grid:
        begun = [
            begin(
                Plan(
                    grid.gateway,
                    seconds,
                    clients=count,
                    energy_kwh=0.1,
                    key=api_key(name),
                    name=name,
                    address=f"127.0.0.{number}",
                )
            )
            for number, (name, count) in enumerate(clients.items(), start=1)
        ]
        found: list[Sent] = [ended(each) for each in begun]
    rows: Row = {}
    for (name, count), sent in zip(clients.items(), found, strict=True):
        rows[f"answers a second, {name} caller with {count} connections"] = sent.requests / seconds
        rows[f"median, {name} caller, ms"] = sent.p50_ms.get("201", 0.0)
    return rows


def memory_mb(grid: Grid) -> dict[str, int]:
    """Return the resident memory of each service that a request passes."""
    found = {}
    for service in ("gateway", "balancer", "substation"):
        sizes = [
            int(line.split()[1])
            for pid in grid.pids(service)
            for line in Path(f"/proc/{pid}/status").read_text().splitlines()
            if line.startswith("VmRSS:")
        ]
        found[service] = max(sizes) // 1000
    return found
