"""The readings of the substations' `/metrics`, one by one and of the whole fleet.

Pure.
"""

import dataclasses
from collections.abc import Mapping


@dataclasses.dataclass(frozen=True, slots=True)
class Reading:
    """One substation's `/metrics` at one moment; counters count from the start of its process or of its journal."""

    load_w: float
    capacity_w: float
    sessions_active: int
    epoch: int
    admitted: int
    refused: int
    commits: int
    admission_overload_ws: float
    derating_overload_ws: float
    energy_j: float
    releases_w: tuple[tuple[float, float], ...] = ()  # (within so many seconds, watts freed by then)
    draining: bool = False
    stopped: int = 0  # sessions that were ended early by a stop
    base_load_w: float = 0.0
    paused: int = 0  # how many pauses of sessions began

    @property
    def utilization(self) -> float:
        """Load and base load over capacity."""
        return (self.load_w + self.base_load_w) / self.capacity_w

    @property
    def load_share(self) -> float:
        """The load of the cars alone, over capacity."""
        return self.load_w / self.capacity_w


@dataclasses.dataclass(frozen=True, slots=True)
class FleetSample:
    """The readings of the whole fleet at about one moment; a substation that did not answer is absent."""

    at_unix_s: float
    readings: Mapping[str, Reading]
