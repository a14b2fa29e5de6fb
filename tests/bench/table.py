"""The rows of `make bench`: what was measured, against which limit, and how they are printed and kept.

Pure.
"""

import dataclasses
import statistics
from collections.abc import Callable, Sequence

Say = Callable[[str], None]  # takes a line about what is being measured now


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """One figure.

    Attributes:
        number: The row of the table in docs/PERFORMANCE.md that it belongs to; several figures may share one.
        measure: What was measured, in words.
        rounds: The figure of each round, in `unit`. Their median is the figure.
        unit: The unit of the figure, '' for a ratio.
        must: The limit that it has to keep, None where there is none.
        aim: What is aimed at, None where there is nothing.
        higher_is_better: Whether `must` is a lower bound.
        note: The absolute figures behind a ratio, or what else one has to know.
    """

    number: int
    measure: str
    rounds: Sequence[float]
    unit: str = ""
    must: float | None = None
    aim: float | None = None
    higher_is_better: bool = False
    note: str = ""

    @property
    def value(self) -> float:
        """The median of the rounds."""
        return statistics.median(self.rounds)

    @property
    def met(self) -> bool | None:
        """Whether the figure keeps its limit; None without a limit."""
        if self.must is None:
            return None
        return self.value >= self.must if self.higher_is_better else self.value <= self.must

    def document(self) -> dict[str, object]:
        """Return the row for JSON."""
        return dataclasses.asdict(self) | {"value": self.value, "met": self.met}


def figure(value: float, unit: str) -> str:
    """Return a figure with three significant digits and its unit."""
    digits = f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return f"{digits} {unit}".strip()


def spread(row: Row) -> str:
    """Return the least and the most of the rounds, '' for a single one."""
    if len(row.rounds) < 2:
        return ""
    return f"{figure(min(row.rounds), '')} to {figure(max(row.rounds), '')}"


def limit(row: Row, bound: float | None) -> str:
    """Return a limit as text, '' for none."""
    if bound is None:
        return ""
    return f"{'>=' if row.higher_is_better else '<='} {figure(bound, row.unit)}"


def markdown(rows: Sequence[Row]) -> str:
    """Return the rows as a table for docs/PERFORMANCE.md."""
    lines = [
        "| # | measure | figure | spread | must | aim | met | absolute |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        met = {True: "yes", False: "**no**", None: ""}[row.met]
        cells = [
            str(row.number),
            row.measure,
            figure(row.value, row.unit),
            spread(row),
            limit(row, row.must),
            limit(row, row.aim),
            met,
            row.note,
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)
