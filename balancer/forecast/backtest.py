"""How good the forecast of a series would have been: rolling origin, errors against the weekly naive forecast.

Pure. At every full hour a forecast of the next 24 h is made from the values until then. Its first 28 days only learn.

- *MASE* at a horizon: the mean absolute error over all quarter hours up to the horizon (at "4 h", the next 16), divided
  by that of the weekly naive forecast, which repeats what was seen a week before, on the same quarter hours. 1 is as good
  as naive. `mase_at_lead` is the same for the one quarter hour that lies that far ahead.
- *Pinball* losses of p10, the mean (as .5) and p90, up to the horizon and divided by the same.
- *Coverage*: the share of values up to 24 h ahead that lie between p10 and p90.
- *Peak error*: how far the highest mean within the horizon is from the highest value, relative to the latter;
  *peak-time error*: how many hours the one is from the other.

Sources: Hyndman and Koehler, "Another look at measures of forecast accuracy" (2006), with the naive forecast on the same
values instead of the training ones, since all horizons have one scale then; Koenker and Bassett, "Regression Quantiles".
"""

import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet

from balancer.forecast.bands import HIGH, LOW
from balancer.forecast.calendar_days import SLOTS, WEEK
from balancer.forecast.model import SeriesModel, Step

HORIZONS = {"1h": 4, "4h": 16, "12h": 48, "24h": 96}
SHARES = (f"{LOW:g}", "0.5", f"{HIGH:g}")
EVERY = 4  # quarter hours between two origins
WARM_UP = 28 * SLOTS
LEAST_ORIGINS = 24

Values = Mapping[int, float]  # by quarter hour


class TooShort(ValueError):
    """The series has too few values to be judged."""


def _unknown() -> dict[str, float]:
    return dict.fromkeys(HORIZONS, math.nan)


@dataclasses.dataclass(frozen=True)
class Accuracy:
    """The figures of a series, see above; those by horizon have the keys of HORIZONS, and NaN where there are too few.

    `cold_start` and `after_step` are MASE too: see `disturbances`.
    """

    origins: int
    mase: Mapping[str, float]
    mase_at_lead: Mapping[str, float]
    pinball: Mapping[str, Mapping[str, float]]  # by horizon, then by share
    coverage_80: float
    peak_error: Mapping[str, float]
    peak_time_error_h: Mapping[str, float]
    cold_start: Mapping[str, float] = dataclasses.field(default_factory=_unknown)
    after_step: Mapping[str, float] = dataclasses.field(default_factory=_unknown)


class Tally:
    """Sums of errors by lead time, over all forecasts that are judged."""

    def __init__(self) -> None:
        self.origins = 0
        self._errors, self._naive = _zeros(), _zeros()
        self._low_losses, self._high_losses = _zeros(), _zeros()
        self._inside = self._judged = 0
        self._peaks: dict[str, list[tuple[float, float]]] = {name: [] for name in HORIZONS}

    def add(self, steps: Sequence[Step], values: Values, usual: Values | None = None) -> None:
        """Judge one forecast by the values that came; missing ones, or without one a week before, are left out.

        The naive error is that of the series `usual`, by default of the same one.
        """
        self.origins += 1
        usual = usual or values
        errors, naive, low, high = self._errors, self._naive, self._low_losses, self._high_losses
        for ahead, (slot, mean, p10, p90) in enumerate(steps, start=1):
            value, week_ago = values.get(slot), usual.get(slot - WEEK)
            if value is None or week_ago is None:
                continue
            errors[ahead] += abs(value - mean)
            naive[ahead] += abs(usual[slot] - week_ago)
            low[ahead] += (value - p10) * (LOW if value >= p10 else LOW - 1)
            high[ahead] += (value - p90) * (HIGH if value >= p90 else HIGH - 1)
            self._judged += 1
            self._inside += p10 <= value <= p90
        self._add_peaks(steps, values)

    def _add_peaks(self, steps: Sequence[Step], values: Values) -> None:
        means = [step.mean for step in steps]
        came = [value for step in steps if (value := values.get(step.slot)) is not None]
        if len(came) < len(steps):  # the peak may be among those that are missing
            return
        for name, horizon in HORIZONS.items():
            highest, expected = max(came[:horizon]), max(means[:horizon])
            if highest > 0:
                hours = abs(came.index(highest) - means.index(expected)) / 4
                self._peaks[name].append((abs(expected - highest) / highest, hours))

    def accuracy(self) -> Accuracy:
        """Return the figures; raises TooShort when there are too few."""
        if self.origins < LEAST_ORIGINS or not all(self._naive[steps] for steps in HORIZONS.values()):
            raise TooShort(
                "28 days to learn from and two more to be judged by are needed, with values that change"
            )
        return Accuracy(
            self.origins,
            self._over_naive(self._errors),
            {name: self._errors[steps] / self._naive[steps] for name, steps in HORIZONS.items()},
            self._pinball(),
            self._inside / self._judged,
            {name: _mean([off for off, _ in peaks]) for name, peaks in self._peaks.items()},
            {name: _mean([hours for _, hours in peaks]) for name, peaks in self._peaks.items()},
        )

    def _pinball(self) -> dict[str, dict[str, float]]:
        halves = [error / 2 for error in self._errors]
        by_share = [self._over_naive(each) for each in (self._low_losses, halves, self._high_losses)]
        return {name: {p: each[name] for p, each in zip(SHARES, by_share, strict=True)} for name in HORIZONS}

    def _over_naive(self, sums: Sequence[float]) -> dict[str, float]:
        """Return sums by lead, up to each horizon, relative to the errors of the weekly naive forecast."""
        return {
            name: sum(sums[: steps + 1]) / sum(self._naive[: steps + 1]) for name, steps in HORIZONS.items()
        }


def backtest(values: Values, holidays: AbstractSet[int] = frozenset(), warm_up: int = WARM_UP) -> Accuracy:
    """Judge the forecast of a series, after `warm_up` quarter hours; raises TooShort when there is too little of it."""
    tally = Tally()
    for steps in forecasts(values, holidays, warm_up):
        tally.add(steps, values)
    return tally.accuracy()


def forecasts(values: Values, holidays: AbstractSet[int], warm_up: int = WARM_UP) -> Iterator[list[Step]]:
    """Yield the forecast of the next 24 h from each full hour whose 24 h end within the series."""
    model = SeriesModel(holidays)
    first, last = min(values, default=0), max(values, default=0)
    for slot in sorted(values):
        model.observe(slot, values[slot])
        if slot - first >= warm_up and slot + SLOTS <= last and (slot + 1) % EVERY == 0:
            yield model.forecast()


def mean_accuracy(found: Sequence[Accuracy]) -> Accuracy:
    """Return the mean of each figure over series; `origins` is their sum."""

    def over(name: str) -> dict[str, float]:
        return {key: _mean([getattr(each, name)[key] for each in found]) for key in HORIZONS}

    return Accuracy(
        sum(each.origins for each in found),
        over("mase"),
        over("mase_at_lead"),
        {key: {p: _mean([each.pinball[key][p] for each in found]) for p in SHARES} for key in HORIZONS},
        _mean([each.coverage_80 for each in found]),
        over("peak_error"),
        over("peak_time_error_h"),
        over("cold_start"),
        over("after_step"),
    )


def _zeros() -> list[float]:
    return [0.0] * (SLOTS + 1)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else math.nan
