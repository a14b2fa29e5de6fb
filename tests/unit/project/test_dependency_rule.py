"""The dependency rule bites: each planted violation is found by its name, and the tree has none."""

import shutil
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PACKAGES = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["root_packages"]
ABSENT = {"__init__.py": '"""Not here yet."""\n', "arrivals.py": '"""Not here yet."""\n'}
PLANTED = {  # module, line, what the linter names
    "a core reads the clock": (
        "balancer/fleet/view.py",
        "import time",
        ["balancer.fleet.view", "time", "do no I/O"],
    ),
    "a core opens a socket": (
        "substation/ledger.py",
        "import socket",
        ["substation.ledger", "socket", "do no I/O"],
    ),
    "the gateway reaches into the substation": (
        "gateway/charge.py",
        "import substation.ledger",
        ["gateway.charge", "substation.ledger"],
    ),
    "a core uses an I/O module": (
        "balancer/fleet/scan.py",
        "import balancer.fleet.poller",
        ["balancer.fleet.scan", "balancer.fleet.poller"],
    ),
    "a module that no layer has": ("gateway/utils.py", "", ["gateway.utils"]),
    "a call that points up": (
        "substation/writer.py",
        "import balancer.contract",
        ["substation.writer", "balancer.contract"],
    ),
    "the frame knows the domain": (
        "runtime/http.py",
        "import substation.contract",
        ["runtime.http", "substation.contract"],
    ),
    "the gateway reaches into the balancer": (
        "gateway/handlers.py",
        "import balancer.fleet.view",
        ["gateway.handlers", "balancer.fleet.view"],
    ),
    "a service spells a message": (
        "substation/stream.py",
        "import substation.proto.substation_pb2",
        ["substation.stream", "substation_pb2", "Only the wire modules"],
    ),
    "the gateway reads what a substation sends": (
        "gateway/balancer_stream.py",
        "import substation.wire",
        ["gateway.balancer_stream", "substation.wire", "substation is known by"],
    ),
}
# Lints one tree after the other, each in a fork of its own: the linter is loaded once, and no tree sees another's modules.
LINTER = """
import os, subprocess, sys
from importlinter.cli import lint_imports_command as run
for tree in sys.argv[1:]:
    if not os.fork():
        os.chdir(tree)
        sys.path.insert(0, tree)
        told = os.open("told.txt", os.O_WRONLY | os.O_CREAT)
        os.dup2(told, 1)
        os.dup2(told, 2)
        sys.exit(run(["--no-cache", "--no-logo"]))
    _, status = os.wait()
    print(os.waitstatus_to_exitcode(status))
"""


def copied(tree: Path) -> Path:
    """Copy all packages and the rule; a package that is not here yet is a stub."""
    tree.mkdir()
    shutil.copy(ROOT / "pyproject.toml", tree)
    for package in PACKAGES:
        if (ROOT / package).is_dir():
            shutil.copytree(ROOT / package, tree / package, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            (tree / package).mkdir()
            for name, text in ABSENT.items():
                (tree / package / name).write_text(text)
    return tree


def plant(tree: Path, module: str, line: str) -> None:
    path = tree / module
    path.write_text((path.read_text() if path.exists() else '"""Planted."""\n') + f"\n{line}\n")


@pytest.fixture(scope="module")
def linted(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, tuple[int, str]]:
    """Exit code and output of the linter: of the tree as it is, under "", and with each violation alone."""
    folder = tmp_path_factory.mktemp("trees")
    trees = {name: copied(folder / str(number)) for number, name in enumerate(["", *PLANTED])}
    for name, (module, line, _) in PLANTED.items():
        plant(trees[name], module, line)
    done = subprocess.run(
        [sys.executable, "-c", LINTER, *map(str, trees.values())],
        cwd=folder,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        env={"COLUMNS": "200"},
    )
    codes = map(int, done.stdout.split())
    return {
        name: (code, (tree / "told.txt").read_text())
        for (name, tree), code in zip(trees.items(), codes, strict=True)
    }


def test_the_tree_keeps_the_rule(linted: Mapping[str, tuple[int, str]]) -> None:
    code, told = linted[""]
    assert code == 0, told
    assert "0 broken" in told


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_violation_is_found(linted: Mapping[str, tuple[int, str]], name: str) -> None:
    *_, named = PLANTED[name]
    code, told = linted[name]
    assert code != 0
    broken = told[told.index("Broken contracts") :] if "Broken contracts" in told else told
    assert [each for each in named if each not in broken] == []
