"""The program as another program's child: lines of progress, an end in any case, and a result in the folder."""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from loadtest.contract import PROGRESS_FILE, RUN_ID
from loadtest.show import pipe
from loadtest.show.pipe import Pipe
from tests.loadtest.fake import FakeGrid, FakeStation, ended, start, two
from tests.support import template

JSONL = ("--progress", "jsonl")
LONG = ("--requests", "2000", "--seconds", "60")
HUNG_S = 60


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def the_run(folder: Path) -> Path:
    (found,) = folder.iterdir()
    assert RUN_ID.fullmatch(found.name)
    return found


def child(
    grid: FakeGrid, *options: str, then: signal.Signals | None = None
) -> tuple[int, list[dict[str, Any]], str]:
    """Run to the end, or send a signal once the first request is there; returns code, lines and stderr."""

    async def scenario() -> tuple[int, list[dict[str, Any]], str]:
        async with grid.serving():
            process = await start(grid, *JSONL, *options)
            if then:
                await asyncio.wait_for(grid.arrived.wait(), HUNG_S)
                process.send_signal(then)
            done = await ended(process)
            return done.code, lines(done.out), done.err

    return asyncio.run(scenario())


def test_every_line_is_one_object_from_started_to_ended_and_the_folder_has_the_same(runs_dir: Path) -> None:
    grid = two()
    code, told, err = child(grid, "--fail-if", "max_mean > 2")
    assert (code, err) == (0, "")
    folder = the_run(runs_dir)
    kinds = [line["kind"] for line in told]
    assert kinds[0] == "started"
    assert kinds[-1] == "ended"
    assert set(kinds[1:-1]) == {"progress", "judging"}
    assert (told[0]["run_id"], told[0]["requests"], told[0]["seconds"]) == (folder.name, 40, 1)
    last = [line for line in told if line["kind"] == "progress"][-1]
    assert (last["planned"], last["sent"], last["admitted"], last["refused"], last["failed"]) == (
        40,
        40,
        40,
        0,
        0,
    )
    assert 0 < last["p50_ms"] <= last["p95_ms"] <= last["p99_ms"]
    assert [each["substation_id"] for each in last["substations"]] == ["substation-1", "substation-2"]
    assert {each["capacity_kw"] for each in last["substations"]} == {1000}
    assert max(line["rate_per_s"] for line in told if line["kind"] == "progress") > 10
    end = told[-1]
    assert (end["verdict"], end["exit_code"], end["folder"]) == ("held", 0, str(folder))
    assert set(end["paths"]) == {
        "progress.jsonl",
        "report.html",
        "requests.csv",
        "result.json",
        "samples.csv",
    }
    assert lines((folder / PROGRESS_FILE).read_text()) == told
    result = json.loads(Path(end["paths"]["result.json"]).read_text())
    assert result["schema"] == "smartgrid-loadtest/1"
    assert result["run"]["run_id"] == folder.name
    assert result["run"]["policy"] == "least_loaded"
    assert result["samples"][-1]["capacity_kw"] == {"substation-1": 1000, "substation-2": 1000}
    assert {request["substation_id"] for request in result["requests"]} == {"substation-1", "substation-2"}


def test_lines_come_while_it_goes_on() -> None:
    grid = two()

    async def scenario() -> list[str]:
        async with grid.serving():
            process = await start(grid, *JSONL, *LONG)
            assert process.stdout
            kinds: list[str] = []
            while kinds.count("progress") < 3:
                line = await asyncio.wait_for(process.stdout.readline(), HUNG_S)
                kinds.append(json.loads(line)["kind"])
            assert process.returncode is None
            process.terminate()
            await ended(process)
            return kinds

    assert asyncio.run(scenario())[0] == "started"


@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_the_sending_gives_the_lease_back_and_leaves_the_result(
    signal_number: signal.Signals, runs_dir: Path
) -> None:
    grid = two()
    grid.delay_s = 0.2
    code, told, err = child(grid, *LONG, then=signal_number)
    assert (code, err) == (130, "")
    assert (told[-1]["verdict"], told[-1]["exit_code"]) == ("interrupted", 130)
    assert told[-1]["why"] == f"{signal_number.name} came"
    result = json.loads((the_run(runs_dir) / "result.json").read_text())
    assert result["result"]["interrupted"] is True
    assert 0 < result["result"]["sent"] == len(grid.keys) < 2000
    assert grid.holder is None
    assert (grid.leases[0], grid.leases[-1]) == ("PUT 200", "DELETE 200")


@pytest.mark.parametrize("options", [(*JSONL, "--end-sessions-on-stop"), ()])
def test_when_nobody_reads_any_more_it_stops_leaves_the_result_and_no_car_is_taken_off(
    options: tuple[str, ...], runs_dir: Path
) -> None:
    grid = two()

    async def scenario() -> int:
        async with grid.serving():
            reader, writer = os.pipe()
            process = await template.create_subprocess_exec(
                sys.executable,
                "-m",
                "loadtest",
                "rush-hour",
                "--gateway",
                grid.url,
                "--balancer",
                grid.url,
                *LONG,
                *options,
                stdout=writer,
                stderr=subprocess.DEVNULL,
            )
            os.close(writer)
            await asyncio.wait_for(grid.arrived.wait(), HUNG_S)
            os.close(reader)  # the parent has died
            return await asyncio.wait_for(process.wait(), HUNG_S)

    assert asyncio.run(scenario()) == 130
    folder = the_run(runs_dir)
    end = lines((folder / PROGRESS_FILE).read_text())[-1]
    assert (end["verdict"], end["why"]) == ("interrupted", "nobody reads standard output any more")
    assert 0 < json.loads((folder / "result.json").read_text())["result"]["sent"] < 2000
    assert grid.holder is None
    assert grid.deleted == []


def test_what_was_waited_for_is_told_and_a_run_that_sent_nothing_leaves_no_folder(runs_dir: Path) -> None:
    grid = FakeGrid([FakeStation("substation-1", load_w=20_000, kept=False)])

    async def scenario() -> tuple[int, list[dict[str, Any]]]:
        async with grid.serving():
            process = await start(grid, *JSONL)
            assert process.stdout
            told = [await asyncio.wait_for(process.stdout.readline(), HUNG_S) for _ in range(2)]
            process.terminate()
            done = await ended(process)
            return done.code, lines(b"".join(told).decode() + done.out)

    code, told = asyncio.run(scenario())
    assert code == 130
    assert {line["kind"] for line in told[1:-1]} == {"settling"}
    assert "substation-1 at 2.0%" in told[1]["text"]
    assert (told[-1]["verdict"], told[-1]["folder"], told[-1]["paths"]) == ("interrupted", None, {})
    assert not runs_dir.exists()
    assert not grid.keys


def test_a_grid_that_is_not_there_is_an_end_too() -> None:
    async def scenario() -> tuple[int, list[dict[str, Any]], str]:
        done = await ended(await start(FakeGrid(url="http://127.0.0.1:1"), *JSONL))
        return done.code, lines(done.out), done.err

    code, told, err = asyncio.run(scenario())
    assert code == 3
    assert [line["kind"] for line in told] == ["started", "ended"]
    assert (told[-1]["verdict"], told[-1]["exit_code"]) == ("not ready", 3)
    assert told[-1]["why"] in err


def test_a_runs_folder_that_can_t_be_made_is_said_before_anything_is_sent(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    grid = two()
    code, told, _ = child(grid, "--runs-dir", str(tmp_path / "file"))
    assert (code, told[-1]["verdict"]) == (1, "not written")
    assert not grid.keys
    assert grid.holder is None


def test_a_reader_that_stalls_holds_nobody_up_and_misses_the_oldest() -> None:
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    lost = threading.Event()
    lines_out = Pipe(writer, lost.set)
    many = pipe.MOST_WAITING * 4
    for number in range(many):
        lines_out.put(f"{number:<1023}\n")
    read = bytearray()
    closing = threading.Thread(target=lines_out.close)
    closing.start()
    while closing.is_alive():
        with contextlib.suppress(BlockingIOError):
            read += os.read(reader, 1 << 16)
    with contextlib.suppress(BlockingIOError):
        while more := os.read(reader, 1 << 16):
            read += more
    numbers = [int(line) for line in read.decode().splitlines()]
    assert numbers == sorted(numbers)
    assert pipe.MOST_WAITING <= len(numbers) < many
    assert numbers[-1] == many - 1
    assert not lost.is_set()
    for end in (reader, writer):
        os.close(end)
