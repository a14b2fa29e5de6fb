"""A generator that can't keep up is seen, one that can is not suspected."""

import asyncio
import json
import os
import signal
import threading
import time
from pathlib import Path

from loadtest.record.generator_health import (
    CPU_LIMIT,
    LAG_LIMIT_MS,
    LATE_LIMIT_MS,
    OK,
    SATURATED,
    GeneratorHealth,
    GeneratorMonitor,
    faults,
)
from tests.loadtest.fake import Exit, ended, start, two

STOPPED_S = 1.5


def test_each_limit_is_named_when_it_is_passed_and_none_at_it() -> None:
    assert faults(LAG_LIMIT_MS, CPU_LIMIT, LATE_LIMIT_MS) == []
    assert faults(0, 0, None) == []
    (lag,), (cpu,), (late,) = faults(51, 0, 0), faults(0, 0.91, None), faults(0, 0, 51)
    assert "event loop" in lag
    assert "of a core" in cpu
    assert "late" in late
    assert faults(51, 0.91, 51) == [lag, cpu, late]


async def watched(seconds: float, busy_s: float = 0.0) -> GeneratorHealth:
    """The health of a loop that is idle for `seconds`, but blocks itself for `busy_s` in the middle."""
    monitor = GeneratorMonitor()
    running = asyncio.create_task(monitor.run())
    await asyncio.sleep(seconds / 2)
    time.sleep(busy_s)
    await asyncio.sleep(seconds / 2)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    return monitor.health([])


def test_an_idle_generator_is_ok() -> None:
    """Other work on this machine may disturb one try, not five."""
    assert OK in {asyncio.run(watched(0.5)).verdict for _ in range(5)}


def test_a_loop_that_stood_still_counts_every_moment_that_it_missed() -> None:
    health = asyncio.run(watched(2.0, busy_s=1.0))
    assert health.loop_lag_p99_ms > 500  # a third of all moments were in that second
    assert health.verdict == SATURATED
    assert "event loop" in health.why


def test_the_share_of_a_core_is_what_the_process_used() -> None:
    """Two busy threads fight over one core; how much of it they get is the machine's affair."""
    ended = threading.Event()

    def burn() -> None:
        while not ended.is_set():
            pass

    threads = [threading.Thread(target=burn) for _ in range(2)]
    for thread in threads:
        thread.start()
    outer_s = time.monotonic()
    monitor = GeneratorMonitor()
    cpu_s, inner_s = time.process_time(), time.monotonic()
    while time.process_time() - cpu_s < 0.5:
        time.sleep(0.01)
    used_s, took_s = time.process_time() - cpu_s, time.monotonic() - inner_s
    health = monitor.health([])
    ended.set()
    for thread in threads:
        thread.join()
    assert used_s / (time.monotonic() - outer_s) * 0.99 < health.cpu_share
    assert health.cpu_share < (used_s + time.process_time() - cpu_s) / took_s
    assert health.saturated == (health.cpu_share > CPU_LIMIT)


def test_a_generator_that_uses_a_whole_core_is_saturated() -> None:
    wall_s, cpu_s = iter([100.0, 110.0]), iter([1.0, 10.5])
    health = GeneratorMonitor(lambda: next(wall_s), lambda: next(cpu_s)).health([1.0])
    assert health.cpu_share == 0.95
    assert health.verdict == SATURATED
    assert "95% of a core" in health.why


def test_a_stopped_generator_is_loud_and_its_broken_latencies_are_not_blamed_on_the_grid(
    tmp_path: Path,
) -> None:
    grid = two()

    async def scenario() -> Exit:
        async with grid.serving():
            options = (
                "--requests",
                "60",
                "--seconds",
                "3",
                "--fail-if",
                "max_mean>2",
                "--fail-if",
                "p95_ms>500",
            )
            process = await start(grid, *options, "--json", str(tmp_path / "result.json"))
            await asyncio.wait_for(grid.arrived.wait(), 60)
            os.kill(process.pid, signal.SIGSTOP)
            await asyncio.sleep(STOPPED_S)
            os.kill(process.pid, signal.SIGCONT)
            return await ended(process)

    result = asyncio.run(scenario())
    assert result.code == 1, result.out + result.err
    assert "GENERATOR SATURATED: p99 of its event loop's lag" in result.out
    (failed,) = [line for line in result.out.splitlines() if "FAILED" in line]
    assert failed.split()[0] == "p95_ms"
    assert "* p95_ms: the generator was saturated" in result.out
    document = json.loads((tmp_path / "result.json").read_text())
    generator = document["result"]["generator"]
    assert generator["verdict"] == SATURATED
    assert generator["loop_lag_max_ms"] > (STOPPED_S - 0.2) * 1000
    assert generator["late_p99_ms"] > LATE_LIMIT_MS
    assert document["result"]["late"] > 10  # of 20 a second, for more than a second
    assert document["result"]["service_ms"]["p50"] < generator["loop_lag_max_ms"]
