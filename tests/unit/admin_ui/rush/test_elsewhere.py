"""A run from elsewhere is followed by the lines that it writes into its folder."""

from pathlib import Path

import pytest

from admin_ui.rush.elsewhere import RunElsewhere
from admin_ui.rush.progress import Phase
from admin_ui.rush.runs_folder import RunsFolder
from loadtest.contract import PROGRESS_FILE
from loadtest.events import (
    JudgingEvent,
    LiveThreshold,
    ProgressEvent,
    StartEvent,
    SubstationLoad,
    write_event,
)

RUN = "20261201T120000Z-rush-hour-1-0a1b"


def progress(elapsed_s: float) -> str:
    load = SubstationLoad("substation-1", 10.0 * elapsed_s, 100.0)
    sent = int(elapsed_s)
    return write_event(
        ProgressEvent(elapsed_s, 60.0, 500, sent, sent, 0, 0, 1.0, 2.0, 3.0, 4.0, (load,)), 1.0
    )


def write(root: Path, text: str) -> None:
    (root / RUN).mkdir(exist_ok=True)
    with (root / RUN / PROGRESS_FILE).open("a", encoding="utf-8") as file:
        file.write(text)


@pytest.mark.gen_test
async def test_a_run_s_lines_are_read_as_they_come_also_half_of_one(tmp_path: Path) -> None:
    found = RunElsewhere(RunsFolder(tmp_path))
    assert found.look_for(RUN) is None
    await found.read()
    assert found.look_for(RUN) is None  # its folder is not here
    start = StartEvent("smartgrid-progress/1", RUN, "rush-hour", 1, 500, 60.0, "x", "y", 7)
    line = progress(2)
    write(tmp_path, write_event(start, 1.0) + progress(1) + line[:20])
    await found.read()
    run = found.look_for(RUN)
    assert run
    assert (run.phase, run.shown()["sent"], run.shown()["load_kw"]) == (Phase.RUNNING, 1, 10.0)
    judged = (LiveThreshold("p95", "p95", "3 ms", "at most 250 ms", "passing"),)
    write(tmp_path, line[20:] + write_event(JudgingEvent(judged, ()), 1.0))
    await found.read()
    assert (run.shown()["sent"], run.shown()["thresholds"][0]["state"]) == (2, "passing")
    assert [point[0] for point in run.curve.shown()["points"]] == [1, 2]


@pytest.mark.gen_test
async def test_the_next_run_is_read_from_its_beginning_and_none_when_none_holds_the_lease(
    tmp_path: Path,
) -> None:
    found = RunElsewhere(RunsFolder(tmp_path))
    write(tmp_path, progress(1))
    found.look_for(RUN)
    await found.read()
    assert found.run
    assert found.look_for(None) is None
    await found.read()
    assert found.look_for(RUN) is None  # until it is read again
    await found.read()
    run = found.look_for(RUN)
    assert run is not None
    assert len(run.curve.shown()["points"]) == 1
