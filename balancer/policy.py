"""Placement policies: which of the substations that could take a request gets it."""

import dataclasses
from collections.abc import Sequence
from typing import Protocol


class Random(Protocol):
    """The one thing a policy needs of a random generator."""

    def random(self) -> float:
        """Return a float in [0, 1)."""


@dataclasses.dataclass(frozen=True, slots=True)
class Candidate:
    """A substation that may be asked: its estimated load and its capacity, in watts."""

    substation_id: str
    estimate_w: float
    capacity_w: int


class Policy(Protocol):
    """Chooses among candidates that all have room; there is at least one."""

    def __call__(self, candidates: Sequence[Candidate], demand_w: int, rng: Random) -> Candidate:
        """Return the chosen one."""


def least_loaded(candidates: Sequence[Candidate], demand_w: int, rng: Random) -> Candidate:
    """Return the candidate whose utilization with the demand would be lowest; ties at random.

    Over fresh estimates this is join-the-shortest-queue by utilization (docs/adr/0002).
    """
    return min(candidates, key=lambda c: ((c.estimate_w + demand_w) / c.capacity_w, rng.random()))
