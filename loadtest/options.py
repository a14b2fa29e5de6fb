"""The options of a preset: where it sends, which plan, how it is sent, what breaks it, what it leaves."""

import argparse
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from loadtest.judge.thresholds import FIGURES, limit
from loadtest.plan.arrivals import MAX_REQUESTS, MAX_SECONDS
from loadtest.plan.document import DEFAULT_GRID, PlanOptions
from loadtest.plan.presets import PRESETS, Preset
from loadtest.plan.shapes import SHAPES
from loadtest.record.records import W_PER_KW
from loadtest.run.target import base_url
from loadtest.send.credential import from_file
from runtime.operator_token import OperatorToken, read_if_any
from runtime.settings import integer, local_url, matching, number

DEFAULT_SEED = 1  # its peaks are near the mean of all seeds
MAX_RETRIES = 10
MAX_REPEAT = 100
NAME = re.compile(r"[a-z_]{1,40}")  # of a policy, as it goes into the name of a file
SUBSTATION_ID = "[a-z0-9-]{1,63}"
FILES = (
    ("--json", "write a further copy of the result to FILE; with --dry-run the plan"),
    ("--plan-json", "write the plan to FILE"),
)

T = TypeVar("T")
Option = tuple[str, Callable[[str], object], str | None, str]  # name, parser, default, help


def add(command: argparse.ArgumentParser, preset: Preset, environ: Mapping[str, str]) -> None:
    """Add all options of a preset to its command; `environ` is where their defaults come from."""
    _where(command, environ)
    runs_folder(command, environ)
    for name, parse, default, help_text in (*_plan(preset), *_manner(preset)):
        shown = help_text if default is None else f"{help_text} [%(default)s]"
        command.add_argument(name, type=explained(parse), default=default, help=shown)
    built_in = f"Built in: {', '.join(preset.limits)}. Names: {', '.join(FIGURES)}"
    command.add_argument(
        "--fail-if",
        type=explained(limit),
        action="append",
        default=[],
        metavar="'NAME OP NUMBER'",
        help="break the run if, e.g. 'p99_ms > 250'; may be given again, and replaces the built-in limit of NAME. "
        + built_in,
    )
    about = "auto: bars on a terminal, plain lines elsewhere; jsonl: one JSON object a line, for a program"
    command.add_argument(
        "--progress", choices=("auto", "jsonl"), default="auto", help=f"{about} [%(default)s]"
    )
    command.add_argument(
        "--end-sessions-on-stop",
        action="store_true",
        help="when the run is stopped, end the sessions that it had got; without this they charge on",
    )
    _rounds(command)
    for name, about in FILES:
        command.add_argument(name, type=explained(writable), help=about, metavar="FILE")
    command.add_argument("--dry-run", action="store_true", help="only show the plan; nothing is sent")


def _rounds(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--policy",
        type=explained(_names),
        default=(),
        metavar="NAME[,NAME...]",
        help="run under each of these policies in turn and compare them; the former one comes back",
    )
    command.add_argument(
        "--repeat",
        type=explained(integer(1, MAX_REPEAT)),
        default="1",
        metavar="N",
        help="run so many times, under each policy [%(default)s]",
    )
    command.add_argument(
        "--html",
        type=explained(writable),
        metavar="FILE",
        help="write the comparison of several runs as a page to FILE",
    )


def _names(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(","))
    if not all(NAME.fullmatch(name) for name in names) or len(set(names)) < len(names):
        raise ValueError("different names of policies, separated by commas, are accepted")
    return names


def runs_folder(command: argparse.ArgumentParser, environ: Mapping[str, str]) -> None:
    """Add the option that names the runs folder."""
    about = "folder that holds one folder a run (env RUNS_DIR; else `runs` in env DATA_DIR)"
    default = environ.get("RUNS_DIR") or f"{environ.get('DATA_DIR') or 'data'}/runs"
    command.add_argument(
        "--runs-dir", type=Path, default=default, metavar="DIR", help=f"{about} [%(default)s]"
    )


def _where(command: argparse.ArgumentParser, environ: Mapping[str, str]) -> None:
    for name, usual in (("gateway", 8000), ("balancer", 8001)):
        variable = f"{name.upper()}_URL"
        port = environ.get(f"{name.upper()}_PORT") or usual
        default = environ.get(variable) or local_url(environ.get("BIND") or "127.0.0.1", port)
        about = f"base URL of the {name}, on a loopback address or allowed (env {variable}; else {name.upper()}_PORT)"
        command.add_argument(
            f"--{name}", type=explained(base_url), default=default, help=f"{about} [%(default)s]"
        )
    about = "a base URL that may be used though it is not on a loopback address; may be repeated"
    command.add_argument(
        "--allow-target",
        type=explained(base_url),
        action="append",
        default=[],
        metavar="URL",
        help=f"{about} (env LOADTEST_TARGETS, separated by commas)",
    )
    command.add_argument(
        "--api-key-file",
        type=explained(from_file),
        dest="credential",
        metavar="FILE",
        help="file with the API key for the gateway; without it env API_KEY is used, if set",
    )
    command.add_argument(
        "--operator-token-file",
        type=explained(_token),
        dest="token",
        metavar="FILE",
        default=environ.get("OPERATOR_TOKEN_FILE") or None,
        help="file with the operator token, for a balancer that requires it (env OPERATOR_TOKEN_FILE)",
    )


def _token(path: str) -> OperatorToken | None:
    try:
        return read_if_any(Path(path))
    except OSError as error:
        raise ValueError(str(error)) from error


def _plan(preset: Preset) -> tuple[Option, ...]:
    requests = integer(1, MAX_REQUESTS)
    grid_kw = ",".join(f"{watts / W_PER_KW:g}" for watts in DEFAULT_GRID.capacity_w.values())
    return (
        (
            "--requests",
            unless_word("auto", requests) if preset.peak_share else requests,
            str(preset.requests or "auto"),
            "how many cars arrive",
        ),
        ("--seconds", number(0.1, MAX_SECONDS), f"{preset.seconds:g}", "in how many seconds they arrive"),
        ("--seed", integer(0, 2**53), str(DEFAULT_SEED), "the same seed makes the same arrivals"),
        (
            "--shape",
            matching("|".join(SHAPES), f"one of {', '.join(SHAPES)}"),
            preset.shape,
            f"when they arrive: {', '.join(SHAPES)}",
        ),
        (
            "--substation",
            matching(SUBSTATION_ID, "a substation's id"),
            None,
            "which one outage drains and hot-spot is about [the first of the fleet]",
        ),
        (
            "--time-scale",
            number(0.001, 1_000_000),
            f"{DEFAULT_GRID.time_scale:g}",
            "time scale of the grid that --dry-run assumes; a run asks the grid",
        ),
        ("--capacity-kw", _capacities, grid_kw, "capacities that --dry-run assumes, likewise"),
    )


def _manner(preset: Preset) -> tuple[Option, ...]:
    return (
        ("--concurrency", integer(1, 10_000), "500", "how many requests may be open at once"),
        (
            "--retries",
            integer(0, MAX_RETRIES),
            str(preset.retries),
            "how often a request is sent again after 429, 503 or no answer",
        ),
        ("--settle-s", number(0, MAX_SECONDS), "180", "how long to wait for a nearly empty fleet"),
    )


def wish_of(asked: argparse.Namespace) -> PlanOptions:
    """Return what the command line wants of the plan."""
    preset = PRESETS[asked.command]
    return PlanOptions(
        preset, asked.seed, asked.shape, asked.requests, float(asked.seconds), asked.substation
    )


def unless_word(word: str, parse: Callable[[str], T]) -> Callable[[str], T | None]:
    """A parser that takes `word` for None, and leaves everything else to `parse`."""
    return lambda text: None if text == word else parse(text)


def writable(text: str) -> Path:
    """Return the path of a file that can be written; raises ValueError."""
    path = Path(text)
    if not path.absolute().parent.is_dir() or path.is_dir():
        raise ValueError("a file in a folder that exists is accepted")
    return path


def explained(parse: Callable[[str], T]) -> Callable[[str], T]:
    """Wrap a parser so that argparse prints what its ValueError says."""

    def parsed(text: str) -> T:
        try:
            return parse(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(f"{text!r} can't be used: {error}") from error

    return parsed


def _capacities(text: str) -> Mapping[str, float]:
    """Return capacities in watts, by the ids that `make run` gives."""
    kilowatts = [number(0.1, 1_000_000)(part) for part in text.split(",")]
    return {f"substation-{index}": each * W_PER_KW for index, each in enumerate(kilowatts, start=1)}
