"""The command line of the studies on a virtual clock: which regimes, sizes, days and seeds; rows as JSON, progress on stderr."""

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence

Row = Callable[[str, int, int, Sequence[int]], dict[str, object]]


def print_rows(about: str | None, regimes: Sequence[str], row: Row) -> None:
    """Print a row for each regime and size of the fleet; `row` takes regime, substations, days and seeds."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("--days", type=int, default=14)
    parser.add_argument("--fleets", type=int, nargs="+", default=[3, 12])
    parser.add_argument("--regimes", nargs="+", default=list(regimes))
    options = parser.parse_args()
    for regime in options.regimes:
        for count in options.fleets:
            seeds = range(options.first_seed, options.first_seed + options.seeds)
            print(json.dumps(row(regime, count, options.days, seeds)), flush=True)
            print(f"{regime}, {count}: {time.process_time():.0f} s of CPU time", file=sys.stderr)
