"""Placement policies: which of the substations that could take a request gets it."""

import dataclasses
import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol


class Random(Protocol):
    """The one thing a policy needs of a random generator."""

    def random(self) -> float:
        """Return a float in [0, 1)."""


@dataclasses.dataclass(frozen=True, slots=True)
class Candidate:
    """A substation that may be asked, in watts: its estimated load, its capacity, its load by the last poll."""

    substation_id: str
    estimate_w: float
    capacity_w: int
    polled_w: int = 0


DEFAULT_POLICY = "least_loaded"

Choose = Callable[[Sequence[Candidate], int, Random], Candidate]


@dataclasses.dataclass(frozen=True, slots=True)
class Policy:
    """`choose` picks among candidates that all have room, at least one, by `load` in watts."""

    choose: Choose
    load: Callable[[Candidate], float] = lambda candidate: candidate.estimate_w

    def pick(self, candidates: Sequence[Candidate], demand_w: int, rng: Random) -> Candidate | None:
        """Return whom to ask for `demand_w`; None when nobody has room."""
        fitting = [c for c in candidates if self.load(c) + demand_w <= c.capacity_w]
        return self.choose(fitting, demand_w, rng) if fitting else None


def policies() -> Mapping[str, Policy]:
    """Return the policies by their names, with fresh state."""
    return {
        "least_loaded": Policy(least_loaded),
        "power_of_two": Policy(power_of_two),
        "round_robin": Policy(RoundRobin()),
        "random": Policy(uniform),
        "snapshot_least_loaded": Policy(snapshot_least_loaded, lambda candidate: candidate.polled_w),
    }


def least_loaded(candidates: Sequence[Candidate], demand_w: int, rng: Random) -> Candidate:
    """Return the candidate whose utilization with the demand would be lowest; ties at random.

    Over fresh estimates this is join-the-shortest-queue by utilization (docs/adr/0002).
    """
    return min(candidates, key=lambda c: ((c.estimate_w + demand_w) / c.capacity_w, rng.random()))


def snapshot_least_loaded(candidates: Sequence[Candidate], demand_w: int, rng: Random) -> Candidate:
    """Return the least utilized by the last poll alone: the naive way, which herds. For comparison."""
    return min(candidates, key=lambda c: ((c.polled_w + demand_w) / c.capacity_w, rng.random()))


def power_of_two(candidates: Sequence[Candidate], demand_w: int, rng: Random) -> Candidate:
    """Return the less loaded of two drawn at random (Mitzenmacher 2001)."""
    first = int(rng.random() * len(candidates))
    second = int(rng.random() * (len(candidates) - 1)) if len(candidates) > 1 else first
    second += second >= first and len(candidates) > 1
    return least_loaded([candidates[first], candidates[second]], demand_w, rng)


def uniform(candidates: Sequence[Candidate], demand_w: int, rng: Random) -> Candidate:  # noqa: ARG001
    """Return any, each with the same probability."""
    return candidates[int(rng.random() * len(candidates))]


class RoundRobin:
    """Returns one after the other, in the order of their ids."""

    def __init__(self) -> None:
        self._turn = itertools.count()

    def __call__(self, candidates: Sequence[Candidate], demand_w: int, rng: Random) -> Candidate:  # noqa: ARG002
        """Return the next."""
        ordered = sorted(candidates, key=lambda c: c.substation_id)
        return ordered[next(self._turn) % len(ordered)]
