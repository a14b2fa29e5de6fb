"""A grid under faults, in virtual time: the short form of `make simulate`."""

import gc
import subprocess
import sys
from pathlib import Path

import pytest

from tests.simulation.network import Conditions
from tests.simulation.run import run
from tests.simulation.scenario import KINDS, scenario

SEEDS = 400
AT_ONCE = 25


@pytest.mark.parametrize("first", range(1, SEEDS + 1, AT_ONCE))
def test_no_seed_finds_a_fault(first: int) -> None:
    for seed in range(first, first + AT_ONCE):
        result = run(seed)
        assert not result.violations, (
            f"seed {seed}: {result.violations}; again: python -m tests.simulation --seed {seed}"
        )


def test_seeds_leave_no_descriptor_open() -> None:
    for seed in range(1, 6):
        run(seed)
    gc.collect()
    links = [str(each.readlink()) for each in Path("/proc/self/fd").iterdir() if each.is_symlink()]
    assert [each for each in links if "simulation-" in each] == []


def test_a_seed_is_played_again_byte_for_byte_in_another_process() -> None:
    """Another process has other addresses and another order of sets."""
    seeds = (7, 9)
    code = f"from tests.simulation.run import run; print(*(run(seed).digest for seed in {seeds}))"
    printed = [
        subprocess.run(
            [sys.executable, "-W", "ignore", "-c", code],
            env={"PYTHONHASHSEED": number},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()
        for number in ("1", "2")
    ]
    assert printed[0] == printed[1] == [run(seed).digest for seed in seeds]
    assert printed[0][0] != printed[0][1]


def test_faults_of_every_kind_come() -> None:
    made = [scenario(seed) for seed in range(200)]
    kinds = {fault.kind for each in made for fault in each.faults}
    assert kinds == {kind for kind in KINDS if not kind.startswith("crash")} | {"crash"}
    assert {each.balancer_count for each in made} == {1, 2, 3}
    assert any(not each.faults for each in made)


def test_what_is_cut_off_in_one_direction_is_open_in_the_other() -> None:
    conditions = Conditions()
    conditions.cut["a", "b"] = 1
    assert not conditions.open("a", "b")
    assert conditions.open("b", "a")
