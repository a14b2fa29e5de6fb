"""The report of every kind of run: valid, whole in itself, and without a word that is taken for markup."""

import csv
import io
import itertools
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import html5lib
import pytest

from loadtest.cli import main
from loadtest.paper import facts, formats, page, rerun, sheets
from loadtest.paper.document import FORMER_NAMES, NotAResult, read
from loadtest.paper.headline import headline
from loadtest.paper.latency import latency
from loadtest.paper.observations import observe
from loadtest.report import document as report
from runtime.csv_text import BYTE_ORDER_MARK
from tests.loadtest import documents

RENDERED: dict[str, Callable[[object], str]] = {"report": page.report, "project": page.project_report}
HTML = "{http://www.w3.org/1999/xhtml}"


@pytest.fixture(params=documents.EVERY)
def told(request: pytest.FixtureRequest) -> dict[str, Any]:
    made: dict[str, Any] = documents.EVERY[request.param]()
    return made


@pytest.mark.parametrize("kind", RENDERED)
def test_a_page_of_every_document_is_valid_and_whole_in_itself(told: dict[str, Any], kind: str) -> None:
    text = RENDERED[kind](told)
    tree = html5lib.HTMLParser(strict=True).parse(text)
    ids = [each.get("id") for each in tree.iter() if each.get("id")]
    assert len(ids) == len(set(ids))
    named = " ".join(
        each.get(f"aria-{key}", "") for each in tree.iter() for key in ("labelledby", "describedby")
    )
    assert set(named.split()) <= set(ids)
    assert not list(tree.iter(f"{HTML}script"))
    for each in tree.iter():
        fetched = [
            value
            for key, value in each.items()
            if key in {"src", "href", "style"} or str(key).startswith("on")
        ]
        assert all(value.startswith("data:") for value in fetched)
    outside = re.findall(r"url\((?!#)|@import|<(?:iframe|object|embed|base)\b", text)
    assert outside == []


@pytest.mark.parametrize("kind", RENDERED)
def test_headings_are_in_order(told: dict[str, Any], kind: str) -> None:
    levels = [int(level) for level in re.findall(r"<h([1-6])[ >]", RENDERED[kind](told))]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(below <= above + 1 for above, below in itertools.pairwise(levels))


def test_every_picture_has_a_title_words_and_a_table(told: dict[str, Any]) -> None:
    tree = html5lib.parse(page.report(told))
    figures = list(tree.iter(f"{HTML}figure"))
    assert figures
    for each in figures:
        tags = {child.tag.rpartition("}")[2] for child in each.iter()}
        assert {"svg", "title", "desc", "details", "table"} <= tags


@pytest.mark.parametrize("kind", RENDERED)
def test_words_of_strangers_stay_words(kind: str) -> None:
    text = RENDERED[kind](documents.hostile())
    assert "evil.example" in text
    assert "<script" not in text
    assert "<img" not in text
    assert "{{7*7}}" in text


def test_the_verdict_is_in_words() -> None:
    words = {name: headline(read(make())).word for name, make in documents.EVERY.items()}
    assert words["held"] == "PASSED"
    assert words["interrupted"] == "INTERRUPTED"
    assert {words[name] for name in ("refused", "nothing measured", "hostile", "full", "empty", "nulls")} == {
        "FAILED"
    }
    assert "thresholds failed: Cars refused." in headline(read(documents.refused())).sentence


def test_the_thresholds_of_older_runs_have_their_present_names() -> None:
    raw = documents.held()
    names = [each.name for each in read(raw).thresholds]
    older = {present: former for former, present in FORMER_NAMES.items()}
    for each in raw["thresholds"]:
        each["name"] = older.get(each["name"], each["name"])
    assert [each.name for each in read(raw).thresholds] == names
    assert set(FORMER_NAMES.values()) <= set(names)


def test_a_load_above_its_limit_is_said_and_a_normal_one_is_not() -> None:
    assert "OVER ITS LIMIT" in page.report(documents.overloaded())
    assert "OVER ITS LIMIT" not in page.report(documents.held())


def test_what_was_not_measured_is_no_figure() -> None:
    text = page.report(documents.nothing_measured())
    assert "not measured" in text
    assert formats.whole(None) == formats.MISSING


def test_a_limit_on_a_latency_is_drawn_and_a_slow_generator_is_named() -> None:
    text = page.report(documents.full())
    assert "limit response p99 5 ms" in text
    assert "saturated: its loop lagged" in text


def test_latencies_are_those_of_the_histogram_else_of_the_requests() -> None:
    rows = {row[0]: row[1:] for row in latency(read(documents.full())).rows}
    assert rows["max"] == ("9.0", "4.0")
    assert rows["50 %"] == ("1.0", "1.0")
    rows = {row[0]: row[1:] for row in latency(read(documents.held())).rows}
    assert rows["max"] == ("103.0", "100.0")


def test_the_fleet_is_the_sum_of_its_substations() -> None:
    *stations, fleet = facts.substation_rows(read(documents.held()))
    assert [row[1] for row in stations] == ["2", "2"]
    assert fleet[:5] == ["fleet", "4", "4", "0", "40"]
    assert fleet[5:8] == ["0.0", "25.0", "40.0"]


def test_the_initial_phase_ends_at_half_the_highest_load() -> None:
    found = observe(read(documents.held()))
    assert found
    assert found.peak.load_kw == 40
    assert found.peak.at_s == 2
    assert found.initial.load_kw > 20


def test_the_command_runs_the_same_plan() -> None:
    told = documents.held()
    told["run"] |= {"gateway_url": "http://127.0.0.1:8000", "fail_if": ["p99_ms > 250"]}
    command = rerun.command(read(told))
    assert (
        command == "python -m loadtest rush-hour --seed 1 --requests 4 --seconds 4 --fail-if 'p99_ms > 250'"
    )


@pytest.mark.parametrize("told", [None, [], {}, {"result": 3}, {"schema": "other/9", "result": {}}])
def test_what_is_no_document_is_named(told: object) -> None:
    with pytest.raises(NotAResult):
        page.report(told)


def test_the_sheets_have_every_request_and_every_reading() -> None:
    told = documents.refused()
    rows = list(csv.DictReader(io.StringIO(sheets.requests(told).removeprefix(BYTE_ORDER_MARK))))
    assert [row["outcome"] for row in rows] == ["admitted"] * 4 + ["refused"]
    assert rows[0]["substation_id"] == "substation-1"
    readings = list(csv.DictReader(io.StringIO(sheets.samples(told).removeprefix(BYTE_ORDER_MARK))))
    assert len(readings) == sum(len(sample["load_kw"]) for sample in told["samples"])
    assert float(readings[-1]["load_kw"]) == 20
    assert sheets.samples(told).count("\r\n") == sheets.samples(told).count("\n") == len(readings) + 1


@pytest.mark.parametrize(
    "start", ["=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20", "\ufeff=", " ="]
)
def test_no_cell_of_a_sheet_is_a_formula(start: str) -> None:
    vehicle = f'{start}cmd|"/c calc"!A1'
    sheet = sheets.requests({"requests": [{"vehicle_id": vehicle, "index": -1}]})
    (row,) = csv.DictReader(io.StringIO(sheet.removeprefix(BYTE_ORDER_MARK), newline=""))
    assert row["vehicle_id"] == f"'{vehicle}"
    assert row["index"] == "-1"


def test_a_run_leaves_its_files_and_the_report_can_be_drawn_anew(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    at = report.write_files(tmp_path / "run", documents.refused())
    assert {each.name for each in at.parent.iterdir()} == {
        "result.json",
        "report.html",
        "requests.csv",
        "samples.csv",
    }
    again = tmp_path / "again.html"
    assert main(["report", str(at.parent / "result.json"), "-o", str(again)]) == 0
    assert again.read_bytes() == at.read_bytes()
    assert (at.parent / "requests.csv").read_bytes().count(b"\r\n") == 6
    assert (at.parent / "requests.csv").read_bytes().startswith(b"\xef\xbb\xbfindex,")


def test_a_file_that_is_no_result_is_a_wrong_usage(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "x.json").write_text("{")
    assert main(["report", str(tmp_path / "x.json")]) == 2
    assert "x.json can't be read" in capsys.readouterr().err


def test_a_latency_that_may_be_the_generators_own_says_so() -> None:
    told = documents.held()
    told["thresholds"].append(
        {"name": "p99_ms", "value": "300.0", "limit": "<= 250", "held": False, "note": "perhaps"}
    )
    assert "<small>perhaps</small>" in page.report(told)
    assert "perhaps" not in page.report(documents.held())
