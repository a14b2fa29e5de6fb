"""What the base load that counts is known by.

Pure.
"""

from enum import StrEnum


class Basis(StrEnum):
    """What the base load that counts is known by; the order is that of preference."""

    SOURCE = "source"  # the profile, or the newest reading of a meter that is not silent
    FORECAST = "forecast"  # the upper bound that a balancer forecast
    HIGHEST_READING = "highest_reading"  # of the last 24 h
    LAST_KNOWN = "last_known"  # the newest reading, however old, or what the meter began with

    @property
    def assumed(self) -> bool:
        """Whether the source is silent, so that an assumption counts."""
        return self is not Basis.SOURCE
