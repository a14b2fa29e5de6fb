"""The usual course of a day: one mean of the load for each type of day and each quarter hour.

Pure. A mean moves by max(.25, 1/n) of its error, so it follows the season within days, and the first values count fully.
What is read is smoothed over neighbouring quarter hours. Where a type of day has no value yet, the
others stand in.
"""

from collections.abc import Sequence

from balancer.forecast.calendar_days import SLOTS, DayType

LEAST_WEIGHT = 0.25
KERNEL = (1, 2, 3, 4, 3, 2, 1)
REACH = len(KERNEL) // 2
# How much the other types count while a type has no value. Chosen by cold starts on real grids.
STAND_INS = {
    DayType.WORKING_DAY: ((DayType.SATURDAY, 2), (DayType.SUNDAY_OR_HOLIDAY, 1)),
    DayType.SATURDAY: ((DayType.SUNDAY_OR_HOLIDAY, 2), (DayType.WORKING_DAY, 1)),
    DayType.SUNDAY_OR_HOLIDAY: ((DayType.SATURDAY, 10), (DayType.WORKING_DAY, 1)),
}


class DayProfile:
    """The means of one type of day, and the same smoothed. None where no value is known."""

    def __init__(self) -> None:
        self.means: list[float | None] = [None] * SLOTS
        self.smoothed: list[float | None] = [None] * SLOTS
        self._counts = [0] * SLOTS
        self._totals, self._weights = [0.0] * SLOTS, [0] * SLOTS  # of the means within reach

    def learn(self, slot: int, error: float, expected: float) -> None:
        """Move the mean of the quarter hour `slot` of the day by an error; a first mean starts at `expected`."""
        self._counts[slot] += 1
        known = self.means[slot]
        mean = (expected if known is None else known) + error * max(LEAST_WEIGHT, 1 / self._counts[slot])
        moved = mean if known is None else mean - known
        self.means[slot] = mean
        for offset, weight in enumerate(KERNEL, slot - REACH):
            near = offset % SLOTS
            self._totals[near] += weight * moved
            if known is None:
                self._weights[near] += weight
            self.smoothed[near] = self._totals[near] / self._weights[near]


class DayProfiles:
    """The profiles of the three types of days."""

    def __init__(self) -> None:
        self._by_type = {each: DayProfile() for each in DayType}

    def course(self, kind: DayType) -> Sequence[float | None]:
        """Return the usual loads of a day of a type, by the quarter hour; None where no type of day has one."""
        own = self._by_type[kind].smoothed
        return own if None not in own else [self.expected(kind, slot) for slot in range(SLOTS)]

    def expected(self, kind: DayType, slot: int) -> float | None:
        """Return the usual load at the quarter hour `slot` of a day of a type; None when no type of day has one."""
        value = self._by_type[kind].smoothed[slot]
        if value is not None:
            return value
        total = weights = 0.0
        for other, weight in STAND_INS[kind]:
            value = self._by_type[other].smoothed[slot]
            if value is not None:
                total += weight * value
                weights += weight
        return total / weights if weights else None

    def mean(self, kind: DayType, slot: int) -> float | None:
        """Return the mean of a quarter hour as it was learned, not smoothed; None when there is none."""
        return self._by_type[kind].means[slot]

    def learn(self, kind: DayType, slot: int, error: float, expected: float) -> None:
        """Move a mean by an error; see DayProfile."""
        self._by_type[kind].learn(slot, error, expected)
