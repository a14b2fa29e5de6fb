"""The command line of the forecast: judge it on a file, or import a file into the history of a balancer."""

import argparse
import csv
import gzip
import io
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from balancer.forecast import accuracy_table
from balancer.forecast.backtest import Accuracy, TooShort, mean_accuracy
from balancer.forecast.calendar_days import COMMON_HOLIDAYS, SLOTS, Holidays, holidays
from balancer.forecast.disturbances import judged
from balancer.forecast.importing import FITTING, NotImported, import_series
from balancer.forecast.series_csv import BadFile, read_series
from runtime.settings import matching, number
from substation.contract import SUBSTATION_ID

DONE, FAILED = 0, 1
SETTING = "HOLIDAYS"
GZIP = b"\x1f\x8b"

T = TypeVar("T")


def parser(environ: Mapping[str, str]) -> argparse.ArgumentParser:
    """Return the parser; `environ` may hold HOLIDAYS and DATA_DIR."""
    top = argparse.ArgumentParser(prog="python -m balancer.forecast", description="The forecast of loads.")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)
    about = "judge the forecast on the series of a file"
    tested = commands.add_parser("backtest", help=about, description=about)
    tested.add_argument("--json", action="store_true", dest="as_json", help="print JSON instead of a table")
    about = "import the series of a file as base load of substations, into the history of a stopped balancer"
    imported = commands.add_parser("import", help=about, description=f"{about}. {FITTING}")
    imported.add_argument(
        "--column",
        action="append",
        default=[],
        metavar="COLUMN=SUBSTATION",
        type=_explained(_column),
        help="import this column, in kW, for this substation; may be repeated (default: each column for the substation"
        " of its name)",
    )
    imported.add_argument(
        "--peak-kw",
        metavar="KW",
        type=_explained(number(0.001, 1e6)),
        help="scale each series so that its highest value is this, as BASE_LOAD_KW does (default: as it is)",
    )
    imported.add_argument("--data-dir", type=Path, default=Path(environ.get("DATA_DIR") or "data"))
    for command in (tested, imported):
        command.add_argument("file", type=Path, metavar="FILE", help="a CSV file, which may be gzipped")
        command.add_argument(
            "--holidays",
            metavar="DATES",
            type=_explained(holidays),
            default=environ.get(SETTING, COMMON_HOLIDAYS),
            help=f"days that count as Sundays (default: {SETTING}, or {COMMON_HOLIDAYS})",
        )
    return top


def main(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """Run the command line; returns the exit code, but leaves by SystemExit(2) on wrong usage."""
    parsed = parser(environ).parse_args(arguments)
    try:
        series = _read(parsed.file)
        if parsed.command == "backtest":
            _print_backtest(series, parsed.holidays, as_json=parsed.as_json)
        else:
            imported = import_series(
                series, parsed.data_dir, dict(parsed.column), parsed.holidays, parsed.peak_kw
            )
            _print("\n".join(imported))
    except (BadFile, TooShort, NotImported, OSError, EOFError, UnicodeDecodeError, csv.Error) as error:
        _note(f"{parsed.file}: {getattr(error, 'strerror', None) or error}")
        return FAILED
    return DONE


def _print_backtest(series: Mapping[str, Mapping[int, float]], rules: Holidays, *, as_json: bool) -> None:
    found: dict[str, Accuracy] = {}
    for number_, (name, values) in enumerate(series.items(), start=1):
        _note(f"{name} ({number_} of {len(series)}): {len(values)} quarter hours")
        try:
            found[name] = judged(values, rules.days(min(values) // SLOTS, max(values) // SLOTS))
        except TooShort as error:
            raise TooShort(f"the series {name} can't be judged: {error}") from None
    mean = mean_accuracy(list(found.values()))
    if as_json:
        _print(json.dumps(accuracy_table.document(found, mean), indent=2, allow_nan=False))
    else:
        _print(accuracy_table.table(found, mean))


def _read(path: Path) -> dict[str, dict[int, float]]:
    with path.open("rb") as file:
        packed = file.read(len(GZIP)) == GZIP
    with gzip.open(path) if packed else path.open("rb") as file:
        return read_series(io.TextIOWrapper(file, encoding="utf-8-sig", newline=""))


def _column(text: str) -> tuple[str, str]:
    name, _, substation = text.rpartition("=")
    if not name:
        raise ValueError(f"{text!r} is not of the form COLUMN=SUBSTATION")
    return name, matching(SUBSTATION_ID, "COLUMN=SUBSTATION with a substation's id such as substation-1")(
        substation
    )


def _explained(parse: Callable[[str], T]) -> Callable[[str], T]:
    """Return a parser whose ValueError argparse shows as it is."""

    def parsed(text: str) -> T:
        try:
            return parse(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return parsed


def _print(text: str) -> None:
    with suppress(BrokenPipeError):
        print(text)


def _note(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
