"""docs/reference/load-test.md against the code: figures, built-in limits, bounds, exit codes."""

import dataclasses
import re

from loadtest import cli
from loadtest.judge import result
from loadtest.judge.thresholds import FIGURES, limit
from loadtest.plan.presets import PRESETS
from loadtest.record import generator_health
from loadtest.record.stopped_sessions import StoppedSessions
from loadtest.run import session_stopper
from loadtest.send import engine, retrying
from tests.unit.docs.pages import DOCS, sections

PAGE = DOCS / "reference" / "load-test.md"


def test_every_figure_that_may_have_a_limit_is_on_the_page_and_no_other() -> None:
    table = sections(PAGE)["thresholds"].partition("| name |")[2]
    cells = re.findall(r"^\| ([^|]+) \|", table, flags=re.MULTILINE)
    named = [name for cell in cells for name in re.findall(r"`(\w+)`", cell)]
    assert sorted(named) == sorted(FIGURES)


def test_the_built_in_limits_are_those_of_the_rush_hour() -> None:
    (block,) = re.findall(
        r"^```text\n(.+?)^```$", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE
    )
    assert [limit(each) for each in re.split(r"\s{2,}|\n", block.strip())] == [
        limit(each) for each in PRESETS["rush-hour"].limits
    ]


def test_the_bounds_are_those_of_the_code() -> None:
    text = " ".join(PAGE.read_text(encoding="utf-8").split())
    asked = cli.parser({}).parse_args(["rush-hour"])
    assert f"`--concurrency` requests are open at once (default: {asked.concurrency})" in text
    assert f"`--retries` times (default: {asked.retries})" in text
    assert f"more than {result.LATE_AFTER_MS:g} ms after the intended moment" in text
    assert f"no slot was free for {engine.SLOT_WITHIN_S:g} s" in text
    assert f"given up: {engine.ANSWER_TIMEOUT_S:g} s for an attempt" in text
    assert f"more than {retrying.RetryPolicy(0).within_s:g} s after the first sending" in text
    assert f"{retrying.FIRST_WAIT_S:g} to {2 * retrying.FIRST_WAIT_S:g} s, and doubles" in text
    assert (
        f"every {generator_health.TICK_S * 1000:g} ms; missed moments count too | {generator_health.LAG_LIMIT_MS:g} ms"
        in text
    )
    assert f"share of one core | {generator_health.CPU_LIMIT * 100:g} %" in text
    assert f"wakes up to send, p99 | {generator_health.LATE_LIMIT_MS:g} ms" in text


def test_what_a_stop_does_to_the_sessions_is_that_of_the_code() -> None:
    section = sections(PAGE)["a run that is stopped"]
    text = " ".join(section.split())
    assert f"{session_stopper.AT_ONCE} at once" in text
    assert (
        f"up to {session_stopper.ROUNDS} times in all and for {session_stopper.WITHIN_S:g} s at most" in text
    )
    named = re.findall(r"^\| `(\w+)` \|", section, flags=re.MULTILINE)
    assert named == [field.name for field in dataclasses.fields(StoppedSessions)]
