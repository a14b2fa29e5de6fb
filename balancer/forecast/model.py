"""The forecast of one series: the usual day, corrected by how the present day differs from it.

Pure. With P the profile, e the present error of P, h the lead in quarter hours:

    e_f = mean of e with weight .45 for the newest         (the last half hour)
    e_s = mean of e with weight 1/192 for the newest       (the last two days)
    forecast(t + h) = smoothed P(t + h) + .75 * .92^h * e_f + .5 * (1 - .92^h) * e_s

An error counts as at most 6 mean absolute errors, so one spike teaches little. (Where errors are next to nothing, as at
most a tenth of the mean load.) Missing values teach nothing.
Before any profile is known for a quarter hour, the last value is the forecast. docs/adr/0032 has what else was tried.
"""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from balancer.forecast.bands import LEAD_INDEX, LEADS, PART, Bands
from balancer.forecast.calendar_days import SLOTS, DayType, day_type
from balancer.forecast.profile import DayProfiles
from balancer.forecast.skill import AHEAD, JUDGED, ForecastSkill

FAST_WEIGHT = 0.45
SLOW_WEIGHT = 1 / 192
FAST_SHARE = 0.75
SLOW_SHARE = 0.5
DECAY = 0.92  # a quarter hour
CLIP = 6  # mean absolute errors
MEAN_WEIGHT = 1 / 192  # of the newest value in the running means
FLOOR = (
    0.1  # of the mean load: what relative errors relate to at least, and how much one error counts at least
)
# What the present errors count, by lead.
FAST_SHARES = tuple(FAST_SHARE * DECAY**steps for steps in range(SLOTS + 1))
SLOW_SHARES = tuple(SLOW_SHARE * (1 - DECAY**steps) for steps in range(SLOTS + 1))


class Step(NamedTuple):
    """The forecast of one quarter hour, in the unit of the series: 80 % of values lie between `p10` and `p90`."""

    slot: int
    mean: float
    p10: float
    p90: float


class _Made(NamedTuple):
    """The means of the forecasts that were made with a quarter hour's value, by LEADS, and those of their bands that are judged."""

    slot: int
    means: tuple[float, ...]
    bands: dict[int, tuple[float, float]]  # relative errors, by the lead
    value: float


class RunningMean:
    """A mean in which the newest value has MEAN_WEIGHT, and in the beginning all have the same."""

    def __init__(self) -> None:
        self.value = 0.0
        self._count = 0

    def add(self, value: float) -> None:
        """Take a value in."""
        self._count += 1
        self.value += max(MEAN_WEIGHT, 1 / self._count) * (value - self.value)


class SeriesModel:
    """Learns a series by the quarter hour; `holidays` are days that count as Sundays.

    Quarter hours must be handed over in ascending order. Those that are left out are missing values.
    """

    def __init__(self, holidays: AbstractSet[int] = frozenset()) -> None:
        self._holidays = holidays
        self._profiles = DayProfiles()
        self._bands = Bands()
        self._fast = self._slow = 0.0
        self._absolute_error, self._level = RunningMean(), RunningMean()
        self._lowest = 0.0
        self._last: float | None = None
        self._made: list[_Made | None] = [None] * (SLOTS + 1)  # the forecasts of a day, in a ring
        self.skills = {lead: ForecastSkill() for lead in JUDGED.values()}
        self.slot: int | None = None

    def observe(self, slot: int, value: float) -> None:
        """Learn the value of a quarter hour; raises ValueError when it is not after the one before it."""
        if self.slot is not None and slot <= self.slot:
            raise ValueError(f"quarter hour {slot} is not after {self.slot}")
        self._judge(slot, value)
        self._level.add(abs(value))
        self._learn(self._kind(slot // SLOTS), slot % SLOTS, value)
        self._lowest = min(self._lowest, value)
        self._last, self.slot = value, slot
        means = tuple([self._mean(self._expected(slot + lead), lead) for lead in LEADS])
        quantiles = self._bands.quantiles
        bands = {lead: quantiles[LEAD_INDEX[lead]][(slot + lead) % SLOTS // PART] for lead in self.skills}
        self._made[slot % len(self._made)] = _Made(slot, means, bands, value)

    @property
    def skill(self) -> ForecastSkill:
        """How good the forecasts were by which they are trusted."""
        return self.skills[AHEAD]

    def forecast(self, steps: int = SLOTS, after: int | None = None) -> list[Step]:
        """Return the forecast of `steps` quarter hours after the quarter hour `after`, by default the last observed one.

        Nothing before the first value. More than 24 h after the last value, its errors count no more.
        """
        if self.slot is None:
            return []
        first = (self.slot if after is None else after) + 1
        found: list[Step] = []
        for day in range(first // SLOTS, (first + steps - 1) // SLOTS + 1):
            course = self._profiles.course(self._kind(day))
            slots = range(max(first, day * SLOTS), min(first + steps, (day + 1) * SLOTS))
            found += self._steps(self.slot, slots, course)
        return found

    def _steps(self, last: int, slots: range, course: Sequence[float | None]) -> list[Step]:
        """Return the forecast of quarter hours of one day; its sums are those of `_mean` and `_size`.

        They are written out, because a backtest of a year makes a million steps.
        """
        fast, slow, lowest = self._fast, self._slow, self._lowest
        least, quantiles, without = FLOOR * self._level.value, self._bands.quantiles, self._last or 0.0
        found = []
        for slot in slots:
            ahead, at = min(slot - last, SLOTS), slot % SLOTS
            expected = course[at]
            if expected is None:
                mean = without
            else:
                mean = expected + FAST_SHARES[ahead] * fast + SLOW_SHARES[ahead] * slow
                mean = max(mean, lowest)
            low, high = quantiles[LEAD_INDEX[ahead]][at // PART]
            size = mean if mean >= 0 else -mean
            size = (max(least, size)) or 1.0
            p10 = mean + low * size
            found.append(Step(slot, mean, max(lowest, p10), mean + high * size))
        return found

    def _mean(self, expected: float | None, ahead: int) -> float:
        """Return the forecast of a quarter hour whose usual load is `expected`, `ahead` of the last one."""
        if expected is None:
            return self._last or 0.0
        corrected = expected + FAST_SHARES[ahead] * self._fast + SLOW_SHARES[ahead] * self._slow
        return max(self._lowest, corrected)

    def _learn(self, kind: DayType, slot: int, value: float) -> None:
        expected = self._profiles.mean(kind, slot)
        if expected is None:
            expected = self._profiles.expected(kind, slot)
        if expected is None:
            self._profiles.learn(kind, slot, 0.0, value)
            return
        # Without the floor, a series that never erred would never learn again.
        most = max(CLIP * self._absolute_error.value, FLOOR * self._level.value)
        error = max(-most, min(most, value - expected))
        self._profiles.learn(kind, slot, error, expected)
        self._absolute_error.add(abs(error))
        self._fast += FAST_WEIGHT * (error - self._fast)
        self._slow += SLOW_WEIGHT * (error - self._slow)

    def _judge(self, slot: int, value: float) -> None:
        """Keep the relative errors of the forecasts that were made of this quarter hour."""
        for index, lead in enumerate(LEADS):
            found = self._made[(slot - lead) % len(self._made)]
            if found and found.slot == slot - lead:
                mean = found.means[index]
                error = (value - mean) / self._size(mean)
                self._bands.add(index, slot, error)
                if skill := self.skills.get(lead):
                    low, high = found.bands[lead]
                    skill.judge(value, mean, found.value, inside=low <= error <= high)

    def _expected(self, slot: int) -> float | None:
        return self._profiles.expected(self._kind(slot // SLOTS), slot % SLOTS)

    def _size(self, mean: float) -> float:
        return max(abs(mean), FLOOR * self._level.value) or 1.0

    def _kind(self, day: int) -> DayType:
        return day_type(day, self._holidays)
