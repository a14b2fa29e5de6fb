"""docs/reference/api.md names every problem, field and route of the public API, and no other."""

import re

import pytest

from gateway.contract import PROBLEMS
from gateway.fields import FIELDS
from gateway.openapi import ADMITTED, SESSION, description
from runtime.problem import FAILED
from runtime.version import VERSION
from substation.contract import SubstationOutcome
from tests.unit.docs.pages import DOCS, prose, rows

PAGE = DOCS / "reference" / "api.md"


def subsection(heading: str) -> str:
    """Return the text under a heading of the third level."""
    return prose(PAGE).split(f"\n### {heading}\n")[1].split("\n## ")[0].split("\n### ")[0]


def test_the_problems_are_those_of_the_contract_with_their_status() -> None:
    documented = {code: cells[1] for code, cells in rows(subsection("Problems")).items()}
    assert documented == {problem.code: str(problem.status) for problem in (*PROBLEMS, FAILED)}


def test_the_fields_of_a_request_are_those_that_are_accepted() -> None:
    documented = [name for name in rows(subsection("The request")) if name.islower()]
    assert documented == [field.name for field in FIELDS]


DEFAULTS = {field.name: field.default for field in FIELDS if field.default is not None}


@pytest.mark.parametrize("name", DEFAULTS)
def test_the_default_of_a_field_is_named(name: str) -> None:
    assert rows(subsection("The request"))[name][3] == f"{DEFAULTS[name]:g}"


def test_the_fields_of_an_answer_are_those_that_are_described() -> None:
    documented = [name for name in rows(subsection("The answers")) if name.islower()]
    assert documented == list(ADMITTED | SESSION)


def test_every_described_route_is_on_the_page() -> None:
    routes = {
        f"`{method.upper()} {path}`"
        for path, methods in description(VERSION)["paths"].items()
        for method in methods
        if method != "parameters"
    }
    assert all(route in prose(PAGE) for route in routes)


def test_the_outcomes_of_the_protocol_are_those_of_a_substation() -> None:
    text = (DOCS / "reference" / "protocol.md").read_text(encoding="utf-8")
    table = rows(re.split(r"^## ", text.split("\n## Outcomes\n")[1], flags=re.MULTILINE)[0])
    assert table.keys() == {str(outcome) for outcome in SubstationOutcome}


def test_the_problems_that_troubleshooting_names_are_those_of_the_contract() -> None:
    text = (DOCS / "how-to" / "troubleshooting.md").read_text(encoding="utf-8")
    named = set(re.findall(r"^\| (\d{3}) `([a-z-]+)` \|", text, flags=re.MULTILINE))
    assert len(named) > 5
    assert named <= {(str(problem.status), problem.code) for problem in PROBLEMS}
