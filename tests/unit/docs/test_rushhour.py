"""docs/reference/rushhour.md names every line of progress with its fields, every bound and every exit code."""

import re

from balancer.book.lease import LEAST_TTL_S, MOST_TTL_S
from loadtest.cli import parser
from loadtest.plan.arrivals import MAX_RATE_PER_S, MAX_REQUESTS, MAX_SECONDS
from loadtest.record.records import Reading
from loadtest.report import runs
from loadtest.run import lease
from loadtest.run.launch import EXIT
from loadtest.run.order import Verdict
from loadtest.send import engine
from loadtest.show import pipe, progress, view
from tests.unit.docs.pages import CODE, DOCS, rows, sections

PAGE = DOCS / "reference" / "rushhour.md"
READING = Reading(1000.0, 2000.0, 1, 1, 1, 0, 1, 0.0, 0.0, 0.0)
VIEW = view.View(1.0, 60.0, 500, 3, 2, 1, 0, 2.0, (None, None, None), {"substation-1": READING})


def test_the_kinds_of_lines_are_those_that_are_told() -> None:
    documented = [name for name in rows(sections(PAGE)["progress"]) if name in progress.KINDS]
    assert documented == list(progress.KINDS)
    assert f"`schema` is `{progress.SCHEMA}`" in sections(PAGE)["progress"]


def test_the_fields_of_a_line_of_progress_are_those_that_are_told() -> None:
    text = sections(PAGE)["progress"]
    table = text.split("| field of `progress`")[1].split("\n\n")[0]
    cells = re.findall(r"^\| (`[^|]*`) \|", table, flags=re.MULTILINE)
    documented = [name for cell in cells for name in CODE.findall(cell)]
    told = progress.fields(VIEW)
    assert documented == list(told)
    (line,) = [line for line in table.splitlines() if line.startswith("| `substations`")]
    assert CODE.findall(line)[1:] == list(told["substations"][0])


def test_the_exit_codes_are_those_of_the_verdicts() -> None:
    found = re.findall(r"^\| (\d+) \| `([a-z ]+)` \|", sections(PAGE)["exit codes"], flags=re.MULTILINE)
    assert {verdict: int(code) for code, verdict in found} == {str(each): EXIT[each] for each in Verdict}


def test_the_bounds_and_numbers_are_those_of_the_code() -> None:
    where = sections(PAGE)["where it may be sent"]
    assert [int(each) for each in re.findall(r"\| (\d+) \|$", where, flags=re.MULTILINE)][:3] == [
        MAX_REQUESTS,
        MAX_SECONDS,
        MAX_RATE_PER_S,
    ]
    assert f"takes the lease for {lease.TTL_S:g} s and renews it every {lease.RENEW_EVERY_S:g} s" in where
    assert f"a number from {LEAST_TTL_S:g} to {MOST_TTL_S:g}" in sections(PAGE)["the lease"]
    told = " ".join(sections(PAGE)["progress"].split())
    assert f"At most {pipe.MOST_WAITING} lines" in told
    assert f"it has {pipe.LAST_WORDS_S:g} s" in told
    assert f"at most {engine.GRACE_S:g} s" in told
    assert f"newest {view.SHOWN_OF} answers" in told
    assert f"over the last {view.RATE_OVER_S:g} s" in told
    assert 1 / progress.EVERY_S == 4  # "four times a second"


def test_the_runs_folder_is_that_of_the_code() -> None:
    text = " ".join(sections(PAGE)["the runs folder"].split())
    assert f"The newest {runs.KEEP} are kept" in text
    assert f"`{parser({}).parse_args(['runs']).runs_dir}`" in text
    assert runs.UNKNOWN in text
    assert {runs.RESULT, progress.FILE} <= rows(sections(PAGE)["the runs folder"]).keys()
    (example,) = re.findall(r"`(\d{8}T[^`]*)`", text)
    assert runs.RUN_ID.fullmatch(example)
