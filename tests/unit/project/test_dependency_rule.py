"""The dependency rule bites: each planted violation is found by its name, and the tree has none."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PACKAGES = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["root_packages"]
ABSENT = {"__init__.py": '"""Not here yet."""\n', "arrivals.py": '"""Not here yet."""\n'}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of all packages and of the rule; one that is not here yet is a stub."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for package in PACKAGES:
        if (ROOT / package).is_dir():
            shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            (tmp_path / package).mkdir()
            for name, text in ABSENT.items():
                (tmp_path / package / name).write_text(text)
    return tmp_path


def lint(tree: Path) -> tuple[int, str]:
    program = "import sys; from importlinter.cli import lint_imports_command as run; sys.exit(run(['--no-cache', '--no-logo']))"
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tree,
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(tree), "COLUMNS": "200"},
    )
    return done.returncode, done.stdout + done.stderr


def plant(tree: Path, module: str, line: str) -> None:
    path = tree / module
    path.write_text((path.read_text() if path.exists() else '"""Planted."""\n') + f"\n{line}\n")


def test_the_tree_keeps_the_rule(tree: Path) -> None:
    code, told = lint(tree)
    assert code == 0, told
    assert "0 broken" in told


@pytest.mark.parametrize(
    ("module", "line", "named"),
    [
        ("balancer/fleet/view.py", "import time", ["balancer.fleet.view", "time", "do no I/O"]),
        ("substation/ledger.py", "import datetime", ["substation.ledger", "datetime", "do no I/O"]),
        ("gateway/charge.py", "import substation.ledger", ["gateway.charge", "substation.ledger"]),
        (
            "balancer/fleet/scan.py",
            "import balancer.fleet.poller",
            ["balancer.fleet.scan", "balancer.fleet.poller"],
        ),
        ("gateway/utils.py", "", ["gateway.utils"]),
        ("substation/writer.py", "import balancer.contract", ["substation.writer", "balancer.contract"]),
        ("runtime/http.py", "import substation.contract", ["runtime.http", "substation.contract"]),
        ("gateway/handlers.py", "import balancer.fleet.view", ["gateway.handlers", "balancer.fleet.view"]),
    ],
    ids=[
        "a core reads the clock",
        "a core reads the date",
        "the gateway reaches into the substation",
        "a core uses an I/O module",
        "a module that no layer has",
        "a call that points up",
        "the frame knows the domain",
        "the gateway reaches into the balancer",
    ],
)
def test_a_planted_violation_is_found(tree: Path, module: str, line: str, named: list[str]) -> None:
    plant(tree, module, line)
    code, told = lint(tree)
    assert code != 0
    broken = told[told.index("Broken contracts") :] if "Broken contracts" in told else told
    assert [name for name in named if name not in broken] == []
