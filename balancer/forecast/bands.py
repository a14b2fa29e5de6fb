"""How far a forecast may be off: quantiles of the relative errors of the past 28 days.

Pure. Errors are kept by lead time and by the three hours of the day in which the forecast quarter hour lies. They are
relative to the forecast, or where that is near 0 to a tenth of the mean load, because a large load errs more than a
small one. Source of the quantile: Hyndman and Fan, "Sample Quantiles in Statistical Packages", definition 7.
"""

from array import array
from collections.abc import Sequence

from balancer.forecast.calendar_days import SLOTS

LEADS = (
    1,
    2,
    4,
    8,
    16,
    32,
    64,
    SLOTS,
)  # quarter hours; a lead between two takes the errors of the longer one
PART = 3 * 4  # quarter hours of one part of the day
PARTS = SLOTS // PART
DAYS = 28
MOST = DAYS * PART
LOW, HIGH = 0.1, 0.9
UNKNOWN = (-0.5, 0.5)  # the band until PART errors are known

LEAD_INDEX = tuple(next(i for i, lead in enumerate(LEADS) if lead >= steps) for steps in range(SLOTS + 1))


class Errors:
    """The newest relative errors of one lead time in one part of the day, and their quantiles.

    The quantiles are computed anew after each part of a day, so they depend on nothing but the errors.
    """

    def __init__(self) -> None:
        self.quantiles = UNKNOWN  # LOW and HIGH
        self._values = array("f")
        self._count = 0

    def add(self, error: float) -> None:
        """Keep an error in the place of the oldest."""
        if len(self._values) < MOST:
            self._values.append(error)
        else:
            self._values[self._count % MOST] = error
        self._count += 1
        if self._count % PART == 0:
            ordered = sorted(self._values)
            # The forecast itself is always within the band, also where it was too high or too low of late.
            self.quantiles = (min(0.0, quantile(ordered, LOW)), max(0.0, quantile(ordered, HIGH)))


class Bands:
    """The errors of one series.

    `quantiles` has the quantiles LOW and HIGH of the relative errors, by LEAD_INDEX and by part of the day.
    """

    def __init__(self) -> None:
        self._errors = [[Errors() for _ in range(PARTS)] for _ in LEADS]
        self.quantiles = [[UNKNOWN for _ in range(PARTS)] for _ in LEADS]

    def add(self, lead_index: int, slot: int, error: float) -> None:
        """Keep the relative error of a forecast that was made LEADS[lead_index] quarter hours before `slot`."""
        part = slot % SLOTS // PART
        errors = self._errors[lead_index][part]
        errors.add(error)
        self.quantiles[lead_index][part] = errors.quantiles


def quantile(ordered: Sequence[float], share: float) -> float:
    """Return the quantile of values in ascending order, linear between two of them."""
    at = share * (len(ordered) - 1)
    below = int(at)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (at - below) * (ordered[above] - ordered[below])
