"""What a module keeps for itself is used there: a merge that drops the one call of a function is noticed."""

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.support.grid import ROOT

PRODUCTION = ("admin_ui", "balancer", "deploy", "gateway", "loadtest", "monitoring", "runtime", "substation")


def modules() -> Iterator[Path]:
    """Yield the modules that run in production."""
    for folder in PRODUCTION:
        yield from (path for path in (ROOT / folder).rglob("*.py") if "_pb2" not in path.name)


def unused(source: str) -> list[str]:
    """Return the private functions and classes of a module's top level that it never names."""
    tree = ast.parse(source)
    nodes = list(ast.walk(tree))
    named = {node.id for node in nodes if isinstance(node, ast.Name)}
    named |= {  # in a quoted annotation
        word.strip("'\" []|,")
        for node in nodes
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        for word in node.value.split()
    }
    made = [
        node for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    ]
    return [node.name for node in made if node.name.startswith("_") and node.name not in named]


def test_every_private_function_of_a_module_is_used_in_it() -> None:
    found = {str(path.relative_to(ROOT)): unused(path.read_text(encoding="utf-8")) for path in modules()}
    assert len(found) > 200
    assert {name: names for name, names in found.items() if names} == {}


def test_a_function_whose_only_call_is_gone_is_found() -> None:
    assert unused("def _made() -> None: ...\n\ndef _used() -> None: ...\n\n_used()\n") == ["_made"]
