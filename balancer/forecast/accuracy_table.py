"""The figures of a backtest as a table for people, and as JSON.

Pure.
"""

import dataclasses
from collections.abc import Mapping

from balancer.forecast.backtest import HORIZONS, SHARES, Accuracy

MEAN = "mean"
NOTE = (
    "MASE and pinball: over all quarter hours up to the horizon, divided by the absolute error of the weekly naive"
    " forecast.\nMASE at lead: at the horizon alone. Coverage: of the 80 % band, up to 24 h ahead. Peak: error of the"
    " highest value\nup to the horizon, relative, and of its time, in hours."
)
HEADER = ("series", "horizon", "MASE", "at lead", *(f"pin {share}" for share in SHARES), "peak", "peak time")


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
    return (name, horizon, f"{each.mase[horizon]:.3f}", f"{each.mase_at_lead[horizon]:.3f}", *losses, *peak)


def _line(row: tuple[str, ...], widths: list[int]) -> str:
    first, *others = zip(row, widths, strict=True)
    return "  ".join([first[0].ljust(first[1]), *(text.rjust(width) for text, width in others)])


def _rounded(value: object) -> object:
    if isinstance(value, Mapping):
        return {key: _rounded(each) for key, each in value.items()}
    if isinstance(value, float):
        return round(value, 4) if value == value else None  # noqa: PLR0124 - NaN
    return value
