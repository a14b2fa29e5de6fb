"""The options of a preset that say which plan is made and what breaks it; what of the command line becomes one."""

import argparse
from collections.abc import Callable, Mapping
from typing import TypeVar

from loadtest.arrivals import MAX_REQUESTS, MAX_SECONDS
from loadtest.plan import DEFAULT_GRID, Wish
from loadtest.presets import PRESETS, Preset
from loadtest.records import W_PER_KW
from loadtest.shapes import SHAPES
from loadtest.thresholds import FIGURES
from runtime.settings import integer, matching, number

DEFAULT_SEED = 1  # its peaks are near the mean of all seeds
SUBSTATION_ID = "[a-z0-9-]{1,63}"

T = TypeVar("T")
Option = tuple[str, Callable[[str], object], str | None, str]  # name, parser, default, help


def plan_options(preset: Preset) -> tuple[Option, ...]:
    """Return the options of the plan, with the values of a preset as defaults."""
    requests = integer(1, MAX_REQUESTS)
    grid_kw = ",".join(f"{watts / W_PER_KW:g}" for watts in DEFAULT_GRID.capacity_w.values())
    return (
        ("--requests", unless_word("auto", requests) if preset.peak_share else requests,
         str(preset.requests or "auto"), "how many cars arrive"),
        ("--seconds", number(0.1, MAX_SECONDS), f"{preset.seconds:g}", "in how many seconds they arrive"),
        ("--seed", integer(0, 2**53), str(DEFAULT_SEED), "the same seed makes the same arrivals"),
        ("--shape", matching("|".join(SHAPES), f"one of {', '.join(SHAPES)}"), preset.shape,
         f"when they arrive: {', '.join(SHAPES)}"),
        ("--substation", matching(SUBSTATION_ID, "a substation's id"), None,
         "which one outage drains and hot-spot is about [the first of the fleet]"),
        ("--time-scale", number(0.001, 1_000_000), f"{DEFAULT_GRID.time_scale:g}",
         "time scale of the grid that --dry-run assumes; a run asks the grid"),
        ("--capacity-kw", _capacities, grid_kw, "capacities that --dry-run assumes, likewise"),
    )  # fmt: skip


def fail_if(preset: Preset) -> str:
    """Return the help for the limits of a preset."""
    return (
        "break the run if, e.g. 'p99_ms > 250'; may be given again, and replaces the built-in limit of NAME. "
        f"Built in: {', '.join(preset.limits)}. Names: {', '.join(FIGURES)}"
    )


def wish_of(asked: argparse.Namespace) -> Wish:
    """Return what the command line wants of the plan."""
    preset = PRESETS[asked.command]
    return Wish(preset, asked.seed, asked.shape, asked.requests, float(asked.seconds), asked.substation)


def unless_word(word: str, parse: Callable[[str], T]) -> Callable[[str], T | None]:
    """A parser that takes `word` for None, and leaves everything else to `parse`."""
    return lambda text: None if text == word else parse(text)


def _capacities(text: str) -> Mapping[str, float]:
    """Return capacities in watts, by the ids that `make run` gives."""
    kilowatts = [number(0.1, 1_000_000)(part) for part in text.split(",")]
    return {f"substation-{index}": each * W_PER_KW for index, each in enumerate(kilowatts, start=1)}
