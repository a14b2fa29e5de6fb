"""Prints a plan: its parameters, arrivals and demand over time, and its first cars. Writes a plan to a file."""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from loadtest.plan.clock import S_PER_HOUR
from loadtest.plan.demand import demand_kw, peak_kw
from loadtest.plan.document import GridSize, RunPlan
from loadtest.plan.presets import PRESETS
from loadtest.report.runs import NotWritten

COLUMNS = 60
ROWS = 5
SHOWN_CARS = 5
EIGHTHS = " ▁▂▃▄▅▆▇█"


def show_plan(console: Console, plan: RunPlan, fleet: GridSize) -> None:
    """Print a plan; `fleet` is the grid that it is for."""
    for line in _lines(plan, fleet):
        console.print(line, soft_wrap=True, markup=False, highlight=False)
    console.print(_cars(plan))


def write_plan(path: Path, plan: RunPlan) -> None:
    """Write a plan to `path`. Raises NotWritten."""
    try:
        path.write_text(plan.document() + "\n", encoding="utf-8")
    except OSError as error:
        raise NotWritten(f"the plan can't be written: {error}") from error


def _lines(plan: RunPlan, fleet: GridSize) -> Iterator[str]:
    cars, step_s = plan.arrivals, plan.seconds / COLUMNS
    yield f"{plan.preset}: {PRESETS[plan.preset].about}"
    yield f"seed {plan.seed}, shape {plan.shape}, {len(cars)} cars in {plan.seconds:g} s"
    if plan.starts_at:
        yield f"it begins at {plan.starts_at} of the grid's day and plays {plan.seconds * fleet.time_scale / S_PER_HOUR:g} h"
    yield f"sha256 {plan.sha256}"
    if plan.drain:
        yield f"{plan.drain.substation_id} is drained after {plan.drain.at_s:g} s"
    confined = [car.only for car in cars if car.only]
    if confined:
        yield f"{len(confined)} cars can use {confined[0]} only"
    counts = [0.0] * COLUMNS
    for car in cars:
        counts[min(int(car.at_s / step_s), COLUMNS - 1)] += 1
    yield f"\narrivals in each {step_s:g} s, at most {max(counts):.0f}"
    yield from plot(counts, plan.seconds)
    peak = peak_kw(cars, fleet.time_scale)
    yield (
        f"\ndemand at time scale {fleet.time_scale:g}, in kW: at most {peak:,.0f}, "
        f"{peak / fleet.capacity_kw:.0%} of {len(fleet.capacity_w)} substations with {fleet.capacity_kw:,.0f}"
    )
    ends_s = [(column + 1) * step_s for column in range(COLUMNS)]
    yield from plot(demand_kw(cars, fleet.time_scale, ends_s), plan.seconds)
    yield ""


def plot(values: Sequence[float], seconds: float) -> Iterator[str]:
    """Yield the lines of a plot of `values` over `seconds`; the highest value fills the height."""
    highest = max(values) or 1.0
    eighths = [math.ceil(value / highest * ROWS * 8) for value in values]
    for row in reversed(range(ROWS)):
        bars = "".join(EIGHTHS[min(max(height - row * 8, 0), 8)] for height in eighths)
        label = f"{highest * (row + 1) / ROWS:>9,.0f}" if row in {0, ROWS - 1} else " " * 9
        yield f"{label} │{bars.rstrip()}"
    end = f"{seconds:g} s"
    yield f"{'0 s':>13}{end:>{len(values) - 2}}"


def _cars(plan: RunPlan) -> Table:
    title = (
        f"the first {SHOWN_CARS} of {len(plan.arrivals)}" if len(plan.arrivals) > SHOWN_CARS else "all cars"
    )
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, title=title, title_justify="left")
    table.add_column("vehicle", no_wrap=True)
    for heading in ("at s", "energy kWh", "power kW", "stay min", "only"):
        table.add_column(heading, justify="right")
    for car in plan.arrivals[:SHOWN_CARS]:
        figures = (car.at_s, car.energy_kwh, car.max_power_kw, car.stay_minutes)
        table.add_row(car.vehicle_id, *(f"{figure:g}" for figure in figures), car.only or "-")
    return table
