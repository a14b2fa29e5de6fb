"""Each planted bug is found by the simulation: by the seed that is known to find it, or by another one.

A change of the services changes what happens under a seed. Then others are tried, which takes longer, until
`python -m tests.simulation.hunt` has written the new ones down.
"""

import itertools

import pytest

from tests.simulation.caught import CAUGHT
from tests.simulation.hunt import MOST_SEEDS
from tests.simulation.planted import PLANTED
from tests.simulation.run import run, simulate
from tests.simulation.scenario import scenario
from tests.simulation.shrink import shrunk


def test_every_planted_bug_has_a_seed() -> None:
    assert set(CAUGHT) == set(PLANTED)


@pytest.mark.parametrize("name", sorted(PLANTED))
def test_a_planted_bug_is_found(name: str) -> None:
    with PLANTED[name]():
        assert any(run(seed).violations for seed in itertools.chain([CAUGHT[name]], range(1, MOST_SEEDS + 1)))


def test_without_the_bugs_these_seeds_find_nothing() -> None:
    for seed in sorted(set(CAUGHT.values())):
        assert not run(seed).violations, seed


def test_a_seed_that_fails_shrinks_to_fewer_faults_and_cars() -> None:
    name = "a_request_goes_on_after_an_unknown_outcome"
    made = scenario(CAUGHT[name])
    with PLANTED[name]():
        smaller, result = shrunk(made, most_runs=40)
        assert result.violations
        assert simulate(smaller).digest == result.digest
    assert len(smaller.faults) < len(made.faults)
    assert len(smaller.cars) < len(made.cars)
    assert not simulate(smaller).violations
