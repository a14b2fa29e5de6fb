"""The options of a preset on the command line, and the plan and the run that follow from them."""

import argparse
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from loadtest import contract
from loadtest.contract import MAX_REQUESTS, MAX_SECONDS, MIN_SECONDS
from loadtest.judge.thresholds import FIGURES, in_force, limit
from loadtest.plan import clock
from loadtest.plan.document import DEFAULT_GRID, PlanOptions
from loadtest.plan.presets import PRESETS, Preset
from loadtest.plan.shapes import SHAPES
from loadtest.report import runs
from loadtest.run.options import RunOptions
from loadtest.send.credential import from_file
from loadtest.send.target import base_url
from loadtest.units import W_PER_KW
from runtime.operator_token import OperatorToken, read_if_any
from runtime.settings import integer, local_url, matching, number

DEFAULT = "(default: %(default)s)"
MAX_RETRIES = 10
MAX_REPEAT = 100
POLICY_NAME = re.compile(r"[a-z_]{1,40}")  # becomes part of a file name
SUBSTATION_ID = "[a-z0-9-]{1,63}"
FILES = (
    ("--json", "write a copy of the result to FILE; with --dry-run, the plan"),
    ("--plan-json", "write the plan to FILE"),
)

T = TypeVar("T")
Option = tuple[str, Callable[[str], object], str | None, str]  # name, parser, default, help


def add(command: argparse.ArgumentParser, preset: Preset, environ: Mapping[str, str]) -> None:
    """Add all options of a preset to its command; `environ` has their defaults."""
    _where(command, environ)
    runs_folder(command, environ)
    for name, parse, default, about in (*_plan(preset), *_assumed_grid(environ), *_sending(preset)):
        help_text = about if default is None else f"{about} {DEFAULT}"
        command.add_argument(name, type=explained(parse), default=default, help=help_text)
    built_in = f"Built in: {', '.join(preset.limits)}. Names: {', '.join(FIGURES)}"
    command.add_argument(
        "--fail-if",
        type=explained(limit),
        action="append",
        default=[],
        metavar="'NAME OP NUMBER'",
        help="the run fails if this is true, e.g. 'p99_ms > 250'; can be repeated, and replaces the built-in limit of "
        f"NAME. {built_in}",
    )
    about = "auto: bars on a terminal, plain lines elsewhere; jsonl: one JSON object a line, for a program"
    command.add_argument(
        contract.PROGRESS, choices=("auto", contract.JSON_LINES), default="auto", help=f"{about} {DEFAULT}"
    )
    command.add_argument(
        contract.END_SESSIONS_ON_STOP,
        action="store_true",
        help="when the run is stopped, end its sessions; without this option they charge on",
    )
    _rounds(command)
    for name, about in FILES:
        command.add_argument(name, type=explained(writable), help=about, metavar="FILE")
    command.add_argument("--dry-run", action="store_true", help="show the plan and send nothing")


def _rounds(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--policy",
        "--compare",
        type=explained(_names),
        default=(),
        metavar="NAME[,NAME...]",
        help="run under each of these policies in turn and compare them; the present policy is restored",
    )
    command.add_argument(
        "--repeat",
        type=explained(integer(1, MAX_REPEAT)),
        default="1",
        metavar="N",
        help=f"number of runs under each policy {DEFAULT}",
    )
    command.add_argument(
        contract.HTML,
        type=explained(writable),
        metavar="FILE",
        help="write the comparison of several runs to FILE, as a page",
    )


def _names(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(","))
    if not all(POLICY_NAME.fullmatch(name) for name in names) or len(set(names)) < len(names):
        raise ValueError("different names of policies, separated by commas, are accepted")
    return names


def runs_folder(command: argparse.ArgumentParser, environ: Mapping[str, str]) -> None:
    """Add the option that names the runs folder."""
    about = "folder with one folder for each run (env RUNS_DIR, or `runs` in env DATA_DIR)"
    default = environ.get("RUNS_DIR") or f"{environ.get('DATA_DIR') or 'data'}/runs"
    command.add_argument("--runs-dir", type=Path, default=default, metavar="DIR", help=f"{about} {DEFAULT}")


def _where(command: argparse.ArgumentParser, environ: Mapping[str, str]) -> None:
    for name, usual in (("gateway", 8000), ("balancer", 8001)):
        variable = f"{name.upper()}_URL"
        port = environ.get(f"{name.upper()}_PORT") or usual
        scheme = "https" if environ.get("TLS_CA") else "http"
        default = environ.get(variable) or local_url(environ.get("BIND") or "127.0.0.1", port, scheme)
        about = f"base URL of the {name}, on a loopback address or allowed (env {variable} or {name.upper()}_PORT)"
        command.add_argument(
            f"--{name}", type=explained(base_url), default=default, help=f"{about} {DEFAULT}"
        )
    about = "allow a base URL that is not on a loopback address; can be repeated"
    command.add_argument(
        "--allow-target",
        type=explained(base_url),
        action="append",
        default=[],
        metavar="URL",
        help=f"{about} (env LOADTEST_TARGETS, separated by commas)",
    )
    command.add_argument(
        contract.API_KEY_FILE,
        type=explained(from_file),
        dest="credential",
        metavar="FILE",
        help="file with the API key for the gateway (default: env API_KEY)",
    )
    command.add_argument(
        contract.OPERATOR_TOKEN_FILE,
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
    return (
        (
            contract.REQUESTS,
            unless_word("auto", requests) if preset.peak_share else requests,
            str(preset.requests or "auto"),
            "number of cars",
        ),
        (
            contract.SECONDS,
            number(MIN_SECONDS, MAX_SECONDS),
            f"{preset.seconds:g}",
            "seconds in which they arrive",
        ),
        (
            contract.SEED,
            integer(0, contract.MAX_SEED),
            str(contract.DEFAULT_SEED),
            "the same seed gives the same arrivals",
        ),
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
            "substation that outage drains, or that the cars of hot-spot need (default: the first of the fleet)",
        ),
        (
            "--starts-at",
            unless_word("now", clock.read),
            "now",
            f"time of day of the grid at which the run begins; with --dry-run, now is {clock.write(clock.ASSUMED_H)}",
        ),
    )


def _assumed_grid(environ: Mapping[str, str]) -> tuple[Option, ...]:
    """Return the options of the grid without which a plan can't be made; the settings of `make run` are their defaults."""
    of_each = environ.get("CAPACITY_KW")
    usual = [of_each or f"{watts / W_PER_KW:g}" for watts in DEFAULT_GRID.capacity_w.values()]
    return (
        (
            "--time-scale",
            number(0.001, 1_000_000),
            environ.get("TIME_SCALE") or f"{DEFAULT_GRID.time_scale:g}",
            "time scale of the grid that --dry-run assumes (env TIME_SCALE); a run asks the grid",
        ),
        (
            "--capacity-kw",
            _capacities,
            ",".join(usual),
            "capacities that --dry-run assumes (env CAPACITY_KW, of each of three); a run asks the grid",
        ),
    )


def _sending(preset: Preset) -> tuple[Option, ...]:
    return (
        ("--concurrency", integer(1, 10_000), "500", "how many requests may be open at once"),
        (
            "--retries",
            integer(0, MAX_RETRIES),
            str(preset.retries),
            "how often a request is sent again after 429, 503 or no answer",
        ),
        ("--settle-s", number(0, MAX_SECONDS), "180", "seconds to wait for a nearly empty fleet"),
    )


def plan_options(parsed: argparse.Namespace) -> PlanOptions:
    """Return the options of the plan."""
    preset = PRESETS[parsed.command]
    return PlanOptions(
        preset,
        parsed.seed,
        parsed.shape,
        parsed.requests,
        float(parsed.seconds),
        parsed.substation,
        parsed.starts_at,
    )


def run_options(parsed: argparse.Namespace) -> RunOptions:
    """Return the options of a run that begins now."""
    plan = plan_options(parsed)
    return RunOptions(
        runs.new_id(plan.preset.name, plan.seed),
        parsed.gateway,
        parsed.balancer,
        plan,
        parsed.concurrency,
        parsed.retries,
        in_force(plan.preset.limits, parsed.fail_if),
        parsed.settle_s,
        parsed.runs_dir,
        json=parsed.json,
        plan_json=parsed.plan_json,
        end_on_stop=parsed.end_sessions_on_stop,
    )


def unless_word(word: str, parse: Callable[[str], T]) -> Callable[[str], T | None]:
    """Return a parser that reads `word` as None, and leaves everything else to `parse`."""
    return lambda text: None if text == word else parse(text)


def writable(text: str) -> Path:
    """Return the path of a file that can be written; raises ValueError."""
    path = Path(text)
    if not path.absolute().parent.is_dir() or path.is_dir():
        raise ValueError("a file in a folder that exists is accepted")
    return path


def explained(parse: Callable[[str], T]) -> Callable[[str], T]:
    """Wrap a parser so that argparse prints the message of its ValueError."""

    def parsed(text: str) -> T:
        try:
            return parse(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(f"{text!r} can't be used: {error}") from error

    return parsed


def _capacities(text: str) -> Mapping[str, float]:
    """Return capacities in watts, by the substation ids of `make run`."""
    kilowatts = [number(0.1, 1_000_000)(part) for part in text.split(",")]
    return {f"substation-{index}": each * W_PER_KW for index, each in enumerate(kilowatts, start=1)}
