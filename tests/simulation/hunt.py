"""`python -m tests.simulation.hunt NAME ...` looks for the first seed that finds each of these planted bugs, or all.

A seed counts only if it finds nothing without the bug.
"""

import sys
import warnings
from collections.abc import Sequence

from tests.simulation.planted import PLANTED
from tests.simulation.run import run

MOST_SEEDS = 2000


def first_seed(name: str) -> int | None:
    """Return the first seed that finds a bug, None if none of MOST_SEEDS does."""
    for seed in range(1, MOST_SEEDS + 1):
        with PLANTED[name]():
            found = run(seed).violations
        if found and not run(seed).violations:
            return seed
    return None


def main(names: Sequence[str]) -> int:
    """Print the seed of each bug; returns 1 if one is not found."""
    warnings.simplefilter("ignore", RuntimeWarning)  # coroutines of processes that were killed
    missed = 0
    for name in names or sorted(PLANTED):
        seed = first_seed(name)
        missed += seed is None
        sys.stdout.write(f'    "{name}": {seed},\n')
        sys.stdout.flush()
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
