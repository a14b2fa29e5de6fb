"""The page and the picture of a comparison: complete, closed in itself, readable on any ground."""

import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.compare import charts, pictures, style
from loadtest.compare.charts import Axis, Chart, Line
from loadtest.compare.groups import ComparedRun, compare
from loadtest.compare.page import page
from loadtest.compare.picture import picture, typical
from tests.loadtest.test_compare import document, runs

SVG = "{http://www.w3.org/2000/svg}"
VOID = {"meta", "br"}


class Outline(HTMLParser):
    """Reads a page: its tags, the attributes that load something, and for each figure what is in it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.loads: list[str] = []
        self.figures: list[set[str]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        self.loads += [f"{name}={value}" for name, value in attrs if name in {"src", "href", "xlink:href"}]
        if tag == "figure":
            self.figures.append(set())
        elif "figure" in self.open:
            self.figures[-1].add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def two_groups(**names: Any) -> str:
    return page(compare(runs(document(), document(), document(1.2, policy="random", **names))))


def test_every_chart_has_its_table_and_nothing_is_loaded_from_elsewhere() -> None:
    text = two_groups()
    outline = Outline(text)
    assert outline.open == []
    assert len(outline.figures) == 1 + 3 + 2  # the fleet, a chart for each run, one for each kind of latency
    assert all({"svg", "table"} <= figure for figure in outline.figures)
    assert outline.loads == []
    assert not re.search(r"url\(|@import|<script|<link", text)


def test_the_figures_the_notes_and_the_method_are_told() -> None:
    text = Outline(two_groups(seed=2)).text
    for said in ("max/mean utilization", "1.0100", "+0.1900 (+18.8 %)", "can't tell: one run only"):
        assert said in text
    assert "the plans differ: seeds 1, 2" in text
    assert "Mann-Whitney" in text


def test_a_name_can_not_become_markup() -> None:
    hostile = "<script>alert(1)</script>\"'&"
    comparison = compare([*runs(document(), label="a"), ComparedRun(hostile, hostile, document())])
    text = page(comparison)
    assert "<script>" not in text
    assert hostile in Outline(text).text
    assert ET.fromstring(picture(comparison)).tag == f"{SVG}svg"


def test_a_page_is_made_of_runs_that_have_neither_samples_nor_requests() -> None:
    bare = {"result": {"refused": 1}}
    text = page(compare([ComparedRun("a", "x", bare), ComparedRun("b", "y", bare)]))
    assert "refused" in text
    assert "<figure>" not in text


def test_the_picture_shows_the_typical_run_of_each_group_on_the_same_axes() -> None:
    comparison = compare([*runs(*map(document, (1.3, 1.1, 1.2))), *runs(document(policy="random"))])
    assert typical(comparison.groups[0]).document["result"]["balance_ratio"] == 1.2
    root = ET.fromstring(picture(comparison))
    titles = [each.text for each in root.iter(f"{SVG}text") if each.get("class") == "title"]
    assert titles == ["least_loaded", "random"]
    panels = [each for each in root.findall(f"{SVG}g") if each.findall(f".//{SVG}path")]
    first, second = ([line.get("d") for line in panel.iter(f"{SVG}path")] for panel in panels)
    assert first == second
    assert len(first) == 2


@given(
    st.lists(st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6)), min_size=1, max_size=9),
    st.floats(0.1, 1e5),
)
def test_nothing_is_drawn_outside_a_chart(points: list[tuple[float, float]], high: float) -> None:
    axis = Axis(0, high, [(0, "0"), (high, "most")], "x")
    chart = Chart("a", axis, axis, [Line("b", 0, points)], limit=high)
    root = ET.fromstring(charts.draw(chart))
    (line,) = root.iter("path")
    for point in re.split("[ML]", line.attrib["d"])[1:]:
        x, y = map(float, point.split())
        assert charts.LEFT <= x <= chart.width - charts.RIGHT
        assert charts.TOP <= y <= chart.height - charts.BOTTOM


def test_the_latencies_of_a_group_are_the_medians_of_its_runs() -> None:
    slow, fast = document(), document()
    slow["result"]["response_histogram"] = [[8.0, 0.5], [90.0, 1.0]]
    fast["result"]["response_histogram"] = [[6.0, 0.75], [10.0, 1.0]]
    (group,) = compare(runs(slow, fast)).groups
    rows = dict(pictures.latency_rows(group, "response"))
    assert (rows[0.5], rows[0.75], rows[0.99]) == (7.0, 48.0, 50.0)
    assert dict(pictures.latency_rows(group, "service"))[0.5] == 250.0


def colours(theme: str) -> dict[str, str]:
    return dict(re.findall(r"--([\w-]+): (#\w+);", theme))


def luminance(colour: str) -> float:
    """Relative luminance by WCAG 2.2."""
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    parts = [int(digits[n : n + 2], 16) / 255 for n in (0, 2, 4)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", [style.LIGHT, style.DARK])
def test_words_and_lines_stand_out_from_their_ground(theme: str) -> None:
    found = colours(theme)
    assert contrast("#fff", "#000") == pytest.approx(21)
    for name in ("ink", "quiet"):
        assert contrast(found[name], found["ground"]) >= 4.5, name
    for name in ("limit", *(f"line-{kind}" for kind in range(charts.HUES))):
        assert contrast(found[name], found["ground"]) >= 3, name


def test_every_line_has_a_hue_and_a_dash_of_its_own() -> None:
    rules = re.findall(r"\.line-\d { (.*?) }", style.CHART)
    assert len(rules) == charts.KINDS == len(set(rules))


def test_runs_of_one_group_and_of_another_have_letters_and_lines_of_their_own_in_the_order_of_the_picks() -> (
    None
):
    first, other, again = document(), document(policy="random"), document()
    given_runs = [
        ComparedRun(name, "", each) for name, each in zip("xyz", (first, other, again), strict=True)
    ]
    comparison = compare(given_runs)
    assert [len(group.runs) for group in comparison.groups] == [2, 1]
    assert [comparison.letter(each) for each in given_runs] == ["A", "B", "C"]
    assert [(each.name, kind) for each, _, kind in pictures.run_lines(comparison)] == [
        ("x", 0),
        ("y", 1),
        ("z", 2),
    ]
    text = Outline(page(comparison)).text
    assert "B random: y" in text
    assert "Load of the fleet" in text


def test_many_runs_have_the_line_of_their_group() -> None:
    many = compare(runs(*[document() for _ in range(8)], *[document(policy="random") for _ in range(8)]))
    assert {kind for _, _, kind in pictures.run_lines(many)} == {0, 1}
