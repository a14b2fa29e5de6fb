"""Ids of sessions: each comes after the one before, so that the journal's index of ids grows at its end.

An index of random ids is changed on as many pages as there are admissions in a commit. Among 1,000,000 records, a commit
of 64 admissions writes 700 KiB if keys and ids are random, and 380 KiB if both rise with time (ADR 0035).

An id is no secret: a session belongs to its caller, and nobody else finds or stops it.

Pure.
"""

TICKS_PER_MS = 16  # more ids than that in a millisecond run ahead of the clock
MOST_AHEAD_MS = (
    10 * 24 * 3600 * 1000
)  # of the clock, after it was set back: longer than a journal keeps most sessions


class SessionIds:
    """Names the sessions of one substation: 12 hexadecimal digits that rise with time, and 4 random ones."""

    def __init__(self, substation_id: str, last_id: str) -> None:
        """`last_id` is the highest one up to `highest_id`, '' if there is none: all that are made come after it."""
        self._substation_id = substation_id
        self._last = int(last_id[-16:-4], 16) if last_id else 0

    def next(self, unix_ms: int, random_16_bits: int) -> str:
        """Return the id of a session that starts at a wall time."""
        self._last = max(self._last + 1, unix_ms * TICKS_PER_MS)
        return f"{self._substation_id}.{self._last:012x}{random_16_bits:04x}"


def highest_id(substation_id: str, unix_ms: int) -> str:
    """Return the highest id that counts as made before a wall time; random ids of older versions may be higher."""
    return f"{substation_id}.{(unix_ms + MOST_AHEAD_MS) * TICKS_PER_MS:012x}ffff"
