"""`python -m loadtest compare`: finds the runs, compares them, and shows the comparison."""

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from loadtest.compare import documents, page, picture, terminal
from loadtest.compare.documents import UnreadableRun
from loadtest.compare.groups import ComparedRun, Comparison, compare
from loadtest.contract import RESULT_FILE
from loadtest.options import explained, runs_folder, writable

DONE, USAGE = 0, 2
WIDTH = 140  # characters of a table that goes into a file
TWO = "name two runs or more; `.venv/bin/python -m loadtest runs` lists them"
ABOUT = "show what differs between runs, and whether the difference is more than the noise of repeats"


def add(commands: Any, environ: Mapping[str, str]) -> None:
    """Add the command to argparse's `commands`; `environ` may hold RUNS_DIR."""
    parser: argparse.ArgumentParser = commands.add_parser("compare", help=ABOUT, description=ABOUT)
    named = "a result.json, the folder of a run, or the id of a run in the runs folder"
    parser.add_argument("runs", nargs="*", metavar="RUN", help=named)
    parser.add_argument(
        "--label",
        nargs="+",
        action="append",
        default=[],
        metavar=("LABEL", "RUN"),
        help="a group of repeats: its name and its runs; may be given several times",
    )
    runs_folder(parser, environ)
    page_file = explained(writable)
    about = "draw the typical run of each group, side by side, into FILE"
    parser.add_argument("--svg", type=page_file, metavar="FILE", help=about)
    parser.add_argument(
        "--html", type=page_file, metavar="FILE", help="write the comparison as a page to FILE"
    )


def run(options: argparse.Namespace) -> int:
    """Compare the runs that the command line names; returns the exit code."""
    if len(options.runs) + sum(len(label) - 1 for label in options.label) < 2:
        print(f"loadtest compare: {TWO}", file=sys.stderr)
        return USAGE
    try:
        runs = list(_read(options.runs, options.label, options.runs_dir))
        comparison = compare(runs, one_by_one=True)
        present(comparison, console(), options.html)
        if options.svg:
            options.svg.write_text(picture.picture(comparison), encoding="utf-8")
    except (UnreadableRun, OSError) as error:
        print(f"loadtest compare: {error}", file=sys.stderr)
        return USAGE
    return DONE


def _read(runs: Sequence[str], labels: Sequence[Sequence[str]], runs_dir: Path) -> Iterator[ComparedRun]:
    for label, named in [
        *(("", each) for each in runs),
        *((label, each) for label, *of in labels for each in of),
    ]:
        path = documents.find(named, runs_dir)
        document = documents.read(path)
        name = path.parent.name if path.name == RESULT_FILE else path.stem
        yield ComparedRun(name, label, document)


def console() -> Console:
    """Return standard output, wide enough for the table where it is a file."""
    found = Console()
    return found if found.is_terminal else Console(width=WIDTH)


def present(comparison: Comparison, console: Console, html: Path | None) -> None:
    """Print a comparison, and write it as a page to `html`; raises OSError when the page can't be written."""
    terminal.show(console, comparison)
    if html:
        html.write_text(page.page(comparison), encoding="utf-8")
        console.print(f"page: {html}", soft_wrap=True, markup=False, highlight=False)


def present_rounds(folders: Sequence[Path], html: Path | None) -> bool:
    """Compare the runs of one command, if there are several; returns False if they can't be compared."""
    if len(folders) < 2:
        return True
    try:
        runs = [ComparedRun(folder.name, "", documents.read(folder / RESULT_FILE)) for folder in folders]
        present(compare(runs), console(), html)
    except (UnreadableRun, OSError) as error:
        print(f"loadtest compare: {error}", file=sys.stderr)
        return False
    return True
