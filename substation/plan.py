"""The charging plan: what a session reserves, draws and delivers over grid time.

A battery takes constant current up to about 80 % of its charge, and then constant voltage: the
power falls exponentially until it is a tenth (CC-CV; see docs/explanation/charging.md). A car is
taken to be full when it has the energy that it asked for, so its last fifth is tapered. The
reservation follows in quarters from above, so that a substation gets back what a car no longer draws.

Pure. The arithmetic is in whole watts, joules and milliseconds of grid time, so that a journal, a client
and an oracle that replay it get the same figures to the last watt. Rules:

- the reservation never rises during a session, and is 0 once it has ended;
- the draw never exceeds the reservation;
- what is delivered never exceeds the energy asked for, and equals it when the session is full.
"""

import dataclasses
import math

from runtime.values import value

MS_PER_S = 1000
MOST_J = 10**12  # 278 MWh; at 1 W it still ends at a time that fits into 64 bits
MILLION = 1_000_000

# The taper, in units of energy / power, the time that the whole charge would take at full power.
FULL_SHARE = 0.8  # of the energy comes at full power
CUT_OFF = 0.1  # of the full power: there the battery is full
TAU = (1 - FULL_SHARE) / (1 - CUT_OFF)  # so that the exponential delivers the last fifth
QUARTERS = (3, 2, 1)  # the reservation follows when the draw has fallen to so many quarters
KNEE = round(FULL_SHARE * MILLION)


def _millionths(share: float) -> int:
    """Return when the draw has fallen to a share of the full power, in millionths of energy / power."""
    return math.ceil((FULL_SHARE + TAU * math.log(1 / share)) * MILLION)


STEPS_AT = tuple((_millionths(quarters / 4), quarters) for quarters in QUARTERS)
FULL_AT = _millionths(CUT_OFF)


@value(frozen=True, slots=True)
class Plan:
    """A charging plan: energy in joules, power in watts, stay in ms of grid time (0: no limit).

    Without `taper` the power is constant to the end, as in journals from before the taper. `duration_ms` is the grid time
    until the car has its energy or leaves, whichever comes first.
    """

    energy_j: int
    power_w: int
    stay_ms: int = 0
    taper: bool = True
    duration_ms: int = dataclasses.field(
        init=False, repr=False, compare=False
    )  # it is asked for all the time

    def __post_init__(self) -> None:
        """Raise ValueError for an impossible plan."""
        energy_j, power_w, stay_ms = self.energy_j, self.power_w, self.stay_ms
        if not 0 < energy_j <= MOST_J or power_w <= 0 or stay_ms < 0:
            raise ValueError(f"not a plan: {self}")
        millionths = FULL_AT if self.taper else MILLION
        full_ms = -(-energy_j * MS_PER_S * millionths // (power_w * MILLION))  # as `_after`
        object.__setattr__(self, "duration_ms", min(full_ms, stay_ms) if stay_ms else full_ms)

    def releases(self) -> tuple[tuple[int, int], ...]:
        """Return when watts are freed: pairs of (grid ms after the start, watts freed), no two at once."""
        freed: list[tuple[int, int]] = []
        power_w = reserved_w = self.power_w
        duration_ms, energy_mj, scaled_w = self.duration_ms, self.energy_j * MS_PER_S, power_w * MILLION
        for at, quarters in STEPS_AT if self.taper else ():
            after_ms, kept_w = -(-energy_mj * at // scaled_w), -(-power_w * quarters // 4)  # as `_after`
            if after_ms >= duration_ms:
                break  # and so is each later step
            if kept_w < reserved_w:
                if freed and freed[-1][0] == after_ms:
                    reserved_w += freed.pop()[1]
                freed.append((after_ms, reserved_w - kept_w))
                reserved_w = kept_w
        return (*freed, (duration_ms, reserved_w))

    def reserved_w(self, elapsed_ms: int) -> int:
        """Return the watts reserved when `elapsed_ms` of grid time have passed since the start."""
        if elapsed_ms >= self.duration_ms:
            return 0
        for at, quarters in reversed(STEPS_AT) if self.taper else ():
            if self._after(at) <= elapsed_ms:
                return -(-self.power_w * quarters // 4)
        return self.power_w

    def draw_w(self, elapsed_ms: int) -> float:
        """Return the watts drawn when `elapsed_ms` of grid time have passed since the start."""
        if not 0 <= elapsed_ms < self.duration_ms:
            return 0.0
        if not self._past_knee(elapsed_ms):
            return self.power_w
        return min(self.power_w * self._share(elapsed_ms), self.reserved_w(elapsed_ms))

    def delivered_j(self, elapsed_ms: int) -> int:
        """Return the joules delivered when `elapsed_ms` of grid time have passed since the start."""
        if elapsed_ms <= 0:
            return 0
        elapsed_ms = min(elapsed_ms, self.duration_ms)
        if elapsed_ms >= self._full_ms:
            return self.energy_j
        if not self._past_knee(elapsed_ms):
            return self.power_w * elapsed_ms // MS_PER_S
        tapered_j = TAU * (1 - self._share(elapsed_ms)) * self.energy_j
        return min(self.energy_j, int(self.energy_j * KNEE / MILLION + tapered_j))

    @property
    def _full_ms(self) -> int:
        return self._after(FULL_AT if self.taper else MILLION)

    def _past_knee(self, elapsed_ms: int) -> int:
        """Return how far the charge is into its taper, in millionths of a joule; 0 before."""
        beyond = self.power_w * elapsed_ms * (MILLION // MS_PER_S) - self.energy_j * KNEE
        return max(0, beyond) if self.taper else 0

    def _share(self, elapsed_ms: int) -> float:
        """Return the draw as a share of the full power."""
        return math.exp(-self._past_knee(elapsed_ms) / (self.energy_j * MILLION) / TAU)

    def _after(self, millionths: int) -> int:
        """Return a time given in millionths of energy / power, in ms, rounded up."""
        return -(-self.energy_j * MS_PER_S * millionths // (self.power_w * MILLION))
