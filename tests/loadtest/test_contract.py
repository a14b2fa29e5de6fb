"""The contract with the console: every line that a run writes is read back by the console, and nothing is retyped."""

import asyncio
import dataclasses
import json
import re
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from admin_ui.rush.progress import FIGURES, Phase, RunProgress
from admin_ui.rush.runs_folder import RunsFolder
from loadtest import contract, events
from loadtest.contract import Verdict
from loadtest.events import (
    EVENTS,
    Event,
    EventKind,
    read_event,
    write_event,
)
from loadtest.plan.presets import PRESETS
from tests.loadtest.fake import ROOT, FakeGrid, FakeStation, ended, start, two
from tests.support import template

ENVELOPE = {"kind", "at_unix_s"}
FINITE = st.floats(allow_nan=False, allow_infinity=False)
COUNT = st.integers(0, 2**53)
VALUES: dict[Any, st.SearchStrategy[Any]] = {
    str: st.text(),
    str | None: st.none() | st.text(),
    int: COUNT,
    int | None: st.none() | COUNT,
    float: FINITE,
    float | None: st.none() | FINITE,
}
VALUES |= {
    each.type: st.tuples(st.builds(events.SubstationLoad, st.text(), FINITE, FINITE))
    for each in dataclasses.fields(events.ProgressEvent)
    if each.name == "substations"
}
VALUES |= {
    each.type: st.tuples(
        st.builds(events.LiveThreshold, st.text(), st.text(), st.text(), st.text(), st.text())
        if each.name == "thresholds"
        else st.builds(events.LiveChange, FINITE, st.text(), st.text(), st.booleans())
    )
    for each in dataclasses.fields(events.JudgingEvent)
}
VALUES |= {
    each.type: st.dictionaries(st.text(), st.text())
    for each in dataclasses.fields(events.EndEvent)
    if each.name == "paths"
}


def any_event() -> st.SearchStrategy[Event]:
    kinds: list[st.SearchStrategy[Event]] = [
        st.builds(kind, **{each.name: VALUES[each.type] for each in dataclasses.fields(kind)})
        for kind in EVENTS.values()
    ]
    return st.one_of(kinds)


@given(any_event())
def test_every_event_is_read_back_as_it_was_written(event: Event) -> None:
    line = write_event(event, 1.5)
    assert line.endswith("\n")
    assert line.count("\n") == 1
    assert read_event(line) == read_event(line.encode()) == event
    assert json.loads(line).keys() == ENVELOPE | {each.name for each in dataclasses.fields(event)}


@given(any_event(), st.data())
def test_a_line_without_one_of_its_fields_or_with_another_type_is_unreadable(
    event: Event, data: st.DataObject
) -> None:
    fields = json.loads(write_event(event, 1.5))
    later = {each.name for each in dataclasses.fields(event) if each.default is not dataclasses.MISSING}
    name = data.draw(st.sampled_from(sorted(fields.keys() - {"at_unix_s"} - later)))
    assert read_event(json.dumps({each: fields[each] for each in fields if each != name})) is None
    wrong = data.draw(st.sampled_from([True, [1], float("nan"), 10**400]))
    assert read_event(json.dumps(fields | {name: wrong})) is None


@given(any_event(), st.dictionaries(st.text(min_size=20), st.integers()))
def test_a_field_that_is_added_later_changes_nothing(event: Event, more: dict[str, int]) -> None:
    assert read_event(json.dumps(more | json.loads(write_event(event, 1.5)))) == event


def lines_of(grid: FakeGrid, *options: str, stop: bool = False) -> list[bytes]:
    """Run the load test as the console's child; with `stop` it is stopped after its first request."""

    async def scenario() -> str:
        async with grid.serving():
            process = await start(grid, "--progress", "jsonl", *options)
            if stop:
                await asyncio.wait_for(grid.arrived.wait(), 60)
                process.send_signal(signal.SIGTERM)
            return (await ended(process)).out

    return asyncio.run(scenario()).encode().splitlines(keepends=True)


@pytest.mark.parametrize(
    ("grid", "options", "kinds", "verdict"),
    [
        (two(), ["--fail-if", "max_mean > 2"], {"started", "progress", "judging", "ended"}, Verdict.PASSED),
        (
            two(),
            ["--fail-if", "admitted > 1"],
            {"started", "progress", "judging", "ended"},
            Verdict.THRESHOLD_FAILED,
        ),
        (
            two(),
            ["--requests", "2000", "--seconds", "60", "--end-sessions-on-stop"],
            {"started", "progress", "judging", "ending", "ended"},
            Verdict.INTERRUPTED,
        ),
        (
            FakeGrid([FakeStation("substation-1", load_w=900_000, kept=False)]),
            ["--settle-s", "1"],
            {"started", "settling", "ended"},
            Verdict.NOT_READY,
        ),
    ],
    ids=["passed", "failed", "stopped", "not ready"],
)
def test_every_line_of_a_run_has_the_fields_of_the_contract_and_the_console_reads_it(
    grid: FakeGrid, options: list[str], kinds: set[str], verdict: Verdict, runs_dir: Path
) -> None:
    so_far = RunProgress({"preset": "", "seed": 0, "requests": None, "seconds": None}, "ann", 0.0)
    read: list[Event] = []
    for line in lines_of(grid, *options, stop=verdict is Verdict.INTERRUPTED):
        event = read_event(line)
        assert event, line
        assert json.loads(line).keys() == ENVELOPE | {each.name for each in dataclasses.fields(event)}
        read.append(event)
        so_far.take(line)
        shown = so_far.shown()
        match event:
            case events.StartEvent():
                assert {
                    name: shown[name] for name in ("run_id", "preset", "seed", "requests", "seconds")
                } == {
                    name: getattr(event, name) for name in ("run_id", "preset", "seed", "requests", "seconds")
                }
            case events.SettlingEvent():
                assert (shown["phase"], shown["text"]) == (Phase.SETTLING, event.text)
            case events.ProgressEvent():
                assert {name: shown[name] for name in FIGURES} == {
                    name: getattr(event, name) for name in FIGURES
                }
            case events.JudgingEvent():
                assert {name: shown[name] for name in ("thresholds", "changes")} == dataclasses.asdict(event)
            case events.EndingEvent():
                assert shown["taken_off"] == dataclasses.asdict(event)
            case events.EndEvent():
                assert (shown["verdict"], shown["why"]) == (event.verdict, event.why) == (verdict, event.why)
                assert event.exit_code == contract.EXIT_CODES[verdict]
    assert {event.kind for event in read} == kinds
    if verdict not in contract.NOTHING_SENT:
        (row,) = RunsFolder(runs_dir).listed()
        assert (row["verdict"], row["files"], row["requests"]) == (
            verdict,
            list(contract.FILES),
            so_far.shown()["planned"],
        )


def test_the_kinds_of_events_are_written_in_the_order_of_a_run() -> None:
    assert list(EVENTS) == list(EventKind)


def test_the_presets_are_listed_as_json_with_the_default_one_first_for_the_console() -> None:
    listed = template.run(
        [sys.executable, "-m", "loadtest", *contract.LIST_PRESETS],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    found = contract.read_presets(listed)
    assert found[0].name == contract.DEFAULT_PRESET
    assert sorted(found, key=lambda each: each.name) == sorted(
        (preset.summary() for preset in PRESETS.values()), key=lambda each: each.name
    )
    last_first = contract.presets_json(reversed([preset.summary() for preset in PRESETS.values()]))
    assert contract.read_presets(last_first)[0].name == contract.DEFAULT_PRESET


@pytest.mark.parametrize(
    "text", ["", "rush-hour   500 cars", "[]", '{"presets": [{"name": "x"}]}', "[" * 100_000]
)
def test_a_list_that_can_not_be_read_has_no_presets(text: str) -> None:
    assert contract.read_presets(text) == ()


def test_the_head_of_a_result_is_read_without_its_lists() -> None:
    document = {"schema": "x", "result": {"sent": 1}, "requests": [{"index": 1}], "samples": []}
    text = contract.result_text(document).encode()
    assert contract.read_result_head(text) == {"schema": "x", "result": {"sent": 1}}
    assert contract.read_result_head(text[: text.index(b"index")]) == {"schema": "x", "result": {"sent": 1}}
    assert contract.read_result_head(json.dumps(document).encode()) == document
    assert contract.read_result_head(b"[]") is None


def test_the_pages_know_every_verdict_and_every_phase() -> None:
    scripts = "\n".join(
        path.read_text() for path in (ROOT / "admin_ui" / "static" / "js" / "rush").glob("*.js")
    )
    (verdicts,) = re.findall(r"const VERDICTS = \{\n(.*?)\n\};", scripts, re.DOTALL)
    named = [a or b for a, b in re.findall(r'^  (?:"([^"]+)"|(\w+)): ', verdicts, re.MULTILINE)]
    assert sorted(named) == sorted([*Verdict, contract.NO_END])
    (phases,) = re.findall(r"const phases = \{\n(.*?)\n\s+\};", scripts, re.DOTALL)
    going_on = [each for each in Phase if each not in {Phase.ENDED, Phase.FAILED}]
    assert re.findall(r"^\s+(\w+): ", phases, re.MULTILINE) == going_on
