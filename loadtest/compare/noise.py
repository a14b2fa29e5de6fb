"""Tests whether two groups of repeats differ by more than chance.

Pure. The test is the exact two-sided rank test of Mann and Whitney (1947). It assumes no distribution, and it is
exact for any number of runs, also with ties: it counts the ways to distribute the ranks over the groups one rank at
a time, as Streitberg and Roehmel (1986) do. Each figure is tested alone. So of twenty figures that do not differ, one
is expected to be called different.
"""

import dataclasses
import enum
import math
from collections.abc import Sequence

CHANCE = 0.05  # a difference that chance makes less often than this is called a difference
FEWEST = 3  # repeats of each group; fewer say nothing about the noise


class Finding(enum.StrEnum):
    """The result of a comparison of two groups."""

    DIFFERS = "differs"
    WITHIN_NOISE = "within noise"
    CANT_TELL = "can't tell"


@dataclasses.dataclass(frozen=True, slots=True)
class Assessment:
    """A finding, with `why` if the groups can't be told apart.

    `chance` is the probability of a difference at least as large if the groups do not differ.
    """

    finding: Finding
    why: str = ""
    chance: float | None = None

    def __str__(self) -> str:
        return f"{self.finding}: {self.why}" if self.why else str(self.finding)


def judge(first: Sequence[float], second: Sequence[float]) -> Assessment:
    """Return whether two groups of values differ; each value is of one run."""
    fewer = min(len(first), len(second))
    if fewer == 0:
        return Assessment(Finding.CANT_TELL, "not measured")
    if fewer == 1:
        return Assessment(Finding.CANT_TELL, "one run only")
    if fewer < FEWEST or least_chance(len(first), len(second)) >= CHANCE:
        return Assessment(Finding.CANT_TELL, f"{fewer} runs, {_enough()} needed")
    chance = rank_test(first, second)
    return Assessment(Finding.DIFFERS if chance < CHANCE else Finding.WITHIN_NOISE, chance=chance)


def least_chance(first: int, second: int) -> float:
    """Return the lowest probability that the test can give for so many values: no overlap of the groups."""
    return min(2 / math.comb(first + second, first), 1.0)


def _enough() -> int:
    return next(count for count in range(FEWEST, 100) if least_chance(count, count) < CHANCE)


def rank_test(first: Sequence[float], second: Sequence[float]) -> float:
    """Return the probability that chance alone makes two groups at least as different as these."""
    ranks = _doubled_ranks([*first, *second])
    # The expected sum of the first group's ranks, times the number of values: integers compare exactly.
    expected = len(first) * sum(ranks)
    observed = abs(sum(ranks[: len(first)]) * len(ranks) - expected)
    ways = _ways(ranks, len(first))
    as_different = sum(
        count for total, count in ways.items() if abs(total * len(ranks) - expected) >= observed
    )
    return as_different / math.comb(len(ranks), len(first))


def _doubled_ranks(values: Sequence[float]) -> list[int]:
    """Return twice the rank of each value; equal values share the mean of their ranks."""
    return [
        sum(2 * (other < value) + (other == value) for other in values) + 1 for value in values
    ]  # below + (equal + 1) / 2, doubled


def _ways(ranks: Sequence[int], chosen: int) -> dict[int, int]:
    """Return in how many ways `chosen` of the ranks give each sum."""
    by_count: list[dict[int, int]] = [{0: 1}, *({} for _ in range(chosen))]
    for rank in ranks:
        for count in range(chosen, 0, -1):
            for total, ways in by_count[count - 1].items():
                by_count[count][total + rank] = by_count[count].get(total + rank, 0) + ways
    return by_count[chosen]
