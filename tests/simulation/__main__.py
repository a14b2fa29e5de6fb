"""`python -m tests.simulation --seeds 1000` simulates that many seeds; a run that was ended goes on with the next one.

`--seed 17` runs one again and prints its story, `--shrink` finds the fewest faults with which it fails.
"""

import argparse
import contextlib
import sys
import time
import warnings
from collections.abc import Sequence
from pathlib import Path

from tests.simulation import record as records
from tests.simulation.planted import PLANTED
from tests.simulation.run import Result, run
from tests.simulation.scenario import scenario
from tests.simulation.shrink import shrunk

RECORD = Path("data/simulation.json")
SAY_EVERY_S = 10.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the command line says; returns 1 when a seed fails, else 0."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument(
        "--seeds", type=int, default=1000, help="how many in all, those of former runs included"
    )
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--seed", type=int, help="run one, and print its story")
    parser.add_argument("--shrink", action="store_true", help="with --seed: find the fewest faults and cars")
    parser.add_argument("--planted", choices=sorted(PLANTED), help="with this bug in the production code")
    parser.add_argument("--record", type=Path, default=RECORD, help="where the totals are kept")
    options = parser.parse_args(arguments)
    warnings.simplefilter("ignore", RuntimeWarning)  # coroutines of processes that were killed
    with PLANTED[options.planted]() if options.planted else contextlib.nullcontext():
        if options.seed is not None:
            return _one(options.seed, shrink=options.shrink)
        return _many(options.first, options.seeds, options.record)


def _one(seed: int, *, shrink: bool) -> int:
    if not shrink:
        result = run(seed, verbose=True)
        return _told(result)
    made, result = shrunk(scenario(seed))
    _say(*result.story)
    _say(f"{len(made.faults)} faults and {len(made.cars)} cars are enough:", *map(str, made.faults))
    return _told(result)


def _many(first: int, seeds: int, path: Path) -> int:
    record = records.read(path, first)
    said_s = time.monotonic()
    for seed in range(record.next, first + seeds):
        began_s = time.process_time()
        result = run(seed)
        record.add(result, time.process_time() - began_s)
        if result.violations:
            _told(result)
        if result.violations or time.monotonic() - said_s >= SAY_EVERY_S:
            said_s = time.monotonic()
            records.write(path, record)
            _say(record.words())
    records.write(path, record)
    _say(record.words())
    return 1 if record.failed else 0


def _told(result: Result) -> int:
    """Say how a run ended; returns 1 when it failed."""
    _say(f"seed {result.seed}: {result.virtual_s:.1f} s, {result.steps} steps, {result.digest[:16]}")
    for violation in result.violations:
        _say(f"seed {result.seed} FAILED: {violation}")
    if result.violations:
        _say(f"again: python -m tests.simulation --seed {result.seed}; the fewest faults: add --shrink")
    return 1 if result.violations else 0


def _say(*lines: str) -> None:
    for line in lines:
        sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
