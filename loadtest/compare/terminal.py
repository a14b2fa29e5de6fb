"""A comparison as a table on the terminal."""

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from loadtest.compare.groups import Cell, Comparison, Group
from loadtest.compare.merits import Merit
from loadtest.compare.noise import CHANCE, Finding

UNKNOWN = "-"


def show(console: Console, comparison: Comparison) -> None:
    """Print a comparison: its groups, their figures, and the notes."""
    for group in comparison.groups:
        runs = ", ".join(compared.name for compared in group.runs)
        console.print(
            f"{group.name}: {counted(len(group.runs))}: {runs}", soft_wrap=True, markup=False, highlight=False
        )
    for index in range(1, len(comparison.groups)) or (0,):
        console.print(_table(comparison, index))
    for note in comparison.notes:
        console.print(f"note: {note}", soft_wrap=True, markup=False, highlight=False)
    if len(comparison.groups) > 1:
        console.print(method(), soft_wrap=True, markup=False, highlight=False)


def _table(comparison: Comparison, index: int) -> Table:
    """Return the first group beside the one with `index`, or the first alone."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("figure", no_wrap=True)
    for group in comparison.groups[: index + 1 : index or 1]:
        table.add_column(f"{group.name}\n{measure(group)}", justify="right")
    if index:
        table.add_column("difference", justify="right")
        table.add_column("verdict", no_wrap=True)
    for merit, cells in comparison.rows:
        row = [Text(merit.name), Text(spread(merit, cells[0]))]
        if index:
            row += [
                Text(spread(merit, cells[index])),
                Text(delta(merit, cells[index])),
                _verdict(cells[index]),
            ]
        table.add_row(*row)
    return table


def counted(runs: int) -> str:
    """Return a number of runs in words."""
    return f"{runs} run" if runs == 1 else f"{runs} runs"


def measure(group: Group) -> str:
    """Return the heading of a group's values."""
    return "median (least to most)" if len(group.runs) > 1 else "one run"


def spread(merit: Merit, cell: Cell) -> str:
    """Return the median; for several runs with the least and the most."""
    if cell.median is None:
        return UNKNOWN
    text = merit.unit.text(cell.median)
    if len(cell.values) > 1:
        text += f" ({merit.unit.text(min(cell.values), max(cell.values))})"
    return text


def delta(merit: Merit, cell: Cell) -> str:
    """Return the difference to the first group, for some units also as a share."""
    if cell.delta is None:
        return UNKNOWN
    text = merit.unit.difference(cell.delta)
    return f"{text} ({cell.share * 100:+.1f} %)" if cell.share is not None and merit.unit.has_shares else text


def verdict(cell: Cell) -> str:
    """Return the verdict with its probability."""
    if cell.assessment is None:
        return UNKNOWN
    chance = "" if cell.assessment.chance is None else f" (p = {cell.assessment.chance:.3f})"
    return f"{cell.assessment}{chance}"


def _verdict(cell: Cell) -> Text:
    differs = cell.assessment and cell.assessment.finding is Finding.DIFFERS
    return Text(verdict(cell), style="bold" if differs else "")


def method() -> str:
    """Return how the verdicts were found."""
    return (
        "Verdicts: exact two-sided Mann-Whitney rank test between the repeats, each figure alone; "
        f"'differs' below p = {CHANCE:g}"
    )
