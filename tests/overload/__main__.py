"""`make overload`: what the grid does with 5 and 20 times its kW, and with more requests than it can answer.

Prints tables and what is not as it must be. Latencies and rates mean something on a quiet machine only.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from tests.overload.scenarios import FACTOR, Row, ceiling, demand, flood, shares
from tests.proof.__main__ import table

GOODPUT = 0.9  # of its peak
REFUSAL_MS, NORMAL_S = 50.0, 5.0
AMPLIFICATION = 1.1
GROWTH_MB = 64
FACTORS = (1.2, 5.0, 20.0)
SECONDS = 40.0
CONNECTIONS = {"quiet": 100, "busy": 400}
EVEN = 2.0  # the busy caller has at most so many answers for one of the quiet caller


def demands(data: Path) -> tuple[list[Row], list[str]]:
    """Request more kW than there is at half of the rate that the gateway answers at most; once with cars that come back."""
    rate = ceiling(data / "ceiling", 5) / 2
    rows = [demand(data / f"{factor:g}", rate, factor, SECONDS) for factor in FACTORS]
    rows.append(demand(data / "back", rate / 2, FACTORS[1], SECONDS, returns=3))
    peak = max(row["capacity used"] for row in rows)
    faults = []
    for row in rows:
        name = f"{row[FACTOR]:g} times the kW"
        if row["capacity used"] < GOODPUT * peak:
            faults.append(f"{name}: {row['capacity used']:.1%} of the capacity is used, {peak:.1%} at best")
        if row["refusals p99, ms"] >= REFUSAL_MS:
            faults.append(f"{name}: the p99 of refusals is {row['refusals p99, ms']:.0f} ms")
        if row["asked of substations, a request"] > AMPLIFICATION:
            faults.append(
                f"{name}: substations are asked {row['asked of substations, a request']:.2f} times a request"
            )
        faults += [
            f"{name}: {what}: {row[what]}"
            for what in ("other answers", "refused without Retry-After", "overload, W.s")
            if row[what]
        ]
    return rows, faults


def above_the_ceiling(data: Path) -> tuple[list[Row], list[str]]:
    """Send as much as can be sent, beside a caller that sends little."""
    row = flood(data / "flood", 10, 400)
    before, most = row["memory before, MB"], row["memory at most, MB"]
    faults = [
        f"{name} grew from {before[name]} to {most[name]} MB"
        for name in before
        if most[name] > before[name] + GROWTH_MB
    ]
    if row["back to normal after, s"] > NORMAL_S:
        faults.append(f"back to normal after {row['back to normal after, s']:.1f} s")
    if set(row["its answers in the flood"]) != {"201"}:
        faults.append(f"the quiet caller got {row['its answers in the flood']}")
    return [row], faults


def fairness(data: Path) -> tuple[list[Row], list[str]]:
    """Let two callers send as much as they can, one of them over four times as many connections."""
    row = shares(data / "shares", 8, CONNECTIONS)
    quiet, busy = (value for name, value in row.items() if name.startswith("answers"))
    return [row], [f"the busy caller has {busy / quiet:.1f} times the answers"] if busy > EVEN * quiet else []


SCENARIOS: dict[str, Callable[[Path], tuple[list[Row], list[str]]]] = {
    "demand": demands,
    "ceiling": above_the_ceiling,
    "fairness": fairness,
}


def main(names: list[str]) -> int:
    """Run the named scenarios, or all; returns 1 when something is not as it must be."""
    console = Console(width=160)
    found: list[str] = []
    for name in names or SCENARIOS:
        with tempfile.TemporaryDirectory() as data:
            rows, faults = SCENARIOS[name](Path(data))
        console.print(table(name, [{key: _rounded(value) for key, value in row.items()} for row in rows]))
        console.print(*faults, sep="\n", markup=False)
        found += faults
    return 1 if found else 0


def _rounded(value: object) -> object:
    return round(value, 3) if isinstance(value, float) else value


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.overload", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*SCENARIOS, []], help="default: all")
    sys.exit(main(parser.parse_args().names))
