"""Pure modules: those whose docstring says so are those of the no-I/O contract, and they read no clock.

`python -m tests.unit.project.test_purity` prints the modules as the contract in pyproject.toml lists them.
"""

import ast
import functools
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
LINTER = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
CONTRACT = "Cores and contracts do no I/O"
PURE = re.compile(r"(?:\A|\n\n)Pure[.:]\s")  # a paragraph of a module's docstring begins so
CLOCKS = {
    "now",
    "today",
    "utcnow",
    "utcfromtimestamp",
}  # what of datetime reads a clock, or the zone of the machine
FILES = {"read_text", "read_bytes", "write_text", "write_bytes", "open"}
BUILT_IN = {"open", "print", "input", "exec", "eval", "__import__"}


def modules() -> Iterator[tuple[str, Path]]:
    for package in LINTER["root_packages"]:
        for path in sorted((ROOT / package).rglob("*.py")):
            if path.parent.name != "proto":
                parts = path.relative_to(ROOT).with_suffix("").parts
                yield ".".join(part for part in parts if part != "__init__"), path


def says_it_is_pure(source: str) -> bool:
    return PURE.search((ast.get_docstring(ast.parse(source)) or "") + "\n") is not None


@functools.cache
def pure_modules() -> dict[str, Path]:
    return {name: path for name, path in modules() if says_it_is_pure(path.read_text())}


def io_in(source: str) -> list[str]:
    """Return the calls in a module that need no import to do I/O, or that `datetime` has for a clock."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        match node.func:
            case ast.Name(name) if name in BUILT_IN:
                found.append(name)
            case ast.Attribute(attr=name) if name in CLOCKS | FILES:
                found.append(name)
            case ast.Attribute(attr="fromtimestamp") if len(node.args) + len(node.keywords) < 2:
                found.append("fromtimestamp without a zone")
    return found


def test_the_modules_that_say_they_are_pure_are_those_of_the_contract() -> None:
    (contract,) = [each for each in LINTER["contracts"] if each["name"] == CONTRACT]
    assert contract["source_modules"] == sorted(pure_modules())


def test_a_pure_module_reads_no_clock_and_no_file() -> None:
    found = {name: io_in(path.read_text()) for name, path in pure_modules().items()}
    assert len(found) > 60
    assert {name: calls for name, calls in found.items() if calls} == {}


@pytest.mark.parametrize(
    "line",
    [
        "datetime.now(UTC)",
        "dt.datetime.now()",
        "date.today()",
        "datetime.utcnow()",
        "datetime.fromtimestamp(5)",
        "path.read_text()",
        "open('x')",
        "print(1)",
    ],
)
def test_a_planted_clock_or_file_is_found(line: str) -> None:
    assert io_in(f"def f():\n    return {line}\n") != []


def test_a_time_that_is_given_may_be_formatted() -> None:
    assert io_in("datetime.fromtimestamp(unix_s, UTC).isoformat()") == []
    assert io_in("f'{EPOCH + timedelta(seconds=unix_s):%H:%M}'") == []


@pytest.mark.parametrize(
    ("docstring", "expected"),
    [
        ("One idea.\n\nPure. Time is an argument.", True),
        ("One idea.\n\nMore of it.\n\nPure: time is an argument. Rules:", True),
        ("One idea.\n\nPure.\n", True),
        ("One idea. Pure.", False),
        ("One idea.\n\nIt is Pure.", False),
        ("One idea.\n\nPure, bounded: the newest are kept.", False),
        ("One idea.\n\nPurely a wish.", False),
    ],
)
def test_a_module_says_that_it_is_pure_where_a_paragraph_begins(docstring: str, expected: bool) -> None:
    assert says_it_is_pure(f'"""{docstring}"""\n') is expected


if __name__ == "__main__":
    print("\n".join(f'  "{name}",' for name in sorted(pure_modules())))
