"""A stop that takes the run's cars off the grid: which sessions it ends, and what the result says of them."""

import asyncio
import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from loadtest.paper import page
from loadtest.record.stopped_sessions import StoppedSessions
from tests.loadtest.fake import Exit, FakeGrid, ended, start, two

LONG = ("--requests", "2000", "--seconds", "60")
OPTION = "--end-sessions-on-stop"
HUNG_S = 60


async def _some(reached: Callable[[], bool]) -> None:
    async with asyncio.timeout(HUNG_S):
        while not reached():
            await asyncio.sleep(0.01)


def stopped(
    grid: FakeGrid, *options: str, again: bool = False, by: signal.Signals = signal.SIGINT, **environ: str
) -> Exit:
    """Stop a run that has got ten sessions; `again` sends a second signal once sessions are being ended."""

    async def scenario() -> Exit:
        async with grid.serving():
            process = await start(grid, *LONG, *options, **environ)
            await _some(lambda: len(grid.keys) >= 10)
            process.send_signal(by)
            if again:
                await _some(lambda: bool(grid.deleted))
                process.send_signal(signal.SIGINT)
            return await ended(process)

    return asyncio.run(scenario())


def result(runs_dir: Path) -> dict[str, Any]:
    (path,) = runs_dir.glob("*/result.json")
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def admitted(told: dict[str, Any]) -> set[str]:
    return {each["body"]["session_id"] for each in told["requests"]}


def test_a_stop_ends_every_session_of_the_run_once_and_still_leaves_its_result(runs_dir: Path) -> None:
    grid = two()
    done = stopped(grid, OPTION, "--progress", "jsonl")
    assert done.code == 130, done.err
    told = result(runs_dir)
    count = len(grid.keys)
    assert sorted(grid.deleted) == sorted(admitted(told))
    assert told["result"]["ended_by_stop"] == {
        "sessions": count,
        "ended": count,
        "over": 0,
        "left": {},
        "unknown": 0,
    }
    lines = [json.loads(line) for line in done.out.splitlines()]
    ending = [line for line in lines if line["kind"] == "ending"]
    assert (ending[0]["sessions"], ending[-1]["ended"], ending[-1]["remaining"]) == (count, count, 0)
    assert lines[-1]["kind"] == "ended"
    assert grid.leases[-1] == "DELETE 200"
    assert grid.holder is None
    assert f"Ended by the stop: {count} of {count} sessions." in page.report(told)


def test_sessions_that_were_ended_are_not_counted_as_lost(runs_dir: Path) -> None:
    grid = two()
    done = stopped(grid, OPTION)
    assert "INTERRUPTED" in done.out
    assert f"ended by the stop: {len(grid.keys)} of {len(grid.keys)} sessions" in done.out
    held = {each["name"]: each["held"] for each in result(runs_dir)["thresholds"]}
    assert held["every request ended"]
    assert held["admissions counted and answered agree"]


def test_without_the_option_a_stop_leaves_the_cars_charging(runs_dir: Path) -> None:
    grid = two()
    assert stopped(grid).code == 130
    assert grid.deleted == []
    assert result(runs_dir)["result"]["ended_by_stop"] is None


def test_a_stop_of_the_sending_only_leaves_the_cars_charging(runs_dir: Path) -> None:
    grid = two()
    assert stopped(grid, OPTION, by=signal.SIGUSR1).code == 130
    assert grid.deleted == []
    assert result(runs_dir)["result"]["ended_by_stop"] is None


def test_a_run_that_goes_on_to_its_end_ends_no_session(runs_dir: Path) -> None:
    grid = two()

    async def scenario() -> Exit:
        async with grid.serving():
            return await ended(await start(grid, OPTION, "--fail-if", "max_mean > 2"))

    assert asyncio.run(scenario()).code == 0
    assert grid.deleted == []


def test_what_can_not_be_ended_is_asked_for_again_and_then_said(runs_dir: Path) -> None:
    grid = two()

    def ending(grid: FakeGrid, session_id: str) -> web.Response:
        if session_id == "substation-1.1":
            return web.json_response({"type": "/problems/owner-unreachable"}, status=503)
        if session_id == "substation-2.1" and grid.deleted.count(session_id) == 1:
            return web.json_response({"type": "/problems/outcome-unknown"}, status=503)
        return grid.end(session_id, "completed" if session_id == "substation-1.2" else "stopped")

    grid.ending = ending
    done = stopped(grid, OPTION)
    assert done.code == 130
    count = len(grid.keys)
    assert f"ended by the stop: {count - 2} of {count} sessions; 1 had ended before; 1 not ended" in done.out
    assert "1 x 503 /problems/owner-unreachable" in done.out
    assert grid.deleted.count("substation-2.1") == 2
    assert grid.deleted.count("substation-1.1") == 3


def test_a_second_signal_leaves_at_once_and_says_what_was_left(runs_dir: Path) -> None:
    grid = two()
    grid.hold_ending = True
    done = stopped(grid, OPTION, again=True)
    assert done.code == 130
    told = result(runs_dir)["result"]["ended_by_stop"]
    assert (told["ended"], told["left"]) == (0, {"no answer in time": len(grid.keys)})
    assert all(grid.deleted.count(each) == 1 for each in grid.deleted)  # no further round
    assert grid.holder is None


def test_the_key_of_the_run_ends_its_sessions(runs_dir: Path) -> None:
    grid = two()
    grid.lets_in = "Bearer secret"
    stopped(grid, OPTION, API_KEY="secret")
    assert result(runs_dir)["result"]["ended_by_stop"]["ended"] == len(grid.keys) > 0


def test_a_request_whose_answer_never_came_is_said_to_be_open(runs_dir: Path) -> None:
    grid = two()
    first = grid.answer

    def answer(grid: FakeGrid, body: dict[str, Any]) -> web.Response:
        if len(grid.keys) == 3:
            return web.json_response({"type": "/problems/unknown", "outcome": "unknown"}, status=503)
        return first(grid, body)

    grid.answer = answer
    done = stopped(grid, OPTION, "--retries", "0")
    assert "1 requests without an answer may have got a session" in done.out


@pytest.mark.parametrize(
    ("undone", "said"),
    [
        (StoppedSessions(2, 2, 0, {}), "ended by the stop: 2 of 2 sessions"),
        (
            StoppedSessions(2, 1, 0, {"TimeoutError": 1}),
            "ended by the stop: 1 of 2 sessions; 1 not ended, and may charge on (1 x TimeoutError)",
        ),
    ],
)
def test_it_is_said_in_words(undone: StoppedSessions, said: str) -> None:
    assert undone.in_words() == said
