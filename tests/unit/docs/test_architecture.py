"""docs/explanation/architecture.md names the folders of each part in the order of the import contracts."""

import re
import tomllib

import pytest

from tests.unit.docs.pages import CODE, DOCS, ROOT, sections

CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
    "contracts"
]
RULE = sections(DOCS / "explanation" / "architecture.md")["the dependency rule"]


def layers(package: str) -> list[set[str]]:
    """Return the folders of a package by their layers, from the top; generated code left out."""
    (contract,) = [each for each in CONTRACTS if each.get("containers") == [package]]
    named = [set(re.findall(r"\w+", layer)) for layer in contract["layers"]]
    folders = {path.name for path in (ROOT / package).iterdir() if (path / "__init__.py").exists()} - {
        "proto"
    }
    return [level & folders for level in named if level & folders]


@pytest.mark.parametrize(
    ("part", "package"), [("balancer", "balancer"), ("console", "admin_ui"), ("loadtest", "loadtest")]
)
def test_the_folders_of_a_part_stand_in_the_order_of_its_contract(part: str, package: str) -> None:
    (row,) = re.findall(rf"^\| {part} \| (.+) \|$", RULE, flags=re.MULTILINE)
    shown = [set(CODE.findall(level)) for level in re.findall(r"\([^)]+\)|`\w+`", row)]
    assert shown == layers(package)


def test_every_part_stands_in_the_picture_of_the_layers() -> None:
    (contract,) = [each for each in CONTRACTS if each["name"] == "Calls point down"]
    page = (DOCS / "explanation" / "architecture.md").read_text(encoding="utf-8")
    assert "```\n{}\n```".format("\n".join(contract["layers"])) in page
