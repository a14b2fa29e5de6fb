"""`python -m loadtest compare`: which runs, under which labels, shown how."""

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from loadtest.compare import documents, page, picture, terminal
from loadtest.compare.documents import Unreadable
from loadtest.compare.groups import Comparison, Given, compare
from loadtest.options import explained, runs_folder, writable
from loadtest.report.runs import RESULT

DONE, USAGE = 0, 2
WIDTH = 140  # of a table that goes into a file
TWO = "name two runs or more; `.venv/bin/python -m loadtest runs` lists them"
ABOUT = "show what differs between runs, and whether it is more than the noise of repeats"


def add(commands: Any, environ: Mapping[str, str]) -> None:
    """Add the command to argparse's `commands`; `environ` may hold RUNS_DIR."""
    parser: argparse.ArgumentParser = commands.add_parser("compare", help=ABOUT, description=ABOUT)
    named = "a result.json, the folder of a run, or the id of a run in the runs folder"
    parser.add_argument("runs", nargs="*", metavar="RUN", help=named)
    parser.add_argument(
        "--label", nargs="+", action="append", default=[], metavar=("LABEL", "RUN"),
        help="a group of repeats: its name and its runs; may be given several times",
    )  # fmt: skip
    runs_folder(parser, environ)
    page_file = explained(writable)
    about = "draw the typical run of each group, side by side, into FILE"
    parser.add_argument("--svg", type=page_file, metavar="FILE", help=about)
    parser.add_argument(
        "--html", type=page_file, metavar="FILE", help="write the comparison as a page to FILE"
    )


def run(asked: argparse.Namespace) -> int:
    """Compare what was asked for; returns the exit code."""
    if len(asked.runs) + sum(len(label) - 1 for label in asked.label) < 2:  # noqa: PLR2004 - one is alone
        print(f"loadtest compare: {TWO}", file=sys.stderr)  # noqa: T201 - a command line
        return USAGE
    try:
        given = list(_given(asked.runs, asked.label, asked.runs_dir))
        comparison = compare(given, one_by_one=True)
        present(comparison, console(), asked.html)
        if asked.svg:
            asked.svg.write_text(picture.picture(comparison), encoding="utf-8")
    except (Unreadable, OSError) as error:
        print(f"loadtest compare: {error}", file=sys.stderr)  # noqa: T201 - a command line
        return USAGE
    return DONE


def _given(runs: Sequence[str], labels: Sequence[Sequence[str]], runs_dir: Path) -> Iterator[Given]:
    for label, named in [
        *(("", each) for each in runs),
        *((label, each) for label, *of in labels for each in of),
    ]:
        path = documents.find(named, runs_dir)
        document = documents.read(path)
        name = path.parent.name if path.name == RESULT else path.stem
        yield Given(name, label, document)


def console() -> Console:
    """Return standard output, wide enough for the table where it is a file."""
    found = Console()
    return found if found.is_terminal else Console(width=WIDTH)


def present(comparison: Comparison, console: Console, html: Path | None) -> None:
    """Print a comparison, and write it as a page too; raises OSError when that can't be written."""
    terminal.show(console, comparison)
    if html:
        html.write_text(page.page(comparison), encoding="utf-8")
        console.print(f"the page: {html}", soft_wrap=True, markup=False, highlight=False)


def present_rounds(folders: Sequence[Path], html: Path | None) -> bool:
    """Compare the runs of one command by their folders, when there are several; False if that can't be done."""
    if len(folders) < 2:  # noqa: PLR2004 - one is alone
        return True
    try:
        given = [Given(folder.name, "", documents.read(folder / RESULT)) for folder in folders]
        present(compare(given), console(), html)
    except (Unreadable, OSError) as error:
        print(f"loadtest compare: {error}", file=sys.stderr)  # noqa: T201 - a command line
        return False
    return True
