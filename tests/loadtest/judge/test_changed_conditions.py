"""Changes on the grid during a run are recorded, and figures that they affect don't count against the grid."""

import asyncio
import dataclasses
import functools
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from loadtest import cli, options
from loadtest.contract import Verdict
from loadtest.judge.conditions import Change, ChangeKind, changes, policy_of
from loadtest.judge.result import Result, conclude
from loadtest.judge.thresholds import FIGURES, limit
from loadtest.judge.verdict import judge
from loadtest.paper import page
from loadtest.plan.oracle import Drain
from loadtest.record.readings import FleetSample
from loadtest.run.lifecycle import run
from loadtest.run.measure import RunDisplay
from loadtest.run.outcome import RunOutcome
from loadtest.send.credential import Credential
from loadtest.send.stop import StopSignal
from loadtest.show.progress import Progress
from loadtest.show.screen import NoScreen
from tests.loadtest.fake import FakeGrid, FakeStation, two
from tests.loadtest.runs import IDS, ZERO, changed, perfect

DISTURBED = (Change(102, ChangeKind.DRAINED, IDS[0]),)


@functools.cache
def result_of(happened: tuple[Change, ...]) -> Result:
    """Return the result of a perfect run during which this was changed."""
    return conclude(dataclasses.replace(perfect(), changes=happened))


def sent(grid: FakeGrid, runs_dir: Path, *arguments: str) -> tuple[RunOutcome, dict[str, Any]]:
    """Run 40 cars in a second against a grid in this process; returns how it ended and its document."""

    async def scenario() -> RunOutcome:
        async with grid.serving():
            asked = cli.parser({}).parse_args(
                [
                    "rush-hour",
                    "--gateway",
                    grid.url,
                    "--balancer",
                    grid.url,
                    "--requests",
                    "40",
                    "--seconds",
                    "1",
                    "--runs-dir",
                    str(runs_dir),
                    *arguments,
                ]
            )
            return await run(
                options.run_options(asked),
                Credential(),
                RunDisplay(NoScreen(), Progress(time.time, None), StopSignal()),
            )

    ended = asyncio.run(scenario())
    (path,) = runs_dir.glob("*/result.json")
    return ended, json.loads(path.read_text())


def held(told: dict[str, Any]) -> dict[str, bool]:
    return {each["name"]: each["held"] for each in told["thresholds"]}


def meanwhile(grid: FakeGrid, order: Callable[[], None]) -> FakeGrid:
    """Let somebody give an order once half of the cars have come."""
    admit, orders = grid.answer, [order]

    def answer(grid: FakeGrid, body: dict[str, Any]) -> web.Response:
        if len(grid.sessions) >= 20 and orders:
            orders.pop()()
        return admit(grid, body)

    grid.answer = answer
    return grid


@pytest.fixture(scope="module")
def limit_w(tmp_path_factory: pytest.TempPathFactory) -> int:
    """The limit at which the last car fits only in the room of the first one."""
    roomy = FakeGrid([FakeStation("substation-1", capacity_w=10**9)])
    sent(roomy, tmp_path_factory.mktemp("roomy"))
    first_w = round(1000 * float(of_first_car(roomy)["power_kw"]))
    return roomy.stations[0].load_w - first_w


def with_a_stop(limit_w: int) -> FakeGrid:
    """Return a grid on which somebody stops the session of the first car."""
    grid = FakeGrid([FakeStation("substation-1", capacity_w=limit_w)])
    return meanwhile(grid, lambda: grid.stop(of_first_car(grid)["session_id"]))


def of_first_car(grid: FakeGrid) -> dict[str, Any]:
    """Return the session of the same car in every run of one seed."""
    return min(grid.sessions.values(), key=lambda each: int(each["vehicle_id"].rpartition("-")[2]))


def test_a_session_that_an_operator_stops_is_not_counted_as_load_above_a_limit(
    tmp_path: Path, limit_w: int
) -> None:
    grid = with_a_stop(limit_w)
    ended, told = sent(grid, tmp_path)
    assert grid.stations[0].load_w == grid.stations[0].capacity_w  # the room was used again
    assert ended.verdict is Verdict.PASSED, told["thresholds"]
    assert told["result"]["recomputed_excess_kw"] == 0
    (change,) = told["result"]["changes"]
    assert (change["what"], change["target"], change["after"]) == ("stopped", "substation-1", 1)


def test_a_stop_of_which_the_end_can_not_be_read_is_not_judged(tmp_path: Path, limit_w: int) -> None:
    grid = with_a_stop(limit_w)
    grid.tells_sessions = False
    ended, told = sent(grid, tmp_path)
    assert ended.verdict is Verdict.CHANGED
    assert told["result"]["unread_ends"] == 40
    (judged,) = [each for each in told["thresholds"] if each["name"] == "recomputed_kw"]
    assert (judged["held"], judged["judged"]) == (False, False)


def test_load_above_a_limit_is_broken_also_when_a_session_was_stopped(tmp_path: Path, limit_w: int) -> None:
    ended, told = sent(with_a_stop(limit_w - 1_000), tmp_path)
    assert ended.verdict is Verdict.THRESHOLD_FAILED
    assert told["result"]["recomputed_excess_kw"] == pytest.approx(1)


def test_a_run_whose_policy_was_switched_is_filed_under_both(tmp_path: Path) -> None:
    grid = two()

    def switch() -> None:
        grid.policy = "random"

    _, told = sent(meanwhile(grid, switch), tmp_path)
    assert told["run"]["policy"] == "mixed: least_loaded, random"
    (change,) = told["result"]["changes"]
    assert (change["what"], change["before"], change["after"]) == ("policy", "least_loaded", "random")


def test_balance_leaves_a_drained_substation_out_and_the_report_marks_the_drain(tmp_path: Path) -> None:
    grid = two()

    def drain() -> None:
        grid.stations[1].draining = True
        grid.answer = lambda grid, body: grid.admit(body, grid.stations[0])

    ended, told = sent(meanwhile(grid, drain), tmp_path)
    assert ended.verdict is Verdict.PASSED, told["thresholds"]
    assert [(each["what"], each["target"]) for each in told["result"]["changes"]] == [
        ("drained", "substation-2")
    ]
    assert told["samples"][-1]["draining"] == ["substation-2"]
    (left,) = tmp_path.glob("*/report.html")
    report = left.read_text()
    assert report == page.report(told)  # the same, drawn anew
    assert "PASSED" in report
    assert "substation-2 drained after" in report
    assert 'class="change"' in report


@pytest.mark.parametrize("name", ["overload_ws", "recomputed_kw", "failed", "refused_without_retry_after"])
def test_what_must_hold_always_is_judged_whatever_operators_do(name: str) -> None:
    result = dataclasses.replace(
        result_of(DISTURBED),
        overload_ws=1.0,
        recomputed_excess_kw=1.0,
        failed=1,
        refused_without_retry_after=1,
    )
    (threshold,) = [each for each in judge(result, [limit(f"{name} > 0")]) if each.name == name]
    assert threshold.failed


@pytest.mark.parametrize("name", [name for name, figure in FIGURES.items() if not figure.unconditional])
def test_what_follows_from_the_conditions_is_judged_only_where_nobody_changed_them(name: str) -> None:
    for happened, judged in (
        (DISTURBED, False),
        ((dataclasses.replace(DISTURBED[0], planned=True),), True),
        ((), True),
    ):
        result = result_of(happened)
        value = FIGURES[name].of(result)
        if value is not None:
            (threshold,) = [
                each for each in judge(result, [limit(f"{name} == {value!r}")]) if each.name == name
            ]
            assert (threshold.passed, threshold.judged) == (False, judged)


def test_what_was_not_measured_is_broken_also_in_a_changed_run() -> None:
    result = dataclasses.replace(result_of(DISTURBED), balance_ratio=None)
    (threshold,) = [each for each in judge(result, [limit("max_mean > 2")]) if each.name == "max_mean"]
    assert threshold.failed


def looks(*readings: Any) -> list[FleetSample]:
    return [FleetSample(100 + second, {IDS[0]: reading}) for second, reading in enumerate(readings)]


def test_every_order_on_a_substation_is_seen_and_said() -> None:
    readings = [ZERO]
    for step in (
        {"draining": True},
        {"capacity_w": 10_000},
        {"stopped": 1},
        {"stopped": 3},
        {"draining": False},
        {"capacity_w": 20_000},
    ):
        readings.append(dataclasses.replace(readings[-1], **step))
    assert [(each.at_unix_s, each.in_words()) for each in changes(looks(*readings), [], None, 100)] == [
        (101, "substation-1 drained"),
        (102, "limit of substation-1 changed from 20 to 10 kW"),
        (103, "3 sessions stopped at substation-1"),
        (105, "substation-1 restored"),
        (106, "limit of substation-1 changed from 10 to 20 kW"),
    ]


def test_a_restart_that_sets_counters_to_zero_is_no_stop() -> None:
    readings = (dataclasses.replace(ZERO, stopped=4), dataclasses.replace(ZERO, epoch=2, stopped=0))
    assert changes(looks(*readings), [], None, 100) == ()
    assert (
        changes(looks(*readings, dataclasses.replace(ZERO, epoch=2, stopped=1)), [], None, 100)[0].after == 1
    )


def test_only_the_drain_of_the_plan_is_the_runs_own() -> None:
    drained = dataclasses.replace(ZERO, draining=True)
    plan = Drain(IDS[0], 1.0)
    assert [each.planned for each in changes(looks(ZERO, drained, ZERO, drained), [], plan, 100)] == [
        True,
        False,
        False,
    ]
    assert [each.planned for each in changes(looks(ZERO, drained), [], Drain(IDS[0], 5.0), 100)] == [False]
    assert [each.planned for each in changes(looks(ZERO, drained), [], Drain(IDS[1], 0.0), 100)] == [False]


@given(st.lists(st.sampled_from(["random", "least_loaded", "predictive"]), min_size=1, max_size=8))
def test_a_policy_reads_as_mixed_exactly_when_it_was_switched(policies: list[str]) -> None:
    seen = list(enumerate(policies))
    told = policy_of(changes([], [(float(at), each) for at, each in seen], None, 0), policies[0])
    assert told.startswith("mixed: ") == (len(set(policies)) > 1)
    assert all(each in told for each in policies)


def test_a_restart_still_counts_against_a_run(tmp_path: Path) -> None:
    result = conclude(changed(perfect(), IDS[0], epoch=2))
    assert {each.name for each in judge(result, [limit("overload_ws > 0")]) if each.failed} >= {"overload_ws"}
