"""The runs folder: ids, whole files, what is kept and what is listed."""

import datetime as dt
import json
import os
import sys
from pathlib import Path

import pytest

from loadtest.contract import (
    NO_END,
    PROGRESS_FILE,
    RESULT_FILE,
    RUN_ID,
    Verdict,
)
from loadtest.events import EndEvent, write_event
from loadtest.report import runs
from tests.support import template

ROOT = Path(__file__).parents[3]
AT = dt.datetime(2026, 11, 22, 17, 3, 58, tzinfo=dt.UTC)


def folder(root: Path, number: int, *lines: object) -> Path:
    at = AT + dt.timedelta(seconds=number)
    made = runs.make(root, runs.run_id(at, "rush-hour", 1, number))
    (made / PROGRESS_FILE).write_text("".join(json.dumps(line) + "\n" for line in lines))
    return made


def test_an_id_says_when_what_and_which() -> None:
    made = runs.run_id(AT, "rush-hour", 7, 0x9C41)
    assert made == "20261122T170358Z-rush-hour-7-9c41"
    assert RUN_ID.fullmatch(made)


def test_a_run_never_gets_the_folder_of_another(tmp_path: Path) -> None:
    folder(tmp_path, 1)
    with pytest.raises(runs.NotWritten):
        folder(tmp_path, 1)


def test_a_result_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / RESULT_FILE
    runs.write(path, "first")
    with path.open() as reader:
        runs.write(path, "whole")
        assert reader.read() == "first"  # nobody sees a file that changes
    assert [each.name for each in tmp_path.iterdir()] == [RESULT_FILE]
    with pytest.raises(runs.NotWritten):
        runs.write(tmp_path / "nowhere" / RESULT_FILE, "x")
    with pytest.raises(runs.NotWritten):
        runs.write(path, "half\ud800")  # can't be encoded
    assert path.read_text() == "whole"
    assert [each.name for each in tmp_path.iterdir()] == [RESULT_FILE]


def test_the_oldest_runs_go_and_nothing_else(tmp_path: Path) -> None:
    made = [folder(tmp_path, number) for number in range(5)]
    other = tmp_path / "20261122T170358Z-mine"
    other.mkdir()
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").touch()
    link = tmp_path / runs.run_id(AT - dt.timedelta(days=1), "rush-hour", 1, 0)
    link.symlink_to(outside)
    runs.prune(tmp_path, keep=2)
    assert [each.exists() for each in made] == [False, False, False, True, True]
    assert other.exists()
    assert (outside / "kept").exists()
    assert link.is_symlink()
    runs.prune(tmp_path / "nowhere")


def ended(verdict: Verdict) -> dict[str, object]:
    event = EndEvent("run", verdict, 1, "", None, {})
    fields: dict[str, object] = json.loads(write_event(event, 1.0))
    return fields


@pytest.mark.parametrize(
    ("verdict", "word"),
    [(Verdict.PASSED, "passed"), (Verdict.THRESHOLD_FAILED, "failed"), (Verdict.ERROR, "error")],
)
def test_the_newest_run_is_listed_first_with_how_it_ended(
    tmp_path: Path, verdict: Verdict, word: str
) -> None:
    folder(tmp_path, 1, {"kind": "started"}, ended(verdict))
    folder(tmp_path, 2, {"kind": "started"}, {"kind": "progress"})  # killed
    folder(tmp_path, 3)
    (folder(tmp_path, 4) / PROGRESS_FILE).write_bytes(b'{"kind": "ended", "verd')
    (folder(tmp_path, 5) / PROGRESS_FILE).unlink()
    (tmp_path / "20269999T999999Z-rush-hour-1-0000").mkdir()  # no such day
    found = runs.list_runs(tmp_path)
    assert [run.verdict for run in found] == [*[NO_END] * 4, word]
    assert (found[-1].preset, found[-1].seed, found[-1].at) == ("rush-hour", 1, AT + dt.timedelta(seconds=1))


def test_the_command_prints_the_table(tmp_path: Path) -> None:
    made = folder(tmp_path / "runs", 1, ended(Verdict.LEASE_LOST))
    listed = template.run(
        [sys.executable, "-m", "loadtest", "runs"],
        cwd=ROOT,
        env={**os.environ, "RUNS_DIR": str(tmp_path / "runs")},
        capture_output=True,
        text=True,
        check=True,
    )
    (line,) = [line for line in listed.stdout.splitlines() if made.name in line]
    assert line.split() == [made.name, "rush-hour", "1", "2026-11-22", "17:03:59", "lease", "lost"]
