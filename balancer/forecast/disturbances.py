"""How good a forecast is when it is new, and after the load has changed for good.

Pure. Both are tried all over a series, every 11 days and so on each weekday in turn:

- *cold start*: a model that knows nothing starts; the forecasts of its 7th day are judged;
- *step*: all values fall to 0.6 of what they were; the forecasts of the first day after that are judged, against the naive
  error of the series without the step.
"""

import contextlib
import copy
import dataclasses
from collections.abc import Iterator
from collections.abc import Set as AbstractSet

from balancer.forecast.backtest import EVERY, WARM_UP, Accuracy, Tally, TooShort, Values, backtest
from balancer.forecast.calendar_days import SLOTS, WEEK
from balancer.forecast.model import SeriesModel, Step

APART = 11 * SLOTS
JUDGED_AFTER = 6 * SLOTS
SHARE = 0.6


def judged(values: Values, holidays: AbstractSet[int] = frozenset()) -> Accuracy:
    """Return all figures of a series; raises TooShort when even the usual ones are not to be had."""
    found = backtest(values, holidays)
    with contextlib.suppress(TooShort):  # gaps where it would be judged
        found = dataclasses.replace(found, cold_start=cold_start(values, holidays))
    with contextlib.suppress(TooShort):
        found = dataclasses.replace(found, after_step=after_step(values, holidays))
    return found


def cold_start(values: Values, holidays: AbstractSet[int] = frozenset()) -> dict[str, float]:
    """Return the MASE by horizon on the 7th day of a model; raises TooShort."""
    tally = Tally()
    first, last = _days(values)
    for start in range(first + WEEK, last - JUDGED_AFTER - 2 * SLOTS + 1, APART):
        model = SeriesModel(holidays)
        for steps in _forecasts(model, values, start, start + JUDGED_AFTER + SLOTS):
            if steps[0].slot >= start + JUDGED_AFTER:
                tally.add(steps, values)
    return dict(tally.accuracy().mase)


def after_step(values: Values, holidays: AbstractSet[int] = frozenset()) -> dict[str, float]:
    """Return the MASE by horizon during the first day after a step; raises TooShort."""
    tally = Tally()
    first, last = _days(values)
    stepped = {slot: SHARE * value for slot, value in values.items()}
    model, learned = SeriesModel(holidays), first
    for day in range(first + WARM_UP, last - 2 * SLOTS + 1, APART):
        _learn(model, values, learned, day)
        learned = day
        for steps in _forecasts(copy.deepcopy(model), stepped, day, day + SLOTS):
            tally.add(steps, stepped, usual=values)
    return dict(tally.accuracy().mase)


def _forecasts(model: SeriesModel, values: Values, first: int, end: int) -> Iterator[list[Step]]:
    """Yield the forecast from each full hour from `first` to before `end`, as the values come in."""
    for slot in range(first, end):
        if slot in values:
            model.observe(slot, values[slot])
            if (slot + 1) % EVERY == 0:
                yield model.forecast()


def _learn(model: SeriesModel, values: Values, first: int, end: int) -> None:
    for slot in range(first, end):
        if slot in values:
            model.observe(slot, values[slot])


def _days(values: Values) -> tuple[int, int]:
    """Return the first quarter hour of the first whole day, and the end of the last whole day."""
    first, last = min(values, default=0), max(values, default=-1)
    return -(-first // SLOTS) * SLOTS, (last + 1) // SLOTS * SLOTS
