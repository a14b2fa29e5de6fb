"""Axes: their scales, their ticks, and the text of a tick.

Pure. Ticks are multiples of 1, 2 or 5 times a power of ten, as a person would choose them.
"""

import dataclasses
import itertools
import math

STEPS = (1.0, 2.0, 5.0, 10.0)
MOST_TICKS = 1_000  # a step that is tiny beside the values would make ticks without end
SHARES = (0.0, 0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999)


@dataclasses.dataclass(frozen=True, slots=True)
class Linear:
    """A scale from the values [low, high] to the places [start, end]."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Return the place of a value; a scale without extent has every value at its start."""
        if self.high <= self.low:
            return self.start
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)


@dataclasses.dataclass(frozen=True, slots=True)
class Logarithmic:
    """A logarithmic scale from the values [low, high], `low` > 0, to the places [start, end]."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Return the place of a value; a value below `low` is at the start."""
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
    return tuple(round(n * width, 12) for n in itertools.islice(multiples, MOST_TICKS))


def decade_ticks(low: float, high: float) -> tuple[float, ...]:
    """Return 1, 2 and 5 times each power of ten within [low, high]; over more than three decades the powers only."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    per_decade = (1, 2, 5) if math.log10(high / low) <= 3 else (1,)
    found = (round(each * 10.0**power, 12) for power in decades for each in per_decade)
    return tuple(each for each in found if low <= each <= high)


def tail(share: float) -> float:
    """Return how many nines a share has: 1 for 0.9, 2 for 0.99. A latency axis in nines gives its tail room."""
    return -math.log10(1.0 - share)


def share_ticks(count: int) -> tuple[float, ...]:
    """Return the shares that `count` values can tell apart from the largest value."""
    return tuple(share for share in SHARES if share <= 1 - 1 / max(count, 1))


def tick_text(value: float) -> str:
    """Return a value with commas between thousands, and without trailing zeros."""
    text = f"{value:,.6f}".rstrip("0").rstrip(".")
    return "0" if text in {"", "-0"} else text
