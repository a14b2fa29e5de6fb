"""Which substations are asked next, when there may be too many to ask all at once.

Pure.
"""

from collections.abc import Iterable


class Turns:
    """Hands out names, at most `most` at a time; each comes once before any comes again."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._had: set[str] = set()

    def next_of(self, names: Iterable[str]) -> list[str]:
        """Return the next of `names`, which may have changed since."""
        present = set(names)
        if present <= self._had:
            self._had.clear()
        chosen = sorted(present - self._had)[: self._most]
        self._had.update(chosen)
        return chosen
