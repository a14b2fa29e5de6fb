"""The command line: what is accepted, and the exit codes."""

import argparse
import asyncio
import ipaddress
import os
import re
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from loadtest import report
from loadtest.arrivals import MAX_REQUESTS, MAX_SECONDS
from loadtest.compare import command
from loadtest.grid import NotReady
from loadtest.paper.document import NotAResult
from loadtest.report import NotWritten
from loadtest.rounds import documents, run_rounds
from loadtest.rush import Order, run
from loadtest.screen import screen
from runtime.settings import integer, number, urls

HELD, BROKEN, USAGE, UNREACHABLE, INTERRUPTED = 0, 1, 2, 3, 130
EXIT_CODES = "exit codes: 0 all thresholds held, 1 one broken, 2 usage, 3 grid not reachable or not ready, 130 interrupted"
DEFAULT_SEED = 1  # peaks at 92 % of the default grid: 91 % is the mean of all seeds
MAX_REPEAT = 100
NAME = re.compile(r"[a-z_]{1,40}")  # of a policy, as it goes into the name of a file
LOOPBACK = ipaddress.ip_network("127.0.0.0/8")

T = TypeVar("T")


def loopback_url(text: str) -> str:
    """Return a base URL on this machine, normalised; raises ValueError for any other."""
    parts = urlsplit(urls(text)[0])
    host = parts.hostname or ""
    if not _is_loopback(host):
        message = f"the host {host!r} is not a loopback address: a rush hour is for your own grid only"
        raise ValueError(message)
    port = f":{parts.port}" if parts.port else ""
    return f"http://[{host}]{port}" if ":" in host else f"http://{host}{port}"


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address in LOOPBACK or address == ipaddress.IPv6Address("::1")


def parser(environ: Mapping[str, str]) -> argparse.ArgumentParser:
    """Return the parser; `environ` may hold GATEWAY_URL and BALANCER_URL."""
    top = argparse.ArgumentParser(
        prog="python -m loadtest", description="Load on the grid.", epilog=EXIT_CODES
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    about = "send seeded random arrivals to the gateway and check that the grid stayed balanced"
    rush = commands.add_parser("rush-hour", help=about, description=about, epilog=EXIT_CODES)
    gateway = environ.get("GATEWAY_URL") or "http://127.0.0.1:8000"
    balancer = environ.get("BALANCER_URL") or "http://127.0.0.1:8001"
    options: tuple[tuple[str, Callable[[str], object], str, str], ...] = (
        ("--gateway", loopback_url, gateway, "base URL of the gateway, on a loopback address (env GATEWAY_URL)"),
        ("--balancer", loopback_url, balancer, "base URL of the balancer, likewise (env BALANCER_URL)"),
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
    rush.add_argument(
        "--json",
        type=_explained(_writable),
        help="write everything that was measured to FILE",
        metavar="FILE",
    )
    rush.add_argument(
        "--report", type=Path, help="write the result, the report and its sheets to FOLDER", metavar="FOLDER"
    )
    _add_report(commands)
    _add_rounds(rush)
    command.add(commands, environ, _explained(_writable))
    return top


def _add_report(commands: Any) -> None:
    about = "draw the report of a run anew"
    again = commands.add_parser("report", help=about, description=about)
    again.add_argument("result", type=Path, help="the result of a run, as JSON", metavar="RESULT.json")
    again.add_argument(
        "-o", "--output", type=_explained(_writable), help="where to [report.html beside it]", metavar="FILE"
    )


def _add_rounds(rush: argparse.ArgumentParser) -> None:
    rush.add_argument(
        "--policy", type=_explained(_names), default=(), metavar="NAME[,NAME...]",
        help="run under each of these policies in turn and compare them; the former one comes back",
    )  # fmt: skip
    rush.add_argument(
        "--repeat", type=_explained(integer(1, MAX_REPEAT)), default="1", metavar="N",
        help="run so many times, under each policy [%(default)s]",
    )  # fmt: skip
    rush.add_argument(
        "--html", type=_explained(_writable), metavar="FILE",
        help="write the comparison of several runs as a page to FILE",
    )  # fmt: skip


def _names(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(","))
    if not all(NAME.fullmatch(name) for name in names) or len(set(names)) < len(names):
        message = "different names of policies, separated by commas, are accepted"
        raise ValueError(message)
    return names


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


def main(arguments: Sequence[str]) -> int:
    """Run the command line; returns the exit code, but leaves by SystemExit(2) on wrong usage."""
    top = parser(os.environ)
    asked = top.parse_args(arguments)
    if asked.command == "compare":
        return command.run(asked)
    if asked.command == "report":
        return _report(asked.result, asked.output)
    if asked.html and asked.repeat * max(len(asked.policy), 1) < 2:  # noqa: PLR2004 - one has nothing beside it
        top.error("--html shows a comparison: it needs several runs, by --policy or --repeat")
    order = Order(
        asked.gateway, asked.balancer, asked.requests, asked.seconds, asked.seed, asked.concurrency,
        asked.max_ratio, asked.max_refused, asked.settle_s, asked.json, asked.report,
    )  # fmt: skip
    return asyncio.run(_rush_hour(order, asked))


def _report(result: Path, output: Path | None) -> int:
    to = output or result.with_name(report.REPORT)
    try:
        report.render(result, to)
    except (NotAResult, NotWritten) as error:
        print(f"loadtest: {error}", file=sys.stderr)  # noqa: T201 - a command line
        return USAGE if isinstance(error, NotAResult) else BROKEN
    print(f"report: {to}")  # noqa: T201 - a command line
    return HELD


async def _rush_hour(order: Order, asked: argparse.Namespace) -> int:
    stop = asyncio.Event()
    for signal_number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(signal_number, stop.set)
    try:
        if asked.policy or asked.repeat > 1:
            ended = await run_rounds(order, asked.policy, asked.repeat, screen(), stop)
            command.present_rounds(documents(ended), asked.html)
        else:
            ended = [await run(order, screen(), stop)]
    except (NotReady, NotWritten, OSError) as error:
        print(f"loadtest: {error}", file=sys.stderr)  # noqa: T201 - a command line
        return UNREACHABLE if isinstance(error, NotReady) else BROKEN
    if stop.is_set() or any(each.interrupted for each in ended):
        return INTERRUPTED
    return HELD if all(each.held for each in ended) else BROKEN
