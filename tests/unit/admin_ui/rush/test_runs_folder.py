"""The folder of runs as a list."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from admin_ui.rush.runs_folder import RunsFolder, head
from loadtest.contract import Verdict
from loadtest.events import EndEvent, write_event
from runtime.strict_json import encode

OLD, NEW = "20261122T170358Z-rush-hour-1-9c41", "20261122T180000Z-hot-spot-12-0000"
RESULT = {
    "schema": "smartgrid-loadtest/1",
    "run": {"policy": "least_loaded", "requests": 40, "seconds": 4.0},
    "window_unix_s": [10.0, 14.02],
    "result": {
        "balance_ratio": 1.02,
        "response_ms": {"p95": 12.5},
        "refused": 3,
        "sent": 40,
        "stations": [{"requests": 1}],
    },
    "thresholds": [{"name": "refused requests", "value": "3", "limit": "<= 0", "held": False}],
    "requests": [{"index": n} for n in range(3)],
    "samples": [],
}
NAMES = (
    "kind",
    "verdict",
    "why",
    "run",
    "result",
    "window_unix_s",
    "thresholds",
    "policy",
    "requests",
    "seconds",
    "balance_ratio",
    "fleet_peak_utilization",
    "response_ms",
    "p95",
    "sent",
    "generator",
    "changes",
    "at_unix_s",
)
ENDED = json.loads(write_event(EndEvent("run", Verdict.THRESHOLD_FAILED, 1, "", None, {}), 1.0))


def leave(root: Path, run_id: str, result: Any = RESULT, last: Any = ENDED) -> Path:
    folder = root / run_id
    folder.mkdir(parents=True, exist_ok=True)
    if result is not None:
        (folder / "result.json").write_text(json.dumps(result, indent=1))
    (folder / "progress.jsonl").write_text('{"kind": "started"}\n' + json.dumps(last) + "\n")
    return folder


def test_a_folder_that_is_not_there_has_no_runs(tmp_path: Path) -> None:
    assert RunsFolder(tmp_path / "none").listed() == []


def test_the_newest_run_is_first_with_its_figures(tmp_path: Path) -> None:
    leave(tmp_path, OLD)
    leave(tmp_path, NEW)
    (tmp_path / "notes").mkdir()
    newest, oldest = RunsFolder(tmp_path).listed()
    assert (newest["run_id"], newest["preset"], newest["seed"]) == (NEW, "hot-spot", 12)
    assert oldest["at_unix_s"] == 1795367038.0
    assert {
        name: oldest[name]
        for name in ("verdict", "policy", "balance_ratio", "p95_ms", "refused", "duration_s")
    } == {
        "verdict": "broken",
        "policy": "least_loaded",
        "balance_ratio": 1.02,
        "p95_ms": 12.5,
        "refused": 3,
        "duration_s": 4.0,
    }
    assert oldest["thresholds"] == RESULT["thresholds"]
    assert oldest["files"] == ["result.json", "progress.jsonl"]


def test_what_was_changed_during_a_run_is_listed_with_its_moment(tmp_path: Path) -> None:
    drained = {
        "at_unix_s": 12.25,
        "what": "drained",
        "target": "substation-2",
        "before": None,
        "after": None,
        "planned": False,
    }
    for run_id, changes in ((OLD, [drained, None, {"what": "drained"}]), (NEW, "nonsense")):
        leave(tmp_path, run_id, RESULT | {"result": {"changes": changes}})
    newest, oldest = RunsFolder(tmp_path).listed()
    assert newest["changes"] == []
    del drained["at_unix_s"]
    assert oldest["changes"] == [drained | {"at_s": 2.2}]


def test_a_run_without_an_end_or_a_result_is_listed_without_figures(tmp_path: Path) -> None:
    leave(tmp_path, OLD, result=None, last={"kind": "progress", "sent": 3})
    (found,) = RunsFolder(tmp_path).listed()
    assert (found["verdict"], found["balance_ratio"], found["thresholds"]) == ("no end", None, [])


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=6),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(NAMES), ANYTHING), ANYTHING)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_file_of_a_run_takes_the_others_off_the_list(tmp_path: Path, result: Any, last: Any) -> None:
    leave(tmp_path, NEW)
    leave(tmp_path, OLD, result, last)
    newest, oldest = RunsFolder(tmp_path).listed()
    assert newest["verdict"] == "broken"
    assert json.loads(encode(oldest)) == oldest, "a browser can read it"
    assert isinstance(oldest["verdict"], str)


@pytest.mark.parametrize("text", ["[" * 100_000, '{"kind": "ended"}', "\xff", "", "null"])
def test_a_file_that_is_no_document_is_a_run_without_figures(tmp_path: Path, text: str) -> None:
    folder = leave(tmp_path, OLD)
    for name in ("result.json", "progress.jsonl"):
        (folder / name).write_bytes(text.encode("latin-1"))
    (found,) = RunsFolder(tmp_path).listed()
    assert (found["verdict"], found["p95_ms"]) == ("no end", None)


@pytest.mark.parametrize("result", [[], {}, {"run": 3, "result": [], "window_unix_s": 4, "thresholds": None}])
def test_a_result_of_another_shape_is_listed_without_figures(tmp_path: Path, result: Any) -> None:
    leave(tmp_path, OLD, result)
    (found,) = RunsFolder(tmp_path).listed()
    assert (found["p95_ms"], found["duration_s"]) == (None, None)


def test_a_run_that_ends_is_read_anew(tmp_path: Path) -> None:
    runs = RunsFolder(tmp_path)
    folder = leave(tmp_path, OLD, result=None, last={"kind": "progress"})
    assert runs.listed()[0]["verdict"] == "no end"
    (folder / "progress.jsonl").write_text(json.dumps(ENDED) + "\n")
    os.utime(folder / "progress.jsonl", (1, 1))
    assert runs.listed()[0]["verdict"] == "broken"


def test_of_a_result_only_what_is_before_the_requests_is_read(tmp_path: Path) -> None:
    folder = leave(tmp_path, OLD)
    whole = (folder / "result.json").read_text()
    (folder / "result.json").write_text(whole[: whole.index('\n "requests":')] + '\n "requests": [ broken')
    found = head(folder / "result.json")
    assert found
    assert found["result"] == RESULT["result"]
    (folder / "result.json").write_text(json.dumps(RESULT))  # written in another way: read whole
    assert head(folder / "result.json") == RESULT


@pytest.mark.parametrize(
    ("run_id", "name"),
    [
        ("..", "secret"),
        (".", "result.json"),
        (OLD, "../../secret"),
        (OLD, "secret"),
        (OLD, ".hidden"),
        ("", "secret"),
        (OLD + "/..", "result.json"),
        ("20261122T170358Z-x-1-ffff", "report.html"),
        (OLD, "samples.csv"),
    ],
)
def test_nothing_but_the_files_of_a_run_is_given(tmp_path: Path, run_id: str, name: str) -> None:
    root = tmp_path / "runs"
    folder = leave(root, OLD)
    for path in (tmp_path / "secret", folder / "secret", folder / ".hidden"):
        path.write_text("secret")
    (folder / "samples.csv").symlink_to(tmp_path / "secret")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "report.html").write_text("secret")
    (root / "20261122T170358Z-x-1-ffff").symlink_to(elsewhere)
    runs = RunsFolder(root)
    assert runs.file(run_id, name) is None
    assert runs.file(OLD, "result.json") == folder / "result.json"
    assert [row["run_id"] for row in runs.listed()] == [OLD]
