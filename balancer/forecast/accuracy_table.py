"""The figures of a backtest as a table for people, and as JSON.

Pure.
"""

import dataclasses
import math
from collections.abc import Mapping

from balancer.forecast.backtest import HORIZONS, SHARES, Accuracy

MEAN = "mean"
NOTE = """\
MASE and pinball: over all quarter hours up to the horizon, divided by the absolute error of the weekly naive forecast.
At lead: MASE at the horizon alone. Peak, peak time: error of the highest value up to the horizon, and of its time.
Day 7, step: MASE on day 7 after a cold start, and in the first day after all values fell to 0.6."""
HEADER = (
    "series",
    "horizon",
    "MASE",
    "at lead",
    *(f"pin {share}" for share in SHARES),
    "peak",
    "peak time",
    "day 7",
    "step",
)


def document(series: Mapping[str, Accuracy], mean: Accuracy) -> dict[str, object]:
    """Return the figures as JSON shows them, rounded to 4 digits after the point."""
    return {
        "series": {name: _rounded(dataclasses.asdict(each)) for name, each in series.items()},
        MEAN: _rounded(dataclasses.asdict(mean)),
    }


def table(series: Mapping[str, Accuracy], mean: Accuracy) -> str:
    """Return an aligned table: a line for each series and horizon, and the mean of the series at the end."""
    rows = [HEADER]
    for name, each in [*series.items(), (MEAN, mean)]:
        rows += [_row(name, horizon, each) for horizon in HORIZONS]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADER))]
    lines = [_line(row, widths) for row in rows]
    covered = [f"{name} {each.coverage_80:.1%}" for name, each in [*series.items(), (MEAN, mean)]]
    origins = f"forecasts made: {mean.origins}"
    return "\n".join([*lines, "", "coverage of the 80 % band: " + ", ".join(covered), origins, "", NOTE])


def _row(name: str, horizon: str, each: Accuracy) -> tuple[str, ...]:
    losses = (f"{each.pinball[horizon][share]:.3f}" for share in SHARES)
    peak = (f"{each.peak_error[horizon]:.1%}", f"{each.peak_time_error_h[horizon]:.2f} h")
    disturbed = (f"{each.cold_start[horizon]:.3f}", f"{each.after_step[horizon]:.3f}")
    mase = (f"{each.mase[horizon]:.3f}", f"{each.mase_at_lead[horizon]:.3f}")
    return (name, horizon, *mase, *losses, *peak, *disturbed)


def _line(row: tuple[str, ...], widths: list[int]) -> str:
    first, *others = zip(row, widths, strict=True)
    return "  ".join([first[0].ljust(first[1]), *(text.rjust(width) for text, width in others)])


def _rounded(value: object) -> object:
    if isinstance(value, Mapping):
        return {key: _rounded(each) for key, each in value.items()}
    if isinstance(value, float):
        return round(value, 4) if math.isfinite(value) else None
    return value
