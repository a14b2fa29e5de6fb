"""CONTRIBUTING.md names files and folders that exist."""

import re

from tests.unit.docs.pages import ROOT, sections

WHERE = sections(ROOT / "CONTRIBUTING.md")["where does it go?"]


def paths() -> list[str]:
    rows = [line.split("|")[2] for line in WHERE.splitlines() if line.startswith("| ")][1:]
    return [path for row in rows for path in re.findall(r"`([a-z_]+/[\w/.]+)`", row)]


def test_every_file_that_a_change_goes_into_exists() -> None:
    assert len(paths()) > 25
    assert [path for path in paths() if not (ROOT / path).exists()] == []


def test_ten_typical_changes_are_named() -> None:
    assert len([line for line in WHERE.splitlines() if line.startswith("| ")]) == 1 + 10
