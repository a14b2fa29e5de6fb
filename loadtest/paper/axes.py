"""Axes: where their ticks are, how a tick is written, and where on the paper a value is.

Pure. Ticks are multiples of 1, 2 or 5 times a power of ten, as a person would choose them.
"""

import dataclasses
import itertools
import math

STEPS = (1.0, 2.0, 5.0, 10.0)
TOO_MANY = 1_000  # ticks: a step that is nothing beside the values would never end
SHARES = (0.0, 0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999)


@dataclasses.dataclass(frozen=True, slots=True)
class Linear:
    """A scale from the values [low, high] to the places [start, end]."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Return the place of a value; all of a scale without extent are at its start."""
        if self.high <= self.low:
            return self.start
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)


@dataclasses.dataclass(frozen=True, slots=True)
class Logarithmic:
    """A scale in which each tenfold is equally far; values from `low` > 0 on."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Return the place of a value; what is below `low` is at the start."""
        linear = Linear(math.log10(self.low), math.log10(self.high), self.start, self.end)
        return linear(math.log10(max(value, self.low)))


def step(low: float, high: float, about: int) -> float:
    """Return the step that gives at most `about` intervals over [low, high]."""
    raw = (high - low) / max(about, 1)
    if not raw > 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(raw))
    return next((each * power for each in STEPS if each * power >= raw * (1 - 1e-9)), 10 * power)


def ticks(low: float, high: float, about: int = 5) -> tuple[float, ...]:
    """Return the multiples of one step within [low, high], in order."""
    width = step(low, high, about)
    first = math.ceil(low / width - 1e-9)
    multiples = itertools.takewhile(lambda n: n * width <= high + 1e-9 * width, itertools.count(first))
    return tuple(round(n * width, 12) for n in itertools.islice(multiples, TOO_MANY))


def decade_ticks(low: float, high: float) -> tuple[float, ...]:
    """Return 1, 2 and 5 times each power of ten within [low, high]; the powers alone beyond three of them."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    per_decade = (1, 2, 5) if math.log10(high / low) <= 3 else (1,)
    found = (round(each * 10.0**power, 12) for power in decades for each in per_decade)
    return tuple(each for each in found if low <= each <= high)


def tail(share: float) -> float:
    """Return how many nines a share has: 0.9 is 1, 0.99 is 2; the more of them, the more room its tail gets."""
    return -math.log10(1.0 - share)


def share_ticks(count: int) -> tuple[float, ...]:
    """Return the shares that `count` values can tell from the largest."""
    return tuple(share for share in SHARES if share <= 1 - 1 / max(count, 1))


def written(value: float) -> str:
    """Return a value as a tick is written: thousands apart, no digits that say nothing."""
    text = f"{value:,.6f}".rstrip("0").rstrip(".")
    return "0" if text in {"", "-0"} else text
