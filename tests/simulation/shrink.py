"""Finds the fewest faults and cars with which a seed still fails: delta debugging over the scenario, which is data.

A. Zeller and R. Hildebrandt, Simplifying and Isolating Failure-Inducing Input, 2002: `ddmin`.
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import TypeVar

from tests.simulation.run import Result, simulate
from tests.simulation.scenario import Scenario

T = TypeVar("T")


def shrunk(made: Scenario, most_runs: int = 200) -> tuple[Scenario, Result]:
    """Return the smallest scenario that was found to fail, and its run; raises ValueError when `made` does not fail."""
    runs = [0]
    result = simulate(made)
    if not result.violations:
        raise ValueError(f"seed {made.seed} does not fail")

    def fails(other: Scenario) -> bool:
        runs[0] += 1
        return runs[0] <= most_runs and bool(simulate(other).violations)

    of = made
    faults = fewest(of.faults, lambda some: fails(dataclasses.replace(of, faults=tuple(some))))
    of = dataclasses.replace(of, faults=tuple(faults))
    cars = fewest(of.cars, lambda some: fails(dataclasses.replace(of, cars=tuple(some))))
    of = dataclasses.replace(of, cars=tuple(cars))
    return of, simulate(of)


def fewest(items: Sequence[T], fails: Callable[[Sequence[T]], bool]) -> list[T]:
    """Return a part of `items`, in their order, that fails, and of which no piece can be left out."""
    kept, pieces = list(items), 2
    if kept and fails([]):
        return []
    while len(kept) > 1:
        size = -(-len(kept) // pieces)
        for begin in range(0, len(kept), size):
            rest = kept[:begin] + kept[begin + size :]
            if rest and fails(rest):
                kept, pieces = rest, max(2, pieces - 1)
                break
        else:
            if size == 1:
                break
            pieces = min(len(kept), 2 * pieces)
    return kept
