"""Rows 1 to 5: admissions through all hops beside the bare handler and the peers, in interleaved rounds."""

import contextlib
import dataclasses
import json
import statistics
import subprocess
import sys
from pathlib import Path

from tests.bench import contenders, wrk
from tests.bench.table import Row, Say, figure
from tests.support.grid import ROOT

CLIENTS = 64
LIMITS = {
    1: (0.55, 0.9),
    2: (1.0, 1.3),
    3: (0.8, 0.9),
    4: (1.25, 1.0),
    5: (1.2, 1.0),
}  # must and aim of each row
TWO_GATEWAYS = "ours, two gateway processes"
PEERS = ("haproxy", "nginx", "envoy")
OPEN = ("ours, open loop", "haproxy, open loop")


@dataclasses.dataclass(frozen=True)
class Rounds:
    """How often each contender is measured, and for how long, in seconds."""

    count: int = 3
    seconds: float = 8


def loads(folder: Path, rounds: Rounds, say: Say) -> dict[str, list[wrk.Load]]:
    """Return the loads of each contender by its name, one for each round."""
    with contextlib.ExitStack() as stack:
        grid = stack.enter_context(contenders.ours(folder / "ours"))
        pair = stack.enter_context(contenders.ours(folder / "two", GATEWAY_PROCESSES="2"))
        ports = stack.enter_context(contenders.durable_substations(folder))
        urls = {
            TWO_GATEWAYS: pair.gateway,
            "bare": stack.enter_context(contenders.bare(folder)),
            "haproxy": stack.enter_context(contenders.haproxy(folder, ports)),
            "nginx": stack.enter_context(contenders.nginx(folder, ports)),
            "envoy": stack.enter_context(contenders.envoy(folder, ports)),
        }
        found: dict[str, list[wrk.Load]] = {}
        for number in range(rounds.count):
            for name, url in {"ours": grid.gateway, "ours, keyed": grid.gateway, **urls}.items():
                say(f"round {number + 1} of {rounds.count}: {name}")
                load = wrk.run(url, rounds.seconds, CLIENTS, keyed="keyed" in name)
                found.setdefault(name, []).append(load)
            for name in ("ours", "haproxy"):
                say(f"round {number + 1} of {rounds.count}: {name}, one client")
                load = wrk.run({"ours": grid.gateway, **urls}[name], rounds.seconds / 2, 1)
                found.setdefault(f"{name}, one client", []).append(load)
            rate = statistics.median(load.rate for load in found["ours"]) / 2
            for name in ("ours", "haproxy"):
                say(f"round {number + 1} of {rounds.count}: {name}, open loop")
                load = open_loop({"ours": grid.gateway, **urls}[name], rate, rounds.seconds)
                found.setdefault(f"{name}, open loop", []).append(load)
    return found


def open_loop(url: str, rate: float, seconds: float) -> wrk.Load:
    """Send at planned times from a process of its own; raises CalledProcessError."""
    command = [sys.executable, "-m", "tests.bench.open_loop", url, str(rate), str(seconds)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, timeout=seconds + 60)
    found = json.loads(done.stdout)
    return wrk.Load(rate, found["p50_ms"], found["p99_ms"], found["not_201"], 0)


def row(number: int, measure: str, rounds: list[float], note: str) -> Row:
    """Return a row with its limits."""
    must, aim = LIMITS[number]
    return Row(number, measure, rounds, must=must, aim=aim, higher_is_better=number <= 3, note=note)


def rows(folder: Path, say: Say, *, quick: bool) -> list[Row]:
    """Measure, and return rows 1 to 5."""
    found = loads(folder, Rounds(2, 3) if quick else Rounds(), say)
    if lost := {name: load for name, each in found.items() for load in each if load.refused or load.errors}:
        raise RuntimeError(f"not every request was admitted, so the rates can't be compared: {lost}")
    rates, p50, p99 = (_figures(found, field) for field in ("rate", "p50_ms", "p99_ms"))
    best = [max(each) for each in zip(*(rates[name] for name in PEERS), strict=True)]
    return [
        row(
            1,
            "admissions through all hops, 64 clients, against the bare handler",
            _ratios(rates["ours"], rates["bare"]),
            note=_absolute(rates, ("ours", "bare"), "/s"),
        ),
        _two_gateways(rates),
        row(
            2,
            "the same against the best of HAProxy, NGINX, Envoy before equal durable substations",
            _ratios(rates["ours"], best),
            note=_absolute(rates, PEERS, "/s"),
        ),
        row(
            3,
            "with an Idempotency-Key against row 1 without",
            _ratios(rates["ours, keyed"], rates["ours"]),
            note=_absolute(rates, ("ours, keyed",), "/s"),
        ),
        row(
            4,
            "one client, p50, against HAProxy's",
            _ratios(p50["ours, one client"], p50["haproxy, one client"]),
            note=_absolute(p50, ("ours, one client", "haproxy, one client"), "ms"),
        ),
        row(
            5,
            "open loop at half of our peak rate, p99, against HAProxy's",
            _ratios(*(p99[name] for name in OPEN)),
            note=f"{_absolute(p99, OPEN, 'ms')}; p50: {_absolute(p50, OPEN, 'ms')}; {_absolute(rates, OPEN[:1], '/s')}",
        ),
    ]


def _two_gateways(rates: dict[str, list[float]]) -> Row:
    """Return the row of a grid with two gateway processes, which has no limit: it depends on the cores."""
    return Row(
        1,
        "the same with two gateway processes on one port, against one",
        _ratios(rates[TWO_GATEWAYS], rates["ours"]),
        higher_is_better=True,
        note=_absolute(rates, (TWO_GATEWAYS,), "/s"),
    )


def _figures(found: dict[str, list[wrk.Load]], field: str) -> dict[str, list[float]]:
    return {name: [getattr(load, field) for load in each] for name, each in found.items()}


def _ratios(ours: list[float], theirs: list[float]) -> list[float]:
    """Return the ratio of each round: what is compared was measured one after the other."""
    return [mine / other for mine, other in zip(ours, theirs, strict=True)]


def _absolute(figures: dict[str, list[float]], names: tuple[str, ...], unit: str) -> str:
    return ", ".join(f"{name} {figure(statistics.median(figures[name]), unit)}" for name in names)
