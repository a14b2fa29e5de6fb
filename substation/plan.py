"""The charging plan: what a session reserves and delivers as grid time goes on.

Pure arithmetic in whole watts, joules and milliseconds of grid time, so that a journal, a client
and an oracle that replay it get the same figures to the last watt. Rules:

- the reservation never rises while a session goes on, and is 0 once it has ended;
- what is delivered never exceeds the energy asked for.
"""

import dataclasses

MS_PER_S = 1000
MOST_J = 10**12  # 278 MWh; at 1 W it still ends at a time that fits into 64 bits


@dataclasses.dataclass(frozen=True, slots=True)
class Plan:
    """A wish to charge: energy in joules, power in watts, stay in ms of grid time (0: no limit)."""

    energy_j: int
    power_w: int
    stay_ms: int = 0

    def __post_init__(self) -> None:
        """Raise ValueError for a plan that nobody could carry out."""
        if not 0 < self.energy_j <= MOST_J or self.power_w <= 0 or self.stay_ms < 0:
            message = f"not a plan: {self}"
            raise ValueError(message)

    @property
    def duration_ms(self) -> int:
        """Grid milliseconds until the car has its energy or leaves, whichever comes first."""
        full_ms = -(-self.energy_j * MS_PER_S // self.power_w)
        return min(full_ms, self.stay_ms) if self.stay_ms else full_ms

    def releases(self) -> tuple[tuple[int, int], ...]:
        """Return when watts are freed: pairs of (grid ms after the start, watts freed)."""
        return ((self.duration_ms, self.power_w),)

    def reserved_w(self, elapsed_ms: int) -> int:
        """Return the watts reserved when `elapsed_ms` of grid time have passed since the start."""
        return self.power_w - sum(freed for after, freed in self.releases() if after <= elapsed_ms)

    def delivered_j(self, elapsed_ms: int) -> int:
        """Return the joules delivered when `elapsed_ms` of grid time have passed since the start."""
        return min(self.energy_j, self.power_w * min(max(elapsed_ms, 0), self.duration_ms) // MS_PER_S)
