"""docs/reference/load-plans.md names every preset and every shape, with their values."""

import dataclasses
import json
import random

from loadtest.cli import parser
from loadtest.plan import arrivals, shapes
from loadtest.plan.document import DEFAULT_GRID, SCHEMA, PlanOptions, make
from loadtest.plan.presets import PRESETS, SAFE
from tests.unit.docs.pages import DOCS, rows, sections

PAGE = DOCS / "reference" / "load-plans.md"


def test_the_presets_are_those_of_the_code_with_their_values() -> None:
    expected = {
        preset.name: [
            str(preset.requests or "auto"),
            f"`{preset.shape}`",
            str(preset.retries),
            ", ".join(f"`{limit}`" for limit in preset.limits if limit not in SAFE) or "nothing else",
        ]
        for preset in PRESETS.values()
    }
    assert {name: cells[1:5] for name, cells in rows(sections(PAGE)["presets"]).items()} == expected
    assert all(set(SAFE) <= set(preset.limits) for preset in PRESETS.values())
    assert f"beside {', '.join(f'`{limit}`' for limit in SAFE)}" in " ".join(
        sections(PAGE)["presets"].split()
    )
    seconds = {preset.name: preset.seconds for preset in PRESETS.values()}
    assert seconds == dict.fromkeys(PRESETS, 60) | {"day": 720}
    assert {parser({}).parse_args([name]).concurrency for name in PRESETS} == {500}


def test_the_figures_of_the_text_are_those_of_the_code() -> None:
    text = " ".join(sections(PAGE)["presets"].split())
    overload = PRESETS["overload"]
    plan = make(PlanOptions(overload, 1, overload.shape, None, overload.seconds), DEFAULT_GRID, random.Random)
    assert f"With seed 1 and the grid of `make run` it is {len(plan.arrivals)} cars" in text
    assert f"{overload.peak_share:.0%}".replace("%", " %") in text
    day = PRESETS["day"]
    cars = make(PlanOptions(day, 1, day.shape, None, day.seconds), DEFAULT_GRID, random.Random).arrivals
    assert f"ask for {day.peak_share:.0%}".replace("%", " %") in text
    assert f"seed 1 has {len(cars):,} cars" in text
    hot_spot = PRESETS["hot-spot"]
    assert (
        f"{round((hot_spot.requests or 0) * hot_spot.confined_share)} of the {hot_spot.requests} cars" in text
    )


def test_the_shapes_are_those_of_the_code() -> None:
    section = sections(PAGE)["shapes"]
    assert rows(section).keys() == shapes.SHAPES.keys()
    for share, peak_h, _ in shapes.DAY:
        clock = f"{int(peak_h):02}:{round(peak_h % 1 * 60):02}"
        assert (
            f"{share * 100:g} % of the cars about {clock}" in section
            or f"{share * 100:g} % about {clock}" in section
        )
    assert f"{shapes.SPIKE_SHARE * 100:g} % in the tenth" in section


def test_the_distributions_of_the_cars_are_those_of_the_code() -> None:
    section = sections(PAGE)["cars"]
    powers = ", ".join(f"{power:g}" for power in arrivals.POWER_KW)
    shares = ", ".join(map(str, arrivals.PER_HUNDRED))
    assert f"{powers} kW for {shares} % of the cars" in section
    low, high = arrivals.ENERGY_KWH
    assert (
        f"mean {arrivals.ENERGY_MEAN_KWH:g} kWh, sigma {arrivals.ENERGY_SIGMA:g}, within {low:g} to {high:g} kWh"
        in section
    )
    low, high = arrivals.STAY_MIN
    assert f"median {arrivals.STAY_MEDIAN_MIN:g} min of grid time" in section
    assert f"sigma {arrivals.STAY_SIGMA:g}, within {low:g} to {high:g} min" in section


def test_the_fields_of_a_plan_are_those_that_are_written() -> None:
    preset = PRESETS["rush-hour"]
    plan = make(PlanOptions(preset, 1, "uniform", 3, 1.0), DEFAULT_GRID, random.Random)
    section = sections(PAGE)["plans"]
    for name in json.loads(plan.document()):
        assert f"`{name}`" in section
    assert f"`{SCHEMA}`" in section
    outage = make(PlanOptions(PRESETS["outage"], 1, "uniform", 3, 1.0), DEFAULT_GRID, random.Random)
    assert outage.drain
    for field in dataclasses.fields(outage.drain):
        assert f"`{field.name}`" in section
