"""docs/reference/rushhour.md names every line of progress with its fields, every bound and every exit code."""

import dataclasses
import re

from balancer.book.lease import LEAST_TTL_S, MOST_TTL_S
from loadtest import contract, events
from loadtest.cli import parser
from loadtest.contract import EXIT_CODES, Verdict
from loadtest.events import EVENTS, ProgressEvent, SubstationLoad
from loadtest.report import runs
from loadtest.run import lease, observer
from loadtest.send import engine
from loadtest.show import pipe, progress
from tests.unit.docs.pages import CODE, DOCS, rows, sections

PAGE = DOCS / "reference" / "rushhour.md"


def test_the_kinds_of_lines_are_those_that_are_told() -> None:
    documented = [name for name in rows(sections(PAGE)["progress"]) if name in EVENTS]
    assert documented == list(EVENTS)
    assert f"`schema` is `{events.PROGRESS_SCHEMA}`" in sections(PAGE)["progress"]


def test_the_fields_of_a_line_of_progress_are_those_that_are_told() -> None:
    text = sections(PAGE)["progress"]
    table = text.split("| field of `progress`")[1].split("\n\n")[0]
    cells = re.findall(r"^\| (`[^|]*`) \|", table, flags=re.MULTILINE)
    documented = [name for cell in cells for name in CODE.findall(cell)]
    assert documented == [each.name for each in dataclasses.fields(ProgressEvent)]
    (line,) = [line for line in table.splitlines() if line.startswith("| `substations`")]
    assert CODE.findall(line)[1:] == [each.name for each in dataclasses.fields(SubstationLoad)]


def test_the_further_fields_of_every_other_line_are_those_of_the_contract() -> None:
    documented = rows(sections(PAGE)["progress"])
    for kind, event in EVENTS.items():
        if event is not ProgressEvent:
            fields = [each.name for each in dataclasses.fields(event)]
            assert CODE.findall(documented[kind][1]) == fields, kind


def test_the_exit_codes_are_those_of_the_verdicts() -> None:
    found = re.findall(r"^\| (\d+) \| `([a-z ]+)` \|", sections(PAGE)["exit codes"], flags=re.MULTILINE)
    assert {verdict: int(code) for code, verdict in found} == {
        str(each): EXIT_CODES[each] for each in Verdict
    }


def test_the_bounds_and_numbers_are_those_of_the_code() -> None:
    where = sections(PAGE)["where it may be sent"]
    assert [int(each) for each in re.findall(r"\| (\d+) \|$", where, flags=re.MULTILINE)][:3] == [
        contract.MAX_REQUESTS,
        contract.MAX_SECONDS,
        contract.MAX_RATE_PER_S,
    ]
    assert f"takes the lease for {lease.TTL_S:g} s and renews it every {lease.RENEW_EVERY_S:g} s" in where
    assert f"a number from {LEAST_TTL_S:g} to {MOST_TTL_S:g}" in sections(PAGE)["the lease"]
    told = " ".join(sections(PAGE)["progress"].split())
    assert f"At most {pipe.MOST_WAITING} lines" in told
    assert f"it has {pipe.LAST_WORDS_S:g} s" in told
    assert f"at most {engine.GRACE_S:g} s" in told
    assert f"newest {observer.NEWEST_ANSWERS} answers" in told
    assert f"over the last {observer.RATE_OVER_S:g} s" in told
    assert 1 / progress.EVERY_S == 4  # "four times a second"


def test_the_runs_folder_is_that_of_the_code() -> None:
    text = " ".join(sections(PAGE)["the runs folder"].split())
    assert f"The newest {runs.KEEP} are kept" in text
    assert f"`{parser({}).parse_args(['runs']).runs_dir}`" in text
    assert contract.NO_END in text
    assert {contract.RESULT_FILE, contract.PROGRESS_FILE} <= rows(sections(PAGE)["the runs folder"]).keys()
    (example,) = re.findall(r"`(\d{8}T[^`]*)`", text)
    assert contract.RUN_ID.fullmatch(example)
