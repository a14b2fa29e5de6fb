"""Runs are grouped by repeats, and figures that a document lacks are shown as not measured."""

import copy
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.compare import merits
from loadtest.compare.groups import ComparedRun, Comparison, compare, grouped
from loadtest.compare.noise import Finding
from loadtest.judge import balance
from tests.support import template

ROOT = Path(__file__).parents[2]


def document(ratio: float | None = 1.01, **run: Any) -> dict[str, Any]:
    """A run as its document tells it: two substations of 100 kW, four samples, two answers and a request without one."""
    loads = [(10, 10), (40, 60), (50, 50), (60, 40)]
    station = {"counted": {"overload_admission_ws": 0.0, "overload_derating_ws": 2.0}}
    return {
        "run": {"policy": "least_loaded", "requests": 500, "seconds": 60.0, "seed": 1} | run,
        "window_unix_s": [100.0, 104.0],
        "result": {
            "balance_ratio": ratio,
            "refused": 0,
            "response_ms": {"p50": 8.0},
            "stations": [station, station],
        },
        "samples": [
            {"at_unix_s": 100.0 + n, "load_kw": {"a": a, "b": b}, "capacity_kw": {"a": 100, "b": 100}}
            for n, (a, b) in enumerate(loads)
        ],
        "requests": [
            {"status": 201, "intended_unix_s": 100, "sent_unix_s": 100.5, "answered_unix_s": 101},
            {"status": 503, "intended_unix_s": 100, "sent_unix_s": 100, "answered_unix_s": 100.25},
            {"status": None, "intended_unix_s": 101, "sent_unix_s": 101, "answered_unix_s": 102},
        ],
    }


def runs(*documents: dict[str, Any], label: str = "") -> list[ComparedRun]:
    return [ComparedRun(f"run-{index}", label, each) for index, each in enumerate(documents)]


def names(given_runs: list[ComparedRun]) -> list[tuple[str, int]]:
    return [(group.name, len(group.runs)) for group in grouped(given_runs)]


def cells(comparison: Comparison, name: str) -> Any:
    return next(row for merit, row in comparison.rows if merit.name == name)


def test_repeats_have_the_same_policy_and_plan_whatever_their_order() -> None:
    one, other = document(policy="least_loaded"), document(policy="random")
    assert names(runs(one, other, one, other, one)) == [("least_loaded", 3), ("random", 2)]


def test_another_plan_is_another_group_and_named_after_what_is_different() -> None:
    assert names(runs(document(), document(requests=700))) == [("500 requests", 1), ("700 requests", 1)]
    assert names(runs(document(preset="spike"), document(preset="flood", seconds=30))) == [
        ("spike, 60 seconds", 1),
        ("flood, 30 seconds", 1),
    ]


def test_a_label_makes_a_group_of_what_it_is_given_to() -> None:
    one = document()
    before, after = runs(one, document(requests=700), label="before"), runs(one, label="after")
    assert names([*before, *after]) == [("before", 2), ("after", 1)]
    assert names(runs(document(label="x"), document(label="y"))) == [("x", 1), ("y", 1)]


def test_other_seeds_are_repeats_but_it_is_said_that_the_plans_differ() -> None:
    comparison = compare(runs(document(seed=1), document(seed=2), document(policy="random")))
    assert [len(group.runs) for group in comparison.groups] == [2, 1]
    assert comparison.notes == ["the plans differ: seeds 1, 2; a difference may be one of the arrivals"]
    other = compare(runs(document(plan_sha256="aa"), document(plan_sha256="bb", policy="random")))
    assert "the plans differ, with one seed" in other.notes[0]


def test_repeats_alone_are_told_to_have_nothing_beside_them() -> None:
    (note,) = compare(runs(document(), document())).notes
    assert "nothing to compare them with" in note


def broken(**run: Any) -> dict[str, Any]:
    told = document(1.4, **run)
    return told | {"thresholds": [{"name": "max_mean", "value": "1.4", "limit": "<= 1.05", "held": False}]}


def test_a_passed_and_a_failed_run_are_compared_one_by_one_and_not_averaged() -> None:
    comparison = compare(runs(document(1.01), broken()), one_by_one=True)
    assert [group.name for group in comparison.groups] == ["run-0", "run-1"]
    assert [cell.median for cell in cells(comparison, "max/mean utilization")] == [1.01, 1.4]
    assert comparison.notes[0].startswith(
        "these runs have the same plan and policy: they are shown one by one"
    )
    assert "run-1: thresholds failed: max_mean" in comparison.notes
    assert not any("--" in note for note in comparison.notes)


def test_repeats_under_several_policies_stay_groups_and_the_broken_ones_are_named() -> None:
    comparison = compare(runs(document(), broken(), document(policy="random")), one_by_one=True)
    assert [len(group.runs) for group in comparison.groups] == [2, 1]
    assert comparison.notes == ["run-1: thresholds failed: max_mean"]


def changed(**run: Any) -> dict[str, Any]:
    told = document(**run)
    told["result"]["changes"] = [{"at_unix_s": 102.0, "what": "drained", "target": "a", "planned": False}]
    return told


def test_a_run_that_was_changed_or_stopped_is_no_repeat_of_another() -> None:
    stopped = document()
    stopped["result"]["interrupted"] = True
    assert names(runs(document(), changed(), changed(), stopped, document())) == [
        ("least_loaded", 2),
        ("least_loaded, conditions changed (2)", 1),
        ("least_loaded, conditions changed (3)", 1),
        ("least_loaded, stopped early", 1),
    ]
    planned = changed()
    planned["result"]["changes"][0]["planned"] = True
    assert names(runs(document(), planned)) == [("least_loaded", 2)]
    note = compare(runs(document(), changed())).notes[0]
    assert note == "run-1: the conditions were changed during it: a drained after 2 s"


def test_a_run_of_two_policies_is_a_group_of_its_own() -> None:
    mixed = document(policy="mixed: least_loaded, random")
    assert names(runs(document(), mixed, document())) == [
        ("least_loaded", 2),
        ("mixed: least_loaded, random", 1),
    ]


def test_what_disturbed_a_run_is_said() -> None:
    disturbed = document(policy="random")
    disturbed["result"] |= {"interrupted": True, "generator": {"verdict": "saturated", "why": "busy loop"}}
    assert compare(runs(document(), disturbed)).notes == [
        "run-1: it was interrupted: its figures are of what was sent until then",
        "run-1: the load generator was the bottleneck: busy loop",
    ]


def test_medians_differences_and_verdicts_are_those_of_the_repeats() -> None:
    first = [document(1 + n / 1000) for n in range(5)]
    second = [document(1.1 + n / 1000, policy="random") for n in range(4)]
    base, other = cells(compare(runs(*first, *second)), "max/mean utilization")
    assert base.median == 1.002
    assert base.assessment is None
    assert other.median == pytest.approx(1.1015)
    assert other.delta == pytest.approx(0.0995)
    assert other.share == pytest.approx(0.0995 / 1.002)
    assert other.assessment.finding is Finding.DIFFERS
    _, same = cells(compare(runs(*first, *second)), "refused")
    assert (same.delta, same.share, same.assessment.finding) == (0, None, Finding.WITHIN_NOISE)


def test_what_one_group_lacks_is_not_measured_and_what_all_lack_is_left_out() -> None:
    comparison = compare(runs(document(None), document(1.02, policy="random")))
    _, other = cells(comparison, "max/mean utilization")
    assert str(other.assessment) == "can't tell: not measured"
    assert "imbalance against the oracle" not in [merit.name for merit, _ in comparison.rows]


def test_what_an_older_document_lacks_is_computed_from_its_samples() -> None:
    run = document()
    by_name = {merit.name: merit.read(run) for merit in merits.merits()}
    assert by_name["Jain's index"] == pytest.approx((100**2 / (2 * 5200) + 1) / 2)
    assert by_name["range of utilization"] == pytest.approx((0.2 + 0) / 2)
    assert by_name["overload"] == 4
    assert merits.BUSY_SHARE == balance.BUSY_SHARE
    run["result"] |= {"jain": 0.5, "range": 0.25}
    by_name = {merit.name: merit.read(run) for merit in merits.merits()}
    assert (by_name["Jain's index"], by_name["range of utilization"]) == (0.5, 0.25)


@given(st.lists(st.sampled_from([0.0, 1.0, 1.01, 1.5]), min_size=1, max_size=8))
def test_a_group_compared_with_its_own_copy_never_differs(ratios: list[float]) -> None:
    documents = [document(ratio) for ratio in ratios]
    comparison = compare([*runs(*documents, label="a"), *runs(*copy.deepcopy(documents), label="b")])
    for _, (_, cell) in comparison.rows:
        assert cell.delta == 0
        assert cell.assessment is not None
        assert cell.assessment.finding is not Finding.DIFFERS


PARTS = [
    ("run",),
    ("samples",),
    ("requests",),
    ("window_unix_s",),
    ("result", "stations"),
    ("result", "response_ms"),
]


@given(st.lists(st.sampled_from(PARTS), max_size=6), st.booleans())
def test_whatever_is_absent_or_null_a_comparison_is_made(lacking: list[tuple[str, ...]], null: bool) -> None:
    run = document()
    for *outer, name in lacking:
        place = run[outer[0]] if outer else run
        if null:
            place[name] = None
        else:
            place.pop(name, None)
    assert compare(runs(run, document(policy="random"))).groups


def cli(*arguments: str) -> subprocess.CompletedProcess[str]:
    return template.run(
        [sys.executable, "-m", "loadtest", "compare", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def left(folder: Path, **run: Any) -> Path:
    folder.mkdir(parents=True)
    file = folder / "result.json"
    file.write_text(json.dumps(document(**run)), encoding="utf-8")
    return file


def test_runs_are_found_by_file_by_folder_and_by_id(tmp_path: Path) -> None:
    file = left(tmp_path / "runs" / "one")
    folder = left(tmp_path / "runs" / "two", policy="random").parent
    left(tmp_path / "runs" / "three", policy="round_robin")
    ended = cli(str(file), str(folder), "three", "--runs-dir", str(tmp_path / "runs"))
    assert ended.returncode == 0, ended.stderr
    for name in ("one", "two", "three"):
        assert f"1 run: {name}" in ended.stdout
    assert ended.stdout.count("can't tell: one run only") > 4


def test_runs_that_share_everything_are_told_apart_by_labels(tmp_path: Path) -> None:
    file = str(left(tmp_path / "one"))
    ended = cli("--label", "before", file, file, "--label", "after", file, file)
    assert "before: 2 runs: one, one" in ended.stdout
    assert "2 runs, 4 needed" in ended.stdout


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "is neither a file nor a run in"),
        ("{", "can't be read"),
        ("[1]", "this is not the document of a run"),
        ('{"result": 1}', "this is not the document of a run"),
        (
            '{"schema": "smartgrid-loadtest/2", "result": {}}',
            "the schema 'smartgrid-loadtest/2' is not known",
        ),
    ],
)
def test_what_is_not_a_run_is_named_and_ends_with_2(tmp_path: Path, text: str | None, said: str) -> None:
    file = tmp_path / "x.json"
    if text is not None:
        file.write_text(text, encoding="utf-8")
    ended = cli(str(file), str(file))
    assert ended.returncode == 2
    assert said in ended.stderr
    assert str(file) in ended.stderr
    assert "Traceback" not in ended.stderr


def test_one_run_is_not_enough(tmp_path: Path) -> None:
    ended = cli(str(left(tmp_path / "one")))
    assert ended.returncode == 2
    assert "two runs or more" in ended.stderr
