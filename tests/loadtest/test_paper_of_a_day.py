"""The report of a run with a base load, and of one that plays a part of a day."""

import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.cli import main
from loadtest.paper import other_load, page, rerun, substation_load
from loadtest.paper.day import MOST, DayClock
from loadtest.paper.document import read
from loadtest.paper.formats import watt_seconds
from loadtest.paper.frame import WIDTH
from loadtest.plan.clock import read as time_of_day
from tests.loadtest import documents
from tests.loadtest.runs import IDS


def facts(told: object) -> dict[str, str]:
    return {fact.name: fact.value for fact in other_load.base_load(read(told))}


def test_the_base_load_is_a_band_of_its_own_below_the_line_of_the_sum() -> None:
    plot = substation_load.loads(read(documents.day()))[0]
    assert plot.headings == ("from", "base load (kW)", "cars (kW)", "together (kW)", "limit (kW)")
    assert [row[1:] for row in plot.rows][:3] == [
        ("4.0", "0.0", "4.0", "20.0"),
        ("6.0", "10.0", "16.0", "20.0"),
        ("8.0", "20.0", "28.0", "20.0"),
    ]
    assert plot.svg.count('class="band-base"') == plot.svg.count('class="band-cars"') == 2, "area and name"
    assert "highest 28 kW at 18:30" in plot.about
    assert "The base load is at most 8 kW of it" in plot.about
    assert "OVER ITS LIMIT" in plot.svg, "20 kW of cars are within the limit, with the base load they are not"


def test_without_a_base_load_there_is_one_line_as_before() -> None:
    plot = substation_load.loads(read(documents.held()))[0]
    assert plot.headings == ("from second", "highest load (kW)", "limit (kW)")
    assert "band-" not in plot.svg


def test_the_axis_of_a_day_has_its_times_and_other_runs_have_seconds() -> None:
    ticks = re.compile(r'class="tick" text-anchor="middle">([^<]+)<')
    for plot in substation_load.loads(read(documents.day())):
        assert ticks.findall(plot.svg) == [
            "17:30",
            "17:45",
            "18:00",
            "18:15",
            "18:30",
            "18:45",
            "19:00",
            "19:15",
            "19:30",
        ]
    assert "17:30" not in page.report(documents.held())


def test_the_last_time_of_day_is_not_cut_off_at_the_right() -> None:
    told = documents.day()
    told["run"] |= {"starts_at": "18:00", "seconds": 48.0}
    told["window_unix_s"] = [100, 148]
    plot = substation_load.loads(read(told))[0].svg
    *_, (x, text) = re.findall(
        r'<text x="([\d.]+)" y="[\d.]+" class="tick" text-anchor="middle">([^<]+)<', plot
    )
    assert text == "18:00"
    assert float(x) + 16 <= WIDTH


def test_the_picture_of_a_day_is_a_file_of_its_own_with_every_substation(tmp_path: Path) -> None:
    (tmp_path / "result.json").write_text(json.dumps(documents.day()), encoding="utf-8")
    assert main(["report", str(tmp_path / "result.json"), "--svg", str(tmp_path / "day.svg")]) == 0
    root = ET.parse(tmp_path / "day.svg").getroot()
    plots = root.findall("{http://www.w3.org/2000/svg}svg")
    assert root.tag.endswith("}svg")
    assert len(plots) == 2
    assert [text for text in root.itertext() if text in IDS] == list(IDS)


def loaded(kw: Callable[[int], float], limit_kw: float = 1_600.0) -> str:
    """Return the plot of a substation whose cars carry `kw` of a second, for ten minutes."""
    told = documents.day()
    told["window_unix_s"] = [100, 700]
    told["samples"] = [
        {"at_unix_s": 100 + second, "load_kw": {IDS[0]: kw(second)}, "capacity_kw": {IDS[0]: limit_kw}}
        for second in range(601)
    ]
    return substation_load.loads(read(told))[0].svg


def peak(plot: str) -> tuple[float, float, float, float, str]:
    """Return the place of the dot of a peak, that of its words, and their anchor."""
    dot = re.search(r'<circle cx="([\d.]+)" cy="([\d.]+)"', plot)
    words = re.search(
        r'<text x="([\d.]+)" y="([\d.]+)" class="remark" text-anchor="(\w+)">peak 1,400 kW', plot
    )
    assert dot
    assert words
    return (*map(float, (*dot.groups(), *words.groups()[:2])), words[3])  # type: ignore[return-value]


@pytest.mark.parametrize(("at_s", "anchor"), [(150, "start"), (550, "end")])
def test_the_words_of_a_peak_stand_beside_its_dot(at_s: int, anchor: str) -> None:
    hill = loaded(lambda second: 1_400.0 * math.exp(-(((second - at_s) / 60) ** 2)))
    x, y, words_x, words_y, found = peak(hill)
    assert found == anchor
    assert abs(words_x - x) <= substation_load.FAR
    assert words_y == pytest.approx(y + 4, abs=0.1)


def test_the_words_of_a_peak_stand_below_a_line_that_keeps_its_height() -> None:
    plateau = loaded(lambda second: 1_400.0 if second == 300 else 1_390.0)
    x, y, words_x, words_y, _ = peak(plateau)
    assert abs(words_x - x) == pytest.approx(substation_load.NEAR, abs=0.1)
    assert y + 14 < words_y < y + 20


def test_the_words_of_a_peak_are_not_written_on_the_limit() -> None:
    hill = loaded(lambda second: 1_400.0 * math.exp(-(((second - 300) / 60) ** 2)), 1_450.0)
    _, y, _, words_y, _ = peak(hill)
    assert words_y > y + 14


def test_the_utilization_in_every_plot_is_that_of_cars_and_base_load() -> None:
    document = read(documents.day())
    assert [max(document.utilizations(each).values()) for each in document.samples] == [0.2, 0.8, 1.4]


def test_the_report_says_what_the_base_load_did() -> None:
    found = facts(documents.day())
    assert found["base load of the fleet"] == "average 13 kW, peak 16 kW"
    assert found["sessions paused"] == "2"
    assert found["time in pauses"] == "120.0 min", "two sessions for 2 s"
    assert found["policy"] == "least_loaded"
    assert found["longest overload"] == "2.0 s"
    assert facts(documents.held())["base load of the fleet"] == "off"


@pytest.mark.parametrize(
    ("overload_ws", "shown"),
    [(0, "0"), (0.25, "0.25"), (999.5, "999.5"), (7_195_710.4, "7,195,710"), (None, "-")],
)
def test_an_overload_is_readable_and_never_rounded_to_none(overload_ws: float | None, shown: str) -> None:
    assert watt_seconds(overload_ws) == shown


def test_a_run_before_there_was_a_base_load_has_none_measured() -> None:
    told = documents.held()
    del told["result"]["base_load"]
    for sample in told["samples"]:
        del sample["base_load_kw"], sample["paused"]
    assert facts(told)["base load of the fleet"] == "not measured"
    assert substation_load.loads(read(told))[0].headings[1] == "highest load (kW)"


def test_the_command_runs_the_same_part_of_the_day_again() -> None:
    assert "--shape day --starts-at 17:30" in rerun.command(read(documents.day()))


@pytest.mark.parametrize(
    "other", [{"starts_at": None}, {"starts_at": "x"}, {"time_scale": 0}, {"time_scale": None}]
)
def test_a_day_without_its_clock_is_drawn_in_seconds(other: dict[str, object]) -> None:
    told = documents.day()
    told["run"] |= other
    assert "time of day of the grid" not in page.report(told)


@given(
    starts_h=st.integers(0, 1439).map(lambda m: m / 60), seconds=st.floats(1, 3600), scale=st.floats(1, 1e4)
)
def test_the_ticks_of_a_day_lie_within_the_run_at_the_times_that_they_name(
    starts_h: float, seconds: float, scale: float
) -> None:
    clock = DayClock(starts_h, scale)
    ticks = clock.ticks(seconds)
    assert len(ticks) <= MOST + 1
    for at_s, text in ticks:
        assert -1e-6 <= at_s <= seconds + 1e-6
        apart_h = (starts_h + at_s * scale / 3600 - time_of_day(text)) % 24
        assert min(apart_h, 24 - apart_h) < 1 / 60
