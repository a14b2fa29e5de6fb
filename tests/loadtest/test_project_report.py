"""The project report: what it concludes from the figures, and what it shows of the fleet and of other policies."""

import copy
import functools
import html
import itertools
import re
from typing import Any

import html5lib
import pytest

from loadtest.judge import verdict
from loadtest.judge.result import conclude
from loadtest.judge.threshold import Threshold
from loadtest.judge.thresholds import FIGURES
from loadtest.paper import conclusion, diagram, emptying, facts, meanings, page, policies
from loadtest.paper.document import NotAResult, read
from loadtest.paper.evidence import SCHEMA, Evidence, FleetReading, read_evidence
from tests.loadtest import documents
from tests.loadtest.runs import perfect

WIDTH_OF_A_LETTER = 6.5  # of the words on an arrow

RANGES = {"least_loaded": 0.01, "random": 0.1, "snapshot_least_loaded": 0.2}


@functools.cache
def _held() -> dict[str, Any]:
    return documents.held()


def held() -> dict[str, Any]:
    """Return a document of its own to each caller; it is computed once."""
    return copy.deepcopy(_held())


def under(policy: str) -> dict[str, Any]:
    made = held()
    made["run"]["policy"] = policy
    made["result"] |= {
        "range": RANGES[policy],
        "range_highest": 0.3,
        "balance_ratio": 1 + RANGES[policy],
        "refused": 3,
    }
    return made


def measured(document: dict[str, Any] | None = None, **other: Any) -> dict[str, Any]:
    """What `make report` measures."""
    document = document or held()
    began, ended = document["window_unix_s"]
    falling = [40, 40, 30, 15, 0.5, 0.4]
    readings = [
        {"at_unix_s": ended + n, "load_kw": kw, "draw_kw": 0.9 * kw, "capacity_kw": 50}
        for n, kw in enumerate(falling)
    ]
    before = {"at_unix_s": began - 5, "load_kw": 0, "draw_kw": 0, "capacity_kw": 50}
    return {
        "schema": SCHEMA,
        "document": document,
        "own_grid": True,
        "machine": {"date": "2026-11-30", "commit": "0123456789ab", "cores": "2"},
        "fleet": [before, *readings],
        "comparison": {
            "poll_s": 2.5,
            "time_scale": 240.0,
            "documents": [under(each) for each in reversed(RANGES)],
        },
    } | other


def headings(text: str) -> list[str]:
    return [html.unescape(each) for each in re.findall(r"<h2>(.*?)</h2>", text)]


def test_it_has_every_chapter_and_numbers_them_without_a_gap() -> None:
    for told, count in ((measured(), 8), (measured(comparison=None), 7), (held(), 7)):
        numbered = [each for each in headings(page.project_report(told)) if each[0].isdigit()]
        assert [int(each.split(".")[0]) for each in numbered] == list(range(1, count + 1))
        for chapter in ("Summary", "Objective", "Method", "Observations", "Results", "Conclusion", "Limits"):
            assert any(chapter in each for each in numbered), chapter


def test_it_is_valid_and_whole_with_everything_that_was_measured() -> None:
    text = page.project_report(measured())
    tree = html5lib.HTMLParser(strict=True).parse(text)
    ids = [each.get("id") for each in tree.iter() if each.get("id")]
    assert len(ids) == len(set(ids))
    levels = [int(level) for level in re.findall(r"<h([1-6])[ >]", text)]
    assert all(below <= above + 1 for above, below in itertools.pairwise(levels))
    for words in (
        "commit 0123456789ab",
        "Herding.",
        "Power until the last car has left",
        "time scale of 240",
    ):
        assert words in text


def test_the_words_on_an_arrow_of_the_architecture_are_not_wider_than_it() -> None:
    picture = diagram.architecture(["substation-1"], "500 cars")
    arrow = (
        r'<line x1="([\d.]+)" y1="[\d.]+" x2="([\d.]+)" [^>]*></line><path [^>]*></path><text [^>]*>([^<]+)<'
    )
    found = re.findall(arrow, picture)
    assert [words for _, _, words in found] == ["POST /charge", "messages"]
    for left, right, words in found:
        assert len(words) * WIDTH_OF_A_LETTER < float(right) - float(left)


def test_an_option_in_seconds_is_named_with_its_unit() -> None:
    told = documents.held()
    told["run"] |= {"settle_s": 180.0, "retries": 2}
    found = {fact.name: fact.value for fact in facts.plan(read(told))}
    assert (found["settle (s)"], found["retries"]) == ("180", "2")


def test_words_of_strangers_stay_words_everywhere() -> None:
    hostile = documents.HOSTILE
    run = under("random")
    run["run"]["policy"] = hostile
    text = page.project_report(
        measured(documents.hostile(), machine={hostile: hostile}, comparison={"documents": [run]})
    )
    assert "evil.example" in text
    assert "<script" not in text
    assert "<img" not in text


@pytest.mark.parametrize(
    "broken",
    [
        {"fleet": 3, "machine": None, "comparison": [1]},
        {
            "fleet": [None, {"load_kw": 3}, {"at_unix_s": "x"}],
            "machine": [],
            "comparison": {"documents": [None, {}, {"result": 1}]},
        },
    ],
)
def test_what_is_absent_or_wrong_is_left_out(broken: dict[str, Any]) -> None:
    found = read_evidence(measured(**broken))
    assert (list(found.fleet), found.machine, found.policy_runs) == ([], {}, None)
    assert page.project_report(measured(**broken))


def test_a_report_without_a_document_is_named() -> None:
    with pytest.raises(NotAResult):
        read_evidence({"schema": SCHEMA, "machine": {}})


def test_the_readings_are_those_from_the_first_arrival_until_the_fleet_is_empty() -> None:
    found = read_evidence(measured())
    assert [each.load_kw for each in found.fleet] == [40, 40, 30, 15, 0.5]
    course = emptying.emptying(found.document, found.fleet)
    assert course
    assert (course.load_kw, course.half_after_s, course.empty_after_s) == (40, 3, 4)


def test_a_fleet_that_did_not_empty_while_it_was_read_is_not_called_empty() -> None:
    readings = [FleetReading(4.0 + n, 40 - n, 30, 50) for n in range(3)]
    course = emptying.emptying(read(held()), readings)
    assert course
    assert (course.half_after_s, course.empty_after_s) == (None, None)
    assert emptying.emptying(read(held()), readings[:1]) is None


def test_policies_are_in_the_order_of_their_evenness_with_their_figures() -> None:
    found = read_evidence(measured()).policy_runs
    assert found
    rows = policies.rows(found)
    assert [row[0] for row in rows] == ["least_loaded", "random", "snapshot_least_loaded"]
    assert rows[2][1:4] == ["1.2000", "20.0", "30.0"]
    assert rows[2][5] == "3"
    assert [name for name, _ in policies.rules(found)] == [row[0] for row in rows]
    assert [each.title for each in policies.pictures(found)] == [row[0] for row in rows]


def test_herding_is_named_only_where_it_is_seen() -> None:
    found = read_evidence(measured()).policy_runs
    assert found
    herd = policies.herding(found)
    assert herd
    assert herd.seen
    alike = measured()
    for each in alike["comparison"]["documents"]:
        each["result"]["range"] = 0.01
    assert "This comparison shows no herding" in page.project_report(alike)
    alone = measured(comparison={"documents": [under("least_loaded")]})
    assert "erding" not in page.project_report(alone)


def test_a_run_of_a_policy_that_was_cut_short_or_too_slow_is_named() -> None:
    told = measured()
    before = read_evidence(told).policy_runs
    assert before
    assert policies.doubts(before) == []
    naive, random, _ = told["comparison"]["documents"]
    naive["result"]["interrupted"] = True
    random["result"]["generator"] = {"verdict": "saturated", "why": "its loop lagged"}
    found = read_evidence(told).policy_runs
    assert found
    interrupted, slow = policies.doubts(found)
    assert interrupted.endswith("interrupted: snapshot_least_loaded.")
    assert slow.endswith("own: random.")
    assert policies.herding(found) is None
    assert interrupted in page.project_report(told)


def failing(name: str) -> Evidence:
    told = held()
    for each in told["thresholds"]:
        each["held"] = each["name"] != name
    return read_evidence(told)


@pytest.mark.parametrize(
    ("name", "met"),
    [
        ("none", [True, True, True]),
        ("overload_ws", [False, True, True]),
        ("recomputed_kw", [False, True, True]),
        ("max_mean", [True, False, True]),
        ("every request ended", [True, True, False]),
    ],
)
def test_a_goal_is_met_only_when_its_thresholds_passed(name: str, met: list[bool]) -> None:
    evidence = failing(name)
    assert [each.met for each in conclusion.goals(evidence)] == met
    assert ("met every goal" in conclusion.closing(evidence)) == all(met)


def test_a_goal_without_a_judged_threshold_is_not_called_met() -> None:
    told = held()
    told["thresholds"] = [
        {"name": "max_mean", "value": "2", "limit": "<= 1.05", "held": False, "judged": False}
    ]
    evidence = read_evidence(told)
    assert [each.met for each in conclusion.goals(evidence)] == [None, None, None]
    assert "Not judged" in conclusion.closing(evidence)


def test_the_summary_says_when_the_load_generator_did_not_keep_up() -> None:
    assert any("did not keep up" in each for each in conclusion.summary(read_evidence(documents.full())))
    assert not any("did not keep up" in each for each in conclusion.summary(read_evidence(held())))


def test_every_threshold_has_a_meaning_in_plain_words() -> None:
    checks = [each.name for each in verdict.judge(conclude(perfect()), ())]
    assert checks
    for name in (*FIGURES, *checks):
        found = meanings.explain(Threshold(name, "1", "<= 2", passed=True))
        assert found.meaning.title != name
        assert found.meaning.sentence.endswith(".")
        assert found.limit.startswith("at most 2")


@pytest.mark.parametrize(
    ("name", "value", "limit", "words"),
    [
        ("p99_ms", "163.1", "<= 250", ("163.1 ms", "at most 250 ms")),
        ("admitted", "3", ">= 4", ("3", "at least 4")),
        ("overload_ws", "not measured", "<= 0", ("not measured", "at most 0 W·s")),
        ("every request ended", "4 sent, 4 ended", "4 and 4", ("4 sent, 4 ended", "4 of each")),
        ("of another version", "1", "odd", ("1", "odd")),
    ],
)
def test_values_and_limits_have_words_and_units(
    name: str, value: str, limit: str, words: tuple[str, str]
) -> None:
    found = meanings.explain(Threshold(name, value, limit, passed=True))
    assert (found.value, found.limit) == words
