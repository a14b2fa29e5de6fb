"""Runs trials on a system that is started once, and prints for each its seconds and its figures."""

import time
from collections.abc import Callable, Iterable
from typing import Any


def run(trials: Iterable[Callable[[], dict[str, Any]]]) -> None:
    """Run trials in order, and print what each returns; the first that fails ends it."""
    begun = time.monotonic()
    for trial in trials:
        since = time.monotonic()
        figures = trial()
        print(f"{trial.__name__:<20}{time.monotonic() - since:6.1f} s", flush=True)
        for name, value in figures.items():
            print(f"    {name}: {value}", flush=True)
    print(f"all of it{time.monotonic() - begun:17.1f} s", flush=True)
