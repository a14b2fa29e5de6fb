"""Means of what the fleet carries, over windows of a fixed length: what the console keeps for days.

Pure. Rules:

- a window begins at a multiple of its length in unix seconds, and its mean is that of the seconds that are known;
- a window without a known second has no mean: it is a gap, and no value is invented;
- a window is over when a second of a later one comes.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

FLEET = ""  # the name of the fleet's own figures; no substation can have it


class Figures(NamedTuple):
    """What a substation or the fleet carries: loads and limits in kW (`load_kw` is that of the cars), and its sessions.

    `rated_kw` is what it is rated for; of the fleet, also what is not usable counts.
    """

    load_kw: float
    base_load_kw: float
    capacity_kw: float
    sessions: float
    rated_kw: float


NONE = Figures(*[0.0] * len(Figures._fields))


class Mean(NamedTuple):
    """The mean of a window that begins at `at_s` (unix seconds), of `seconds` known ones."""

    name: str
    at_s: int
    figures: Figures
    seconds: int


class Means:
    """Takes figures in the order of their seconds, and returns the means of windows that are over."""

    def __init__(self, step_s: int) -> None:
        """`step_s` is the length of a window."""
        self._step_s = step_s
        self._at_s: int | None = None
        self._sums: dict[str, tuple[int, Figures]] = {}

    def put(self, at_s: int, known: Mapping[str, Figures]) -> list[Mean]:
        """Take the figures of one second, by name; returns the means that this ends."""
        return self.put_means(Mean(name, at_s, figures, 1) for name, figures in known.items())

    def put_means(self, means: Iterable[Mean]) -> list[Mean]:
        """Take means of shorter windows; returns the means that these end."""
        ended: list[Mean] = []
        for mean in means:
            at_s = mean.at_s - mean.at_s % self._step_s
            if at_s != self._at_s:
                ended += self.end()
                self._at_s = at_s
            count, sums = self._sums.get(mean.name, (0, NONE))
            added = Figures(
                *(one + mean.seconds * other for one, other in zip(sums, mean.figures, strict=True))
            )
            self._sums[mean.name] = (count + mean.seconds, added)
        return ended

    def end(self) -> list[Mean]:
        """End the open window before its time, as at a stop; returns its means, of the seconds that it had."""
        ended = [
            Mean(name, self._at_s or 0, Figures(*(value / count for value in sums)), count)
            for name, (count, sums) in self._sums.items()
        ]
        self._sums = {}
        return ended
