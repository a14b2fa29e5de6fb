"""The pages hold together: links lead somewhere, and what they name is there."""

import functools
import re
from pathlib import Path

import pytest

from runtime.version import VERSION
from tests.unit.docs.pages import DOCS, ROOT, anchors, pages, prose

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
OUTSIDE = ("http://", "https://", "mailto:")
READABLE = 120  # lines of a README that is read to its end
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", pages(), ids=name)
def test_every_link_within_the_project_leads_somewhere(page: Path) -> None:
    for link in LINK.findall(prose(page)):
        if link.startswith(OUTSIDE):
            continue
        path, _, fragment = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert target.is_relative_to(ROOT), link
        assert not fragment or fragment in anchors(target), link


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached = {ROOT / "README.md"}
    ahead = list(reached)
    while ahead:
        page = ahead.pop()
        for link in LINK.findall(prose(page)):
            target = (page.parent / link.partition("#")[0]).resolve()
            if target.suffix == ".md" and target not in reached:
                reached.add(target)
                ahead.append(target)
    assert reached >= set(pages())


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= READABLE


@pytest.mark.parametrize("page", pages(), ids=name)
def test_every_make_target_that_is_named_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+(?: [a-z-]+)*):", MAKEFILE, flags=re.MULTILINE))
    known = {target for together in targets for target in together.split()}
    named = re.findall(
        r"(?:`|^|\$ )(?:REQUIRE_ALL=1 )?make ([a-z-]+)", page.read_text(encoding="utf-8"), re.MULTILINE
    )
    assert set(named) <= known


@functools.cache
def names_of_tests() -> set[str]:
    """Return the names of all test functions; they are read once for all pages."""
    files = (path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("*.py"))
    return {named for text in files for named in re.findall(r"def (test_\w+)\(", text)}


@pytest.mark.parametrize("page", pages(), ids=name)
def test_every_test_that_is_named_exists(page: Path) -> None:
    assert set(re.findall(r"`(test_\w+)`", page.read_text(encoding="utf-8"))) <= names_of_tests()


@pytest.mark.parametrize("page", sorted((DOCS / "how-to").glob("*.md")), ids=name)
def test_a_guide_that_names_the_data_folder_says_which_folder_that_is(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert (
        not re.search(r"\bdata/", text) or "#another-data-folder" in text or "## Another data folder" in text
    )


def test_the_changelog_has_an_entry_for_the_version() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert "## [Unreleased]" in text
    assert re.search(rf"^## \[{re.escape(VERSION)}\] - \d{{4}}-\d\d-\d\d$", text, flags=re.MULTILINE)


def test_no_two_decisions_have_one_number() -> None:
    """A gap is allowed: a number may be taken by a decision that is still under way."""
    numbers = sorted(int(path.name[:4]) for path in (DOCS / "adr").glob("[0-9]*.md"))
    assert len(numbers) > 5
    assert numbers == sorted(set(numbers))


def test_each_decision_is_in_the_index_in_the_order_of_numbers() -> None:
    index = (DOCS / "README.md").read_text(encoding="utf-8")
    linked = re.findall(r"^- \[\d{4}\]\(adr/([^)]+)\)", index, flags=re.MULTILINE)
    assert linked == sorted(path.name for path in (DOCS / "adr").glob("[0-9]*.md"))
