"""The command line: what is accepted, and the exit codes."""

import argparse
import asyncio
import ipaddress
import os
import random
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from loadtest.arrivals import MAX_SECONDS
from loadtest.credential import Credential, from_file
from loadtest.grid import NotReady
from loadtest.options import Option, fail_if, plan_options, wish_of
from loadtest.outage import NotRestored
from loadtest.plan import GridSize, make
from loadtest.plan_view import show_plan, write_plan
from loadtest.presets import PRESETS, Preset
from loadtest.report import NotWritten
from loadtest.rush import Order, run
from loadtest.screen import screen
from loadtest.thresholds import in_force, limit
from runtime.settings import integer, number, urls

HELD, BROKEN, USAGE, UNREACHABLE, INTERRUPTED = 0, 1, 2, 3, 130
EXIT_CODES = "exit codes: 0 all thresholds held, 1 one broken, 2 usage, 3 grid not reachable or not ready, 130 interrupted"
FILES = (
    ("--json", "write everything that was measured to FILE; with --dry-run the plan"),
    ("--plan-json", "write the plan to FILE"),
)
MAX_RETRIES = 10
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
    top.add_argument("--list", action=_List, nargs=0, help="say what each preset does, and end")
    commands = top.add_subparsers(dest="command", required=True, metavar="PRESET")
    for preset in PRESETS.values():
        in_list = preset.about.replace("%", "%%")
        command = commands.add_parser(preset.name, help=in_list, description=preset.about, epilog=EXIT_CODES)
        for name, parse, default, help_text in _options(preset, environ):
            shown = help_text if default is None else f"{help_text} [%(default)s]"
            command.add_argument(name, type=_explained(parse), default=default, help=shown)
        command.add_argument(
            "--fail-if", type=_explained(limit), action="append", default=[], metavar="'NAME OP NUMBER'",
            help=fail_if(preset).replace("%", "%%"),
        )  # fmt: skip
        command.add_argument(
            "--api-key-file", type=_explained(from_file), dest="credential", metavar="FILE",
            help="file with the API key for the gateway; without it env API_KEY is used, if set",
        )  # fmt: skip
        for name, help_text in FILES:
            command.add_argument(name, type=_explained(_writable), help=help_text, metavar="FILE")
        command.add_argument("--dry-run", action="store_true", help="only show the plan; nothing is sent")
    return top


class _List(argparse.Action):
    """Prints each preset in a line, and ends."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        lines = (f"{preset.name:<12}{preset.about}" for preset in PRESETS.values())
        sys.stdout.write("\n".join(lines) + "\n")
        parser.exit()


def _options(preset: Preset, environ: Mapping[str, str]) -> tuple[Option, ...]:
    """Return the options of a preset with its values as defaults."""
    gateway = environ.get("GATEWAY_URL") or "http://127.0.0.1:8000"
    balancer = environ.get("BALANCER_URL") or "http://127.0.0.1:8001"
    return (
        ("--gateway", loopback_url, gateway, "base URL of the gateway, on a loopback address (env GATEWAY_URL)"),
        ("--balancer", loopback_url, balancer, "base URL of the balancer, likewise (env BALANCER_URL)"),
        *plan_options(preset),
        ("--concurrency", integer(1, 10_000), "500", "how many requests may be open at once"),
        ("--retries", integer(0, MAX_RETRIES), str(preset.retries),
         "how often a request is sent again after 429, 503 or no answer"),
        ("--settle-s", number(0, MAX_SECONDS), "180", "how long to wait for a nearly empty fleet"),
    )  # fmt: skip


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
    asking = parser(os.environ)
    asked = asking.parse_args(arguments)
    if asked.dry_run:
        return _dry_run(asked)
    try:
        credential = asked.credential or Credential(os.environ.get("API_KEY", "").strip())
    except ValueError as error:
        asking.error(f"API_KEY can't be used: {error}")
    wish = wish_of(asked)
    order = Order(
        asked.gateway, asked.balancer, wish, asked.concurrency, asked.retries,
        in_force(wish.preset.limits, asked.fail_if), asked.settle_s, asked.json, asked.plan_json,
    )  # fmt: skip
    return asyncio.run(_rush_hour(order, credential))


def _dry_run(asked: argparse.Namespace) -> int:
    """Show the plan, and write it where it is wanted; uses no network."""
    grid = GridSize(asked.capacity_kw, asked.time_scale)
    try:
        plan = make(wish_of(asked), grid, random.Random)
        for path in filter(None, (asked.plan_json, asked.json)):
            write_plan(path, plan)
    except (ValueError, NotWritten) as error:
        print(f"loadtest: {error}", file=sys.stderr)  # noqa: T201 - a command line
        return BROKEN if isinstance(error, NotWritten) else USAGE
    show_plan(screen().console, plan, grid)
    return HELD


async def _rush_hour(order: Order, credential: Credential) -> int:
    stop = asyncio.Event()
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(signal_number, stop.set)
    try:
        ended = await run(order, credential, screen(), stop)
    except (NotReady, NotWritten, NotRestored) as error:
        print(f"loadtest: {error}", file=sys.stderr)  # noqa: T201 - a command line
        return UNREACHABLE if isinstance(error, NotReady) else BROKEN
    if ended.interrupted:
        return INTERRUPTED
    return HELD if ended.held else BROKEN
