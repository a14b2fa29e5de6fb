"""The command line: the commands, and what is refused though each of its options alone is right."""

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
from loadtest.judge.thresholds import in_force
from loadtest.paper.document import NotAResult
from loadtest.plan.arrivals import BOUNDS, fits
from loadtest.plan.document import GridSize, make
from loadtest.plan.presets import PRESETS
from loadtest.report import document as report
from loadtest.report import runs, tables
from loadtest.report.plan_view import show_plan, write_plan
from loadtest.report.runs import NotWritten
from loadtest.run import rounds
from loadtest.run.launch import COMPLETE, EXIT_CODES, exit_code, launch
from loadtest.run.order import RunOptions
from loadtest.run.target import allow_list, refusal
from loadtest.send.credential import Credential
from loadtest.show.screen import PLAIN_WIDTH

DONE, NOT_WRITTEN, USAGE = 0, 1, 2


def parser(environ: Mapping[str, str]) -> argparse.ArgumentParser:
    """Return the parser; `environ` may hold GATEWAY_URL, BALANCER_URL and RUNS_DIR."""
    top = argparse.ArgumentParser(
        prog="python -m loadtest", description="Load on the grid.", epilog=EXIT_CODES
    )
    top.add_argument("--list", action=_List, nargs=0, help="say what each preset does, and end")
    commands = top.add_subparsers(dest="command", required=True, metavar="PRESET or COMMAND")
    for preset in PRESETS.values():
        in_list = preset.about.replace("%", "%%")
        parsed = commands.add_parser(
            preset.name, help=in_list, description=preset.about, epilog=f"{BOUNDS}; {EXIT_CODES}"
        )
        options.add(parsed, preset, environ)
    about = "list the runs in the runs folder, the newest first"
    options.runs_folder(commands.add_parser("runs", help=about, description=about), environ)
    about = "draw the report of a run anew"
    again = commands.add_parser("report", help=about, description=about)
    again.add_argument("result", type=Path, help="the result of a run, as JSON", metavar="RESULT.json")
    again.add_argument(
        "-o",
        "--output",
        type=options.explained(options.writable),
        metavar="FILE",
        help=f"where to [{report.REPORT} beside it]",
    )
    command.add(commands, environ)
    return top


class _List(argparse.Action):
    """Prints each preset in a line, and ends."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        lines = (f"{preset.name:<12}{preset.about}" for preset in PRESETS.values())
        sys.stdout.write("\n".join(lines) + "\n")
        parser.exit()


def main(arguments: Sequence[str]) -> int:
    """Run the command line; returns the exit code, but leaves by SystemExit(2) on wrong usage."""
    for stream in (sys.stdout, sys.stderr):  # replace characters that the terminal can't show
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    top = parser(os.environ)
    asked = top.parse_args(arguments)
    if asked.command == "runs":
        tables.show_runs(console(), runs.listed(asked.runs_dir))
        return DONE
    if asked.command == "report":
        return _report(asked.result, asked.output)
    if asked.command == "compare":
        return command.run(asked)
    if asked.dry_run:
        return _dry_run(asked)
    if why := faults(asked, os.environ):
        top.error(why)
    try:
        credential = asked.credential or Credential(os.environ.get("API_KEY", "").strip())
    except ValueError as error:
        top.error(f"API_KEY can't be used: {error}")
    return _run(asked, credential.with_token(asked.token))


def _run(asked: argparse.Namespace, credential: Credential) -> int:
    planned = rounds.orders(_order(asked), asked.policy, asked.repeat)
    ended = asyncio.run(launch(planned, credential, to_program=asked.progress == "jsonl"))
    folders = [each.folder for each in ended if each.folder and each.verdict in COMPLETE]
    if len(planned) > 1 and not command.present_rounds(folders, asked.html):
        return NOT_WRITTEN
    return exit_code(ended)


def faults(asked: argparse.Namespace, environ: Mapping[str, str]) -> str:
    """Return why what was asked for can't be sent, '' when it can; each option alone is right."""
    listed = environ.get("LOADTEST_TARGETS") or ""
    try:
        allowed = {*asked.allow_target, *allow_list(listed)}
    except ValueError as error:
        return f"LOADTEST_TARGETS={listed!r} can't be used: {error}"
    for url in (asked.gateway, asked.balancer):
        if why := refusal(url, allowed):
            return why
    several = asked.repeat * max(len(asked.policy), 1) > 1
    if asked.html and not several:
        return "--html shows a comparison: it needs several runs, by --policy or --repeat"
    if asked.progress == "jsonl" and several:
        return "--progress jsonl tells of one run"
    if asked.requests and not fits(asked.requests, asked.seconds):
        return f"--requests {asked.requests} in --seconds {asked.seconds:g} is too fast; {BOUNDS}"
    return ""


def _order(asked: argparse.Namespace) -> RunOptions:
    wish = options.wish_of(asked)
    return RunOptions(
        runs.new_id(wish.preset.name, wish.seed),
        asked.gateway,
        asked.balancer,
        wish,
        asked.concurrency,
        asked.retries,
        in_force(wish.preset.limits, asked.fail_if),
        asked.settle_s,
        asked.runs_dir,
        json=asked.json,
        plan_json=asked.plan_json,
        end_on_stop=asked.end_sessions_on_stop,
    )


def _dry_run(asked: argparse.Namespace) -> int:
    """Show the plan, and write it where it is wanted; uses no network."""
    grid = GridSize(asked.capacity_kw, asked.time_scale)
    try:
        plan = make(options.wish_of(asked), grid, random.Random)
        for path in filter(None, (asked.plan_json, asked.json)):
            write_plan(path, plan)
    except (ValueError, NotWritten) as error:
        print(f"loadtest: {error}", file=sys.stderr)  # noqa: T201 - a command line
        return NOT_WRITTEN if isinstance(error, NotWritten) else USAGE
    show_plan(console(), plan, grid)
    return DONE


def _report(result: Path, output: Path | None) -> int:
    to = output or result.with_name(report.REPORT)
    try:
        runs.copy(to, report.render(result))
    except (NotAResult, NotWritten) as error:
        print(f"loadtest: {error}", file=sys.stderr)  # noqa: T201 - a command line
        return USAGE if isinstance(error, NotAResult) else NOT_WRITTEN
    print(f"report: {to}")  # noqa: T201 - a command line
    return DONE


def console() -> Console:
    """Return standard output, wide enough for a table where it is a file."""
    found = Console()
    return found if found.is_terminal else Console(width=PLAIN_WIDTH)
