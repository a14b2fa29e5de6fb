"""What each figure of the dashboards shows in each state: Prometheus's own tool evaluates the queries, Grafana's rules colour them."""

import dataclasses
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from monitoring.grafana.queries import interpolated
from monitoring.grafana.states import SHOWN, STATES
from tests.monitoring.states import AT_S, NAMES, WORLDS, World, series
from tests.support.prometheus import LACKING, RULES
from tests.unit.monitoring import grafana_rules as grafana
from tests.unit.monitoring.held import Json, all_panels

pytestmark = pytest.mark.skipif("promtool" in LACKING, reason="promtool is not installed")

NOWHERE = World(())
# The value of each figure in each state but the empty one; None: it has none.
STAT: dict[str, tuple[float | None, ...]] = {
    "Utilization": (11 / 4200, 0.8, 0.8, 0.8, 0.96),
    "Headroom": (4.189e6, 840e3, 560e3, 560e3, 560e3),
    "Time to limit": (None, 70, None, None, None),
    "Imbalance": (None, 1, 1, 1, 1.5),
    "Waiting requests": (0, 3, 0, 0, 0),
    "Admission overload": (0, 0, 0, 0, 0),
    "Forecasts": (1, 1, 1, 1, 1),
    "Window imbalance": (None, 1, None, None, None),
    "Within the promise": (None, 1, None, None, None),
}
# Of each substation; a lost one is there as long as it is in the range.
BARS = {"Handled in the range": (0, 120, 0, 0, 0)}
WINDOW: dict[str, tuple[tuple[float | None, ...], ...]] = {  # of each column, of each substation
    "average load": ((None,) * 3, (1e6,) * 3, *((None,) * 3,) * 3),
    "peak load": ((None,) * 3, (1.12e6,) * 3, *((None,) * 3,) * 3),
    "limit": ((1.4e6,) * 3,) * 5,
    "average use": ((None,) * 3, (1 / 1.4,) * 3, *((None,) * 3,) * 3),
    "peak use": ((None,) * 3, (0.8,) * 3, *((None,) * 3,) * 3),
    "handled": ((None,) * 3, (120,) * 3, *((None,) * 3,) * 3),
}
FREED: dict[int, tuple[float, ...]] = {
    within_s: tuple(share * 1.12e6 * within_s / 300 for share in (0, 3, 2, 2, 3))
    for within_s in (1, 5, 10, 30, 60, 300)
}
TOLERANCE = 0.002
RANGE_S = 90  # that is shown; promtool holds 10,000 samples at most


def panel(title: str) -> Json:
    return next(each for _, each in all_panels() if each["title"] == title)


def asked(title: str, number: int = 0) -> str:
    return interpolated(panel(title)["targets"][number]["expr"], RANGE_S, {})


def near(expr: str, value: float | None, labels: str = "") -> dict[str, Any]:
    """A check that a query gives this value, and under no labels but these; None: nothing."""
    if value is None:
        return {"expr": expr, "eval_time": f"{AT_S}s", "exp_samples": []}
    margin = max(abs(value) * TOLERANCE, 1e-9)
    told = f"abs(({expr}) - {value}) <= bool {margin:.12f}"
    return {
        "expr": told,
        "eval_time": f"{AT_S}s",
        "exp_samples": [{"labels": "{" + labels + "}", "value": 1}],
    }


def of_each(expr: str, values: tuple[float | None, ...]) -> list[dict[str, Any]]:
    """Checks of a query that has a value for each substation, or for none."""
    if all(value is None for value in values):
        return [near(expr, None)]
    made = [
        near(
            f'({expr}) * on (substation) group_left () label_replace(vector(1), "substation", "{name}", "", "")',
            value,
            f'substation="{name}"',
        )
        for name, value in zip(NAMES, values, strict=True)
    ]
    return [near(f"count({expr})", len(values)), *made]


def checks(place: int) -> list[dict[str, Any]]:
    """Every check of the state at this place among those that are not empty."""
    made = [near(asked(title), values[place]) for title, values in STAT.items()]
    for title, of_bars in BARS.items():
        made += of_each(asked(title), (of_bars[place],) * 3)
    for number, values in enumerate(WINDOW.values()):
        made += of_each(asked("Test window: average and peak load", number), values[place])
    for number, freed in enumerate(FREED.values()):
        made.append(near(asked("Power that comes free within", number), freed[place]))
    return made


def evaluated(folder: Path, world: World, wanted: list[dict[str, Any]]) -> subprocess.CompletedProcess[str]:
    """Have promtool check what the queries give in a world, after the recording rules."""
    held = [
        {"series": name, "values": values} for name, values in (series(world) if world.substations else ())
    ]
    test = {"interval": "1s", "input_series": held, "promql_expr_test": wanted}
    file = folder / "test.yml"  # JSON is YAML
    file.write_text(
        json.dumps(
            {
                "rule_files": [str(RULES / "recording.yml")],
                "evaluation_interval": "1s",
                "tests": [test],
            }
        )
    )
    return subprocess.run(
        ["promtool", "test", "rules", str(file)], capture_output=True, text=True, check=False, timeout=120
    )


@pytest.mark.parametrize("state", WORLDS)
def test_a_query_gives_what_the_state_is(tmp_path: Path, state: str) -> None:
    ran = evaluated(tmp_path, WORLDS[state], checks(list(WORLDS).index(state)))
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_the_base_load_counts_in_what_is_compared_with_the_limit(tmp_path: Path) -> None:
    rush = WORLDS["rush"]
    loaded = tuple(dataclasses.replace(each, base_load=f"140000x{AT_S}") for each in rush.substations)
    window, charts = "Test window: average and peak load", "Load of $substation"
    wanted = [
        near(asked("Utilization"), 0.9),
        *of_each(asked(window, 0), (1e6,) * 3),
        *of_each(asked(window, 3), (1.14 / 1.4,) * 3),
        *of_each(asked(window, 4), (0.9,) * 3),
        near(asked("Window imbalance"), 1),
        *of_each(f"sum by (substation) ({asked(charts)})", (1.26e6,) * 3),
        *of_each(f"sum by (substation) ({asked(charts, 4)})", (140e3,) * 3),
    ]
    ran = evaluated(tmp_path, dataclasses.replace(rush, substations=loaded), wanted)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_a_query_gives_nothing_where_nothing_is_scraped(tmp_path: Path) -> None:
    titles = [*STAT, *BARS, "Power that comes free within", "Test window: average and peak load"]
    wanted = [near(asked(title, n), None) for title in titles for n in range(len(panel(title)["targets"]))]
    ran = evaluated(tmp_path, NOWHERE, wanted)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_a_value_that_is_not_the_one_is_noticed(tmp_path: Path) -> None:
    ran = evaluated(tmp_path, WORLDS["idle"], [near(asked("Headroom"), 4.3e6)])
    assert ran.returncode == 1
    assert "FAILED" in ran.stdout + ran.stderr


@pytest.mark.parametrize("title", [*STAT, *BARS])
def test_a_figure_shows_what_the_reference_says(title: str) -> None:
    """Its words, and its colour where that is not grey."""
    values = (None, *(STAT | BARS)[title])
    row = dataclasses.astuple(SHOWN[title])
    defaults = panel(title)["fieldConfig"]["defaults"]
    assert dict(zip(STATES, (grafana.shown(defaults, value) for value in values), strict=True)) == dict(
        zip(STATES, row, strict=True)
    )
    assert list(STATES) == ["empty", *WORLDS]


def test_a_healthy_grid_has_no_colour() -> None:
    """Neither empty nor idle: colour means that something is not well."""
    for title, values in (STAT | BARS).items():
        defaults = panel(title)["fieldConfig"]["defaults"]
        assert [grafana.coloured(defaults, value) for value in (None, values[0])] == ["text", "text"], title


def test_the_window_s_columns_are_of_one_source() -> None:
    """Use is the load over the limit of the same scrape: none of it comes from a rule that is evaluated later."""
    load, limit, use = (asked("Test window: average and peak load", number) for number in (0, 2, 3))
    base_load = 'smartgrid_substation_base_load_watts{substation=~".+"} offset -500ms'
    assert "substation:" not in load + limit + use
    of_load, of_limit, of_both = (
        re.findall(r"smartgrid_substation_\w+_watts\{[^}]*\} offset -500ms", each)
        for each in (load, limit, use)
    )
    assert set(of_both) == {*of_load, base_load, *of_limit}
