"""Reads the project's Markdown pages: tables, links, names."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
DOCS = ROOT / "docs"
FENCE = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)
CODE = re.compile(r"`([^`\n]+)`")


def pages() -> list[Path]:
    """Return every page that a reader may open."""
    return sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])


def prose(page: Path) -> str:
    """Return a page without its code blocks."""
    return FENCE.sub("", page.read_text(encoding="utf-8"))


def sections(page: Path) -> dict[str, str]:
    """Return the text under each heading of the second level, by the heading in lower case."""
    parts = re.split(r"^## (.+)$", prose(page), flags=re.MULTILINE)
    return {heading.lower(): text for heading, text in zip(parts[1::2], parts[2::2], strict=True)}


def rows(text: str) -> dict[str, list[str]]:
    """Return the table rows of a text by the code in their first cell, headings left out."""
    found = {}
    lines = text.splitlines()
    for line, below in zip(lines, [*lines[1:], ""], strict=True):
        cells = [cell.strip() for cell in line.strip().strip("|").split(" | ")]
        heading = below.startswith("|---")
        if line.startswith("|") and not heading and (name := CODE.fullmatch(cells[0])):
            found[name[1]] = cells
    return found


def anchor(heading: str) -> str:
    """Return the fragment under which a heading is found, as forges make it."""
    kept = re.sub(r"[^\w\- ]", "", heading.replace("`", "").strip().lower())
    return kept.replace(" ", "-")


def anchors(page: Path) -> set[str]:
    """Return the fragments of a page."""
    return {anchor(heading) for heading in re.findall(r"^#+ (.+)$", prose(page), flags=re.MULTILINE)}
