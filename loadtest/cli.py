"""The command line: what is accepted."""

import argparse
import asyncio
import datetime as dt
import os
import secrets
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from rich.console import Console

from loadtest import runs, tables
from loadtest.arrivals import MAX_REQUESTS, MAX_SECONDS
from loadtest.launch import EXIT_CODES, launch
from loadtest.rush import Order
from loadtest.screen import PLAIN_WIDTH
from loadtest.target import allow_list, base_url, refusal
from runtime.settings import integer, number

MAX_RATE_PER_S = 5_000  # on average; a grid on one machine admits less
BOUNDS = f"bounds: {MAX_REQUESTS} requests, {MAX_SECONDS} s, {MAX_RATE_PER_S} requests/s on average"
DEFAULT_SEED = 1  # peaks at 92 % of the default grid: 91 % is the mean of all seeds
PRESET = "rush-hour"

T = TypeVar("T")


def parser(environ: Mapping[str, str]) -> argparse.ArgumentParser:
    """Return the parser; `environ` may hold GATEWAY_URL, BALANCER_URL and RUNS_DIR."""
    top = argparse.ArgumentParser(
        prog="python -m loadtest", description="Load on the grid.", epilog=EXIT_CODES
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    about = "send seeded random arrivals to the gateway and check that the grid stayed balanced"
    rush = commands.add_parser("rush-hour", help=about, description=about, epilog=f"{BOUNDS}; {EXIT_CODES}")
    _where(rush, environ)
    _what(rush)
    about = "list the runs in the runs folder, the newest first"
    _runs_folder(commands.add_parser("runs", help=about, description=about), environ)
    return top


def _where(rush: argparse.ArgumentParser, environ: Mapping[str, str]) -> None:
    for name, port in (("gateway", 8000), ("balancer", 8001)):
        variable = f"{name.upper()}_URL"
        default = environ.get(variable) or f"http://127.0.0.1:{port}"
        about = f"base URL of the {name}, on a loopback address or allowed (env {variable})"
        rush.add_argument(
            f"--{name}", type=_explained(base_url), default=default, help=f"{about} [%(default)s]"
        )
    about = "a base URL that may be used though it is not on a loopback address; may be repeated"
    rush.add_argument(
        "--allow-target", type=_explained(base_url), action="append", default=[], metavar="URL",
        help=f"{about} (env LOADTEST_TARGETS, separated by commas)",
    )  # fmt: skip
    _runs_folder(rush, environ)


def _runs_folder(command: argparse.ArgumentParser, environ: Mapping[str, str]) -> None:
    about = "folder that holds one folder a run (env RUNS_DIR)"
    default = environ.get("RUNS_DIR") or "data/runs"
    command.add_argument(
        "--runs-dir", type=Path, default=default, metavar="DIR", help=f"{about} [%(default)s]"
    )


def _what(rush: argparse.ArgumentParser) -> None:
    options: tuple[tuple[str, Callable[[str], object], str, str], ...] = (
        ("--requests", integer(1, MAX_REQUESTS), "500", "how many cars arrive"),
        ("--seconds", number(0.1, MAX_SECONDS), "60", "in how many seconds they arrive"),
        ("--seed", integer(0, 2**53), str(DEFAULT_SEED), "the same seed makes the same arrivals"),
        ("--concurrency", integer(1, 10_000), "500", "how many requests may be open at once"),
        ("--max-ratio", number(1, 1000), "1.05", "highest max/mean utilization that holds"),
        ("--max-refused", integer(0, MAX_REQUESTS), "0", "how many refusals still hold"),
        ("--settle-s", number(0, MAX_SECONDS), "180", "how long to wait for a nearly empty fleet"),
    )  # fmt: skip
    for name, parse, default, help_text in options:
        rush.add_argument(name, type=_explained(parse), default=default, help=f"{help_text} [%(default)s]")
    about = "auto: bars on a terminal, plain lines elsewhere; jsonl: one JSON object a line, for a program"
    rush.add_argument("--progress", choices=("auto", "jsonl"), default="auto", help=f"{about} [%(default)s]")
    about = "write a further copy of the result to FILE"
    rush.add_argument("--json", type=_explained(_writable), help=about, metavar="FILE")


def _writable(text: str) -> Path:
    path = Path(text)
    if not path.absolute().parent.is_dir() or path.is_dir():
        message = "a file in a folder that exists is accepted"
        raise ValueError(message)
    return path


def _explained(parse: Callable[[str], T]) -> Callable[[str], T]:
    """Wrap a parser so that argparse prints what its ValueError says."""

    def parsed(text: str) -> T:
        try:
            return parse(text)
        except ValueError as error:
            message = f"{text!r} can't be used: {error}"
            raise argparse.ArgumentTypeError(message) from error

    return parsed


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
    if asked.requests > asked.seconds * MAX_RATE_PER_S:
        return f"--requests {asked.requests} in --seconds {asked.seconds:g} is too fast; {BOUNDS}"
    return ""


def main(arguments: Sequence[str]) -> int:
    """Run the command line; returns the exit code, but leaves by SystemExit(2) on wrong usage."""
    top = parser(os.environ)
    asked = top.parse_args(arguments)
    if asked.command == "runs":
        console = Console()
        tables.show_runs(
            console if console.is_terminal else Console(width=PLAIN_WIDTH), runs.listed(asked.runs_dir)
        )
        return 0
    if why := faults(asked, os.environ):
        top.error(why)
    run_id = runs.run_id(dt.datetime.now(dt.UTC), PRESET, asked.seed, secrets.randbits(16))
    order = Order(
        run_id, PRESET, asked.gateway, asked.balancer, asked.requests, asked.seconds, asked.seed,
        asked.concurrency, asked.max_ratio, asked.max_refused, asked.settle_s, asked.json, asked.runs_dir,
    )  # fmt: skip
    return asyncio.run(launch(order, to_program=asked.progress == "jsonl"))
