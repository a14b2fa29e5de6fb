"""The rules of this repository that no linter knows: sizes, names, what a folder says of itself."""

import ast
import functools
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SERVICES = [
    name
    for name in ("gateway", "balancer", "substation", "admin_ui", "loadtest", "runtime")
    if (ROOT / name).is_dir()
]
FOLDERS = [name for name in (*SERVICES, "deploy", "monitoring", "tests") if (ROOT / name).is_dir()]
MODULE_LINES = 300
# Without docstrings, of the class and of its methods: what is explained is no longer for it.
CLASS_LINES = 120
FUNCTION_LINES = 40
MAIN_LINES = 25
README_LINES = 120
TOO_LONG = {  # classes over their budget: this set may only shrink
    "admin_ui/alarms/lifecycle.py:Alarms",
    "admin_ui/grid/board.py:Board",
    "loadtest/send/engine.py:Engine",
}
# Modules of tests over the budget of all modules: this set may only shrink.
LONG_TESTS = {
    "tests/console/alarms/test_alarms.py",
    "tests/console/rush/test_rush.py",
    "tests/console/screenshots.py",
    "tests/integration/admin_ui/test_login.py",
    "tests/integration/admin_ui/test_orders.py",
    "tests/integration/test_substation.py",
    "tests/property/test_writer_model.py",
    "tests/support/virtual_grid.py",
    "tests/unit/balancer/book/test_embedded_book.py",
    "tests/unit/runtime/test_http_server.py",
    "tests/unit/substation/test_writer.py",
}
VAGUE = {"common", "utils", "util", "helpers", "helper", "manager", "managers", "misc"}


def modules(*folders: str) -> Iterator[Path]:
    for folder in folders:
        yield from (p for p in (ROOT / folder).rglob("*.py") if "_pb2" not in p.name)


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


@functools.cache
def parsed(path: Path) -> ast.Module:
    """Return the syntax tree of a module; several tests read all of them."""
    return ast.parse(path.read_text())


@pytest.fixture(scope="module", autouse=True)
def _trees_are_dropped() -> Iterator[None]:
    """Drop the trees at the end: half a million nodes would slow each garbage collection of later tests."""
    yield
    parsed.cache_clear()


def statements(of: ast.AST) -> Iterator[ast.AST]:
    """Yield all statements within a node. Expressions, most of a tree, hold no function and no class."""
    for node in ast.iter_child_nodes(of):
        if isinstance(node, ast.stmt | ast.excepthandler | ast.match_case):
            yield node
            yield from statements(node)


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in statements(parsed(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def classes(path: Path) -> Iterator[tuple[str, int]]:
    """Yield the classes of a module with their lines, docstrings left out."""
    for node in statements(parsed(path)):
        if isinstance(node, ast.ClassDef):
            lines = set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
            for each in (node, *statements(node)):
                if isinstance(
                    each, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
                ) and ast.get_docstring(each):
                    said = each.body[0]
                    lines -= set(range(said.lineno, (said.end_lineno or said.lineno) + 1))
            yield node.name, len(lines)


def test_there_is_something_to_check() -> None:
    assert {"gateway", "balancer", "substation", "runtime", "tests"} <= set(FOLDERS)
    assert len(list(modules(*FOLDERS))) > 50


def test_no_module_is_longer_than_its_budget() -> None:
    """One that has come within its budget leaves the set."""
    lengths = {named(path): len(path.read_text().splitlines()) for path in modules(*FOLDERS)}
    over = {name: lines for name, lines in lengths.items() if lines > MODULE_LINES}
    assert {name: lines for name, lines in over.items() if name not in LONG_TESTS} == {}
    assert sorted(LONG_TESTS - over.keys()) == []


def test_no_class_is_longer_than_its_budget() -> None:
    """Tests are exempt. A class that has come within its budget leaves the set."""
    folders = [name for name in FOLDERS if name != "tests"]
    lengths = {f"{named(path)}:{name}": lines for path in modules(*folders) for name, lines in classes(path)}
    assert len(lengths) > 300
    over = {name: lines for name, lines in lengths.items() if lines > CLASS_LINES}
    assert {name: lines for name, lines in over.items() if name not in TOO_LONG} == {}
    assert sorted(TOO_LONG - over.keys()) == []


def test_the_lines_of_a_class_are_counted_without_docstrings(tmp_path: Path) -> None:
    source = 'class A:\n    """One.\n\n    Two.\n    """\n\n    def f(self):\n        """Three."""\n        return 1\n'
    (tmp_path / "a.py").write_text(source)
    assert list(classes(tmp_path / "a.py")) == [("A", 4)]


def test_no_function_is_longer_than_its_budget() -> None:
    lengths = {
        f"{named(path)}:{f.name}": (f.end_lineno or f.lineno) - f.lineno + 1
        for path in modules(*FOLDERS)
        for f in functions(path)
    }
    assert {name: lines for name, lines in lengths.items() if lines > FUNCTION_LINES} == {}


@pytest.mark.parametrize("service", SERVICES)
def test_an_entry_point_is_short(service: str) -> None:
    main = ROOT / service / "__main__.py"
    assert not main.exists() or len(main.read_text().splitlines()) <= MAIN_LINES


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_says_what_it_owns_and_what_it_never_does_and_no_more(service: str) -> None:
    tree = ast.parse((ROOT / service / "__init__.py").read_text())
    assert len(tree.body) == 1
    docstring = ast.get_docstring(tree)
    assert docstring
    assert "never" in docstring


def test_every_module_opens_with_its_responsibility() -> None:
    silent = [
        named(p) for p in modules(*SERVICES) if p.parent.name != "proto" and not ast.get_docstring(parsed(p))
    ]
    assert silent == []


def test_nothing_has_a_name_that_says_nothing() -> None:
    assert [named(p) for p in modules(*FOLDERS) if VAGUE & {p.stem, p.parent.name}] == []


def test_the_readme_is_short() -> None:
    readme = ROOT / "README.md"
    assert not readme.exists() or len(readme.read_text().splitlines()) <= README_LINES
