"""A run put together from its lines."""

import json
import signal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from admin_ui.rush.progress import Phase, RunSoFar

STARTED = {
    "kind": "started",
    "at_unix_s": 100.0,
    "schema": "smartgrid-progress/1",
    "run_id": "r-1",
    "preset": "rush-hour",
    "seed": 7,
    "requests": 40,
    "seconds": 4.0,
    "gateway_url": "http://g",
    "balancer_url": "http://b",
    "pid": 9,
}
PROGRESS = {
    "kind": "progress",
    "at_unix_s": 101.0,
    "elapsed_s": 1.0,
    "seconds": 4.0,
    "planned": 40,
    "sent": 10,
    "admitted": 8,
    "refused": 1,
    "failed": 0,
    "rate_per_s": 10.0,
    "p50_ms": 5.0,
    "p95_ms": 9.0,
    "p99_ms": 9.9,
    "substations": [],
}
ENDED = {
    "kind": "ended",
    "at_unix_s": 105.0,
    "run_id": "r-1",
    "verdict": "held",
    "exit_code": 0,
    "why": "",
    "folder": "f",
    "paths": {},
}

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)
KINDS = st.sampled_from(("started", "settling", "progress", "ending"))


def run(*lines: dict[str, Any]) -> RunSoFar:
    made = RunSoFar({"preset": "rush-hour", "seed": 7, "requests": None, "seconds": None}, "ann", 99.96)
    for line in lines:
        made.take(json.dumps(line).encode() + b"\n")
    return made


def test_what_was_asked_for_is_shown_before_the_first_line() -> None:
    shown = run().shown()
    assert (shown["phase"], shown["preset"], shown["seed"], shown["by"]) == (
        "starting",
        "rush-hour",
        7,
        "ann",
    )
    assert (shown["run_id"], shown["sent"], shown["eta_s"], shown["started_unix_s"]) == (
        None,
        None,
        None,
        100.0,
    )


def test_what_the_preset_says_is_shown_once_the_run_tells_it() -> None:
    shown = run(STARTED).shown()
    assert (shown["run_id"], shown["requests"], shown["seconds"], shown["phase"]) == (
        "r-1",
        40,
        4.0,
        "starting",
    )


def test_what_is_waited_for_is_shown_until_the_sending_begins() -> None:
    waiting = {"kind": "settling", "at_unix_s": 1.0, "text": "substation-1 at 40 %"}
    assert run(STARTED, waiting).shown()["text"] == "substation-1 at 40 %"
    assert run(STARTED, waiting, PROGRESS).shown()["text"] == ""


def test_progress_has_the_share_and_the_time_left() -> None:
    shown = run(STARTED, PROGRESS).shown()
    assert (shown["phase"], shown["done"], shown["eta_s"]) == ("running", 0.25, 3.0)
    assert (shown["sent"], shown["admitted"], shown["refused"], shown["p99_ms"]) == (10, 8, 1, 9.9)
    assert "substations" not in shown


@pytest.mark.parametrize("late", [{"elapsed_s": 4.2}, {"sent": 40}])
def test_after_the_window_or_the_last_request_the_answers_are_awaited(late: dict[str, Any]) -> None:
    shown = run(STARTED, PROGRESS | late).shown()
    assert shown["phase"] == "finishing"
    assert shown["eta_s"] >= 0


def test_the_last_line_has_the_verdict_and_the_figures_stay() -> None:
    made = run(STARTED, PROGRESS, ENDED)
    assert not made.over  # its process has not ended: the next one may not begin
    made.end(0, "")
    shown = made.shown()
    assert (shown["phase"], shown["verdict"], shown["sent"], shown["eta_s"]) == ("ended", "held", 10, None)
    assert made.over


def test_a_run_that_was_killed_is_failed_and_says_its_last_words() -> None:
    made = run(STARTED, PROGRESS)
    made.end(-signal.SIGKILL, "Traceback\nMemoryError\n")
    shown = made.shown()
    assert (shown["phase"], shown["verdict"]) == ("failed", None)
    assert "SIGKILL" in shown["why"]
    assert "MemoryError" in shown["why"]


def test_options_that_are_not_taken_are_told_without_the_usage() -> None:
    made = run()
    made.end(2, "usage: python -m loadtest ...\npython -m loadtest: error: --seed is odd\n")
    assert made.shown()["why"] == "--seed is odd"


def test_a_run_that_is_stopped_before_it_listens_was_not_killed_by_somebody_else() -> None:
    made = run(STARTED)
    made.stopped_by = "ann"
    made.end(-signal.SIGTERM, "")
    assert (made.phase, made.verdict) == (Phase.ENDED, "interrupted")


@pytest.mark.parametrize(
    "line", [b"", b"nonsense\n", b"[]\n", b"7\n", b'{"kind": "new", "x": 1}\n', b'{"x": 1}\n']
)
def test_a_line_that_can_not_be_read_changes_nothing(line: bytes) -> None:
    made = run(STARTED, PROGRESS)
    before = made.shown()
    made.take(line)
    assert made.shown() == before


def test_words_of_any_length_are_bounded() -> None:
    made = run(STARTED)
    made.end(1, "x" * 100_000)
    assert len(made.shown()["why"]) < 1200


def test_what_a_stop_has_taken_off_the_grid_is_shown() -> None:
    assert run(STARTED, PROGRESS).shown()["taken_off"] is None
    ending = {
        "kind": "ending",
        "at_unix_s": 102.0,
        "sessions": 8,
        "ended": 5,
        "over": 1,
        "remaining": 2,
        "unknown": 0,
        "text": "ended by the stop: 5 of 8 sessions",
    }
    shown = run(STARTED, PROGRESS, ending).shown()
    assert shown["taken_off"] == {
        name: value for name, value in ending.items() if name not in {"kind", "at_unix_s"}
    }
    assert shown["phase"] == "running"


@given(st.dictionaries(st.sampled_from((*STARTED, *PROGRESS, *ENDED, "text", "sessions")), ANYTHING), KINDS)
def test_no_line_ends_the_reading_or_makes_the_run_unreadable(told: dict[str, Any], kind: str) -> None:
    so_far = run(STARTED, PROGRESS, told | {"kind": kind}, {"kind": kind})
    so_far.take(b"[" * 100_000)
    json.dumps(so_far.shown(), allow_nan=False)
    so_far.take(json.dumps(ENDED).encode())
    so_far.end(0, "")
    assert so_far.shown()["verdict"] == "held"


@pytest.mark.parametrize("lacks", ["seconds", "elapsed_s", "sent", "planned"])
def test_a_line_that_lacks_something_changes_nothing(lacks: str) -> None:
    short = {name: value for name, value in PROGRESS.items() if name != lacks} | {"admitted": 9}
    assert run(STARTED, PROGRESS, short).shown() == run(STARTED, PROGRESS).shown()
