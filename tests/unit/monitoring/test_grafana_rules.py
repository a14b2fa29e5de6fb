"""What each panel shows in each state, by Grafana's rules."""

import dataclasses
import itertools
import re
from pathlib import Path

import pytest

from monitoring.grafana.panels import LINE
from monitoring.grafana.queries import DASHBOARDS
from monitoring.grafana.states import SHOWN, STATES
from tests.unit.monitoring import grafana_rules as grafana
from tests.unit.monitoring.held import Json, all_panels, panels

METRICS = Path(__file__).parents[3] / "docs" / "metrics.md"
FIRST_SCREEN_PX = 720 - 200  # the smallest screen, without the bars of browser and Grafana
RED = {"red", "dark-red"}
SUBSTATIONS = [f"substation-{number}" for number in (1, 2, 3)]
PROCESSES = [f"{job} 127.0.0.1:8101" for job in ("gateway", "balancer", "admin_ui", *["substation"] * 3)]
# What a legend names in a grid of three substations.
NAMED = {
    "{{substation}}": SUBSTATIONS,
    "{{substation}} above": SUBSTATIONS[:1],
    "{{job}}": ["gateway", "balancer", "admin_ui", "substation"],
    "{{job}} {{instance}}": PROCESSES,
    "{{job}} {{handler}}": ["admin_ui FrameStreamHandler"] * 16,
    "{{instance}}": ["127.0.0.1:8001"],
    "{{instance}} claims": ["127.0.0.1:8001 claims"],
    "{{instance}} statements": ["127.0.0.1:8001 statements"],
    "{{change}}": ["paused", "resumed"],
    "{{cause}}": ["admission", "derating", "base_load"],
    "{{outcome}}": [
        "admitted",
        "no_capacity",
        "no_substation",
        "unknown",
        "unavailable",
        "withdrawn",
        "key_reused",
    ],
}


def of(*kinds: str) -> list[Json]:
    found = [panel for _, panel in all_panels() if panel["type"] in kinds]
    assert found, kinds
    return found


def defaults(panel: Json) -> Json:
    held: Json = panel["fieldConfig"]["defaults"]
    return held


def custom(panel: Json) -> Json:
    held: Json = defaults(panel)["custom"]
    return held


def overridden(panel: Json) -> list[Json]:
    """Each override as a dict: its field, and its properties by name."""
    return [
        {"field": override["matcher"]["options"]}
        | {each["id"]: each["value"] for each in override["properties"]}
        for override in panel["fieldConfig"]["overrides"]
    ]


def named(panel: Json) -> str:
    return str(panel["title"])


figures = pytest.mark.parametrize("panel", of(*grafana.FIGURES), ids=named)
charts = pytest.mark.parametrize("panel", of("timeseries"), ids=named)
everything = pytest.mark.parametrize("panel", [panel for _, panel in all_panels()], ids=named)


@everything
def test_what_a_panel_shows_in_each_state_is_decided(panel: Json) -> None:
    row = dataclasses.astuple(SHOWN[panel["title"]])
    assert len(row) == len(STATES)
    assert all(row)


def test_no_state_is_decided_of_a_panel_that_is_not_there() -> None:
    titles = [panel["title"] for _, panel in all_panels()]
    assert sorted(titles) == sorted(SHOWN), "and no two have the same title"


@figures
def test_a_figure_is_of_one_moment(panel: Json) -> None:
    """The last value of a range stays when there is none any more."""
    assert [(target["instant"], target["range"]) for target in panel["targets"]] == [(True, False)] * len(
        panel["targets"]
    )
    assert panel["options"].get("graphMode", "none") == "none"


@figures
def test_a_figure_without_a_value_says_so_in_the_colour_of_what_is_normal(panel: Json) -> None:
    """`noValue` alone has the colour of the lowest threshold."""
    assert grafana.coloured(defaults(panel), None) == "text"
    assert grafana.said(defaults(panel), None) == defaults(panel)["noValue"]
    if panel["type"] != "table":
        assert SHOWN[panel["title"]].empty == defaults(panel)["noValue"]
    assert not [each for each in overridden(panel) if "mappings" in each], "it would replace these words"


@pytest.mark.parametrize("panel", of("timeseries", "heatmap", "state-timeline", "table"), ids=named)
def test_a_panel_without_data_says_what_the_reference_says(panel: Json) -> None:
    told = SHOWN[panel["title"]].empty
    assert told == ("no panel" if panel.get("repeat") else f"“{defaults(panel)['noValue']}”")


@pytest.mark.parametrize("panel", of("state-timeline"), ids=named)
def test_a_band_shows_the_word_of_its_state(panel: Json) -> None:
    """With `mergeValues` and the colour mode `thresholds`, Grafana shows the threshold in place of the mapping."""
    assert panel["options"]["mergeValues"] is True
    assert defaults(panel)["color"]["mode"] == "fixed"
    (mapping,) = defaults(panel)["mappings"]
    assert all(each["text"] and each["color"] for each in mapping["options"].values())
    (target,) = panel["targets"]
    values = set(re.findall(r"\b(\d) \* \(", target["expr"])) or {"0", "1"}
    assert values == set(mapping["options"])


@figures
def test_rows_and_bars_keep_their_order(panel: Json) -> None:
    """Prometheus returns series in any order; the answers to several queries are in the order of the queries."""
    steps = {step["id"]: step["options"] for step in panel.get("transformations", [])}
    if panel["type"] == "table":
        assert list(steps) == ["merge", "organize", "sortBy"]
    if panel["type"] == "bargauge" and len(panel["targets"]) == 1:
        assert list(steps) == ["organize", "sortBy"]
        assert panel["options"]["reduceOptions"]["values"] is True
        assert panel["targets"][0]["format"] == "table"
    if steps:
        organize, (sort,) = steps["organize"], steps["sortBy"]["sort"]
        assert sort["field"] in organize["indexByName"]
        assert sort["field"] not in {*organize["excludeByName"], *organize["renameByName"]}


def test_what_is_freed_is_shown_from_soon_to_late() -> None:
    (panel,) = [panel for panel in of("bargauge") if panel["title"] == "Power that comes free within"]
    legends = [target["legendFormat"] for target in panel["targets"]]
    assert legends == sorted(legends, key=lambda legend: int(legend.removesuffix(" s")))
    assert [re.findall(r'within="(\d+)"', target["expr"]) for target in panel["targets"]] == [
        [legend.removesuffix(" s")] for legend in legends
    ]


@pytest.mark.parametrize("panel", of("table"), ids=named)
def test_every_column_of_a_table_is_seen_on_a_narrow_screen(panel: Json) -> None:
    organize = next(step["options"] for step in panel["transformations"] if step["id"] == "organize")
    columns = len(organize["indexByName"]) - len(organize["excludeByName"])
    labels = {
        label for target in panel["targets"] for label in re.findall(r"^max by \(([^)]+)\)", target["expr"])
    }
    assert len(labels) == 1, "a label that only some share makes a column of its own"
    assert columns == len(panel["targets"]) + len(labels.pop().split(", "))
    assert columns * custom(panel)["minWidth"] <= grafana.panel_px(panel["gridPos"]["w"])


@everything
def test_a_title_is_not_cut_on_a_narrow_screen(panel: Json) -> None:
    width = panel["gridPos"]["w"] / (3 if panel.get("repeat") else 1)
    title = panel["title"].replace("$substation", "substation-10")
    assert len(title) <= grafana.title_characters(width)


@charts
def test_a_legend_is_not_cut_on_a_narrow_screen(panel: Json) -> None:
    legend = panel["options"]["legend"]
    assert legend["displayMode"] == "list"
    names = [
        name
        for target in panel["targets"]
        for name in NAMED.get(target["legendFormat"], [target["legendFormat"]])
    ]
    assert not [name for name in names if "{{" in name]
    width = panel["gridPos"]["w"] / (3 if panel.get("repeat") else 1)
    rows = grafana.legend_rows(names, len(legend["calcs"]), width)
    assert rows <= grafana.legend_rows_shown(panel["gridPos"]["h"])


def test_states_and_alerts_are_on_the_first_screen() -> None:
    wanted = {"Utilization", "State of each substation", "Alerts"}
    ends = {p["title"]: p["gridPos"]["y"] + p["gridPos"]["h"] for p in panels("dashboard.json")}
    assert {title for title, end in ends.items() if end * grafana.ROW_PX <= FIRST_SCREEN_PX} >= wanted


@charts
def test_an_axis_of_nothing_but_0_is_not_up_to_100(panel: Json) -> None:
    """Which is 10,000 % where the unit is a share."""
    top = custom(panel)["axisSoftMax"]
    assert top > custom(panel)["axisSoftMin"]
    if defaults(panel)["unit"] == "percentunit":
        assert top <= 1.1
    if custom(panel)["scaleDistribution"]["type"] == "log":
        assert custom(panel)["axisSoftMin"] > 0, "0 is nowhere on it"


@charts
def test_a_limit_that_is_drawn_is_in_sight_and_grey(panel: Json) -> None:
    """It is there all the time; red is what has passed it."""
    if custom(panel).get("thresholdsStyle", {}).get("mode") == "line":
        steps = defaults(panel)["thresholds"]["steps"]
        limits = [step["value"] for step in steps if step["value"] is not None]
        assert limits
        assert {step["color"] for step in steps} == {LINE}
        assert all(custom(panel)["axisSoftMin"] <= limit <= custom(panel)["axisSoftMax"] for limit in limits)
    coloured = {each["field"]: each["color"]["fixedColor"] for each in overridden(panel) if "color" in each}
    assert coloured.get("limit", LINE) == LINE
    bad = {"above the limit", "/.* above/", "unknown"}
    assert {field for field, colour in coloured.items() if colour in RED} <= bad


@charts
def test_what_is_0_draws_no_line_on_top_of_a_stack(panel: Json) -> None:
    if custom(panel)["stacking"]["mode"] == "normal":
        assert custom(panel)["lineWidth"] == 0
        assert custom(panel)["fillOpacity"] > 0
        assert all(target["expr"].endswith(" > 0") for target in panel["targets"]), "nor a name in the legend"


@pytest.mark.parametrize("panel", of("heatmap"), ids=named)
def test_a_heat_map_counts_each_answer_once(panel: Json) -> None:
    """An increase over four scrapes, each second, counts it four times; a rate is a mean over these seconds."""
    (target,) = panel["targets"]
    assert re.fullmatch(
        r"sum by \(le\) \(rate\(\w+_bucket(\{[^}]*\})?\[\$__rate_interval\]\)\)", target["expr"]
    )
    assert panel["options"]["cellValues"]["unit"] == "reqps"


def test_percentiles_of_some_milliseconds_are_not_those_of_a_wide_bucket() -> None:
    """Most answers take 5 to 25 ms: a percentile is guessed between two edges."""
    asked = {
        name
        for _, panel in all_panels()
        for target in panel["targets"]
        for name in re.findall(r"(smartgrid_\w+_seconds)_bucket", target["expr"])
    }
    assert len(asked) >= 5
    for name in asked:
        (line,) = re.findall(rf"^\| `{name}` .*Buckets: ([^|]+) \|$", METRICS.read_text(), flags=re.MULTILINE)
        edges = [float(edge) for edge in line.split(", ")]
        assert [edge for edge in edges if 0.01 < edge < 0.025], name
        if "charge" in name:
            near = [edge for edge in edges if 0.005 <= edge <= 0.025]
            assert max(b / a for a, b in itertools.pairwise(near)) <= 1.5


@pytest.mark.parametrize("name", DASHBOARDS)
def test_every_state_of_a_dashboard_is_in_the_reference(name: str) -> None:
    page = (METRICS.parent / "reference" / "dashboards.md").read_text()
    for panel in panels(name):
        row = f"| {panel['title']} | {' | '.join(dataclasses.astuple(SHOWN[panel['title']]))} |"
        assert row in page.splitlines()
