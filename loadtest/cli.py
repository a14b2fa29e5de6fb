"""The command line: the commands, and the combinations of options that are refused."""

import argparse
import asyncio
import io
import os
import random
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console

from loadtest import options
from loadtest.compare import command
from loadtest.contract import (
    COMPLETE,
    JSON_LINES,
    LIST_PRESETS,
    REPORT_FILE,
    presets_json,
)
from loadtest.paper.document import NotAResult
from loadtest.plan.arrivals import BOUNDS, fits
from loadtest.plan.clock import ASSUMED_H
from loadtest.plan.document import GridSize, make
from loadtest.plan.presets import PRESETS
from loadtest.report import document as report
from loadtest.report import runs, tables
from loadtest.report.plan_view import show_plan, write_plan
from loadtest.report.runs import NotWritten
from loadtest.run.launch import EXIT_CODES_HELP, launch
from loadtest.run.outcome import exit_code
from loadtest.run.rounds import in_rounds
from loadtest.send.credential import Credential
from loadtest.send.target import allow_list, refusal
from loadtest.show.screen import PLAIN_WIDTH
from runtime.settings import SettingsError, load
from runtime.tls.credentials import CredentialsUnusable
from runtime.tls.settings import TlsSettings

DONE, NOT_WRITTEN, USAGE = 0, 1, 2
COMMAND = "PRESET or COMMAND"


def parser(environ: Mapping[str, str]) -> argparse.ArgumentParser:
    """Return the parser; `environ` may hold GATEWAY_URL, BALANCER_URL, RUNS_DIR, CAPACITY_KW and TIME_SCALE."""
    top = argparse.ArgumentParser(
        prog="python -m loadtest", description="Load on the grid.", epilog=EXIT_CODES_HELP
    )
    list_presets, as_json = LIST_PRESETS
    top.add_argument(list_presets, action="store_true", help="list the presets, with a line about each")
    top.add_argument(as_json, action="store_true", dest="list_as_json", help="list them as JSON")
    commands = top.add_subparsers(dest="command", metavar=COMMAND)
    for preset in PRESETS.values():
        about = preset.about.replace("%", "%%")
        parsed = commands.add_parser(
            preset.name, help=about, description=preset.about, epilog=f"{BOUNDS}; {EXIT_CODES_HELP}"
        )
        options.add(parsed, preset, environ)
    about = "list the runs in the runs folder, the newest first"
    options.runs_folder(commands.add_parser("runs", help=about, description=about), environ)
    about = "draw the report of a run again"
    again = commands.add_parser("report", help=about, description=about)
    again.add_argument("result", type=Path, help="the result of a run, as JSON", metavar="RESULT.json")
    again.add_argument(
        "-o",
        "--output",
        type=options.explained(options.writable),
        metavar="FILE",
        help=f"the file to write (default: {REPORT_FILE} beside the result)",
    )
    about = "draw the load of each substation too, side by side, into FILE"
    again.add_argument("--svg", type=options.explained(options.writable), metavar="FILE", help=about)
    command.add(commands, environ)
    return top


def main(arguments: Sequence[str]) -> int:
    """Run the command line; returns the exit code, but leaves by SystemExit(2) on wrong usage."""
    _replace_unprintable()
    top = parser(os.environ)
    parsed = top.parse_args(arguments)
    if parsed.list:
        return _list_presets(as_json=parsed.list_as_json)
    if not parsed.command:
        top.error(f"the following arguments are required: {COMMAND}")
    if parsed.command == "runs":
        tables.show_runs(console(), runs.list_runs(parsed.runs_dir))
        return DONE
    if parsed.command == "report":
        return _report(parsed.result, parsed.output, parsed.svg)
    if parsed.command == "compare":
        return command.run(parsed)
    if parsed.dry_run:
        return _dry_run(parsed)
    if why := faults(parsed, os.environ):
        top.error(why)
    try:
        credential = parsed.credential or Credential(os.environ.get("API_KEY", "").strip())
    except ValueError as error:
        top.error(f"API_KEY can't be used: {error}")
    try:
        tls = load(TlsSettings, os.environ).credentials(None)
    except (SettingsError, CredentialsUnusable) as error:
        top.error("; ".join(error.faults))
    return _run(parsed, credential.beside(parsed.token, tls))


def _replace_unprintable() -> None:
    """Replace characters that the terminal can't show."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def _list_presets(*, as_json: bool) -> int:
    lines = [f"{preset.name:<12}{preset.about}" for preset in PRESETS.values()]
    summaries = [preset.summary() for preset in PRESETS.values()]
    sys.stdout.write(presets_json(summaries) + "\n" if as_json else "\n".join(lines) + "\n")
    return DONE


def _run(parsed: argparse.Namespace, credential: Credential) -> int:
    planned = in_rounds(options.run_options(parsed), parsed.policy, parsed.repeat)
    outcomes = asyncio.run(launch(planned, credential, to_program=parsed.progress == JSON_LINES))
    folders = [each.folder for each in outcomes if each.folder and each.verdict in COMPLETE]
    if len(planned) > 1 and not command.present_rounds(folders, parsed.html):
        return NOT_WRITTEN
    return exit_code(outcomes)


def faults(parsed: argparse.Namespace, environ: Mapping[str, str]) -> str:
    """Return why options can't be used together, or why load may not be sent there; '' when all is right."""
    from_environ = environ.get("LOADTEST_TARGETS") or ""
    try:
        allowed = {*parsed.allow_target, *allow_list(from_environ)}
    except ValueError as error:
        return f"LOADTEST_TARGETS={from_environ!r} can't be used: {error}"
    for url in (parsed.gateway, parsed.balancer):
        if why := refusal(url, allowed):
            return why
    several = parsed.repeat * max(len(parsed.policy), 1) > 1
    if parsed.html and not several:
        return "--html shows a comparison: it needs several runs, by --policy or --repeat"
    if parsed.progress == JSON_LINES and several:
        return "--progress jsonl is for one run"
    if parsed.requests and not fits(parsed.requests, parsed.seconds):
        return f"--requests {parsed.requests} in --seconds {parsed.seconds:g} is too fast; {BOUNDS}"
    return ""


def _dry_run(parsed: argparse.Namespace) -> int:
    """Show the plan, and write it to the files of the options; uses no network."""
    starts_at_h = ASSUMED_H if parsed.starts_at is None else parsed.starts_at
    grid = GridSize(parsed.capacity_kw, parsed.time_scale, starts_at_h)
    try:
        plan = make(options.plan_options(parsed), grid, random.Random)
        for path in filter(None, (parsed.plan_json, parsed.json)):
            write_plan(path, plan)
    except (ValueError, NotWritten) as error:
        print(f"loadtest: {error}", file=sys.stderr)
        return NOT_WRITTEN if isinstance(error, NotWritten) else USAGE
    show_plan(console(), plan, grid)
    return DONE


def _report(result: Path, output: Path | None, svg: Path | None) -> int:
    file = output or result.with_name(REPORT_FILE)
    try:
        runs.copy(file, report.render(result))
        if svg:
            runs.copy(svg, report.picture(result))
    except (NotAResult, NotWritten) as error:
        print(f"loadtest: {error}", file=sys.stderr)
        return USAGE if isinstance(error, NotAResult) else NOT_WRITTEN
    print(f"report: {file}")
    return DONE


def console() -> Console:
    """Return standard output, wide enough for a table where it is a file."""
    found = Console()
    return found if found.is_terminal else Console(width=PLAIN_WIDTH)
