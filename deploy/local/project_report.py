"""Writes project_report.pdf: measures a rush hour and the policies, and prints what it measured.

`make report` calls it. Without GATEWAY_URL the rush hour runs on a grid of its own, on free ports and with its own
data. The comparison of the policies always does. Chromium prints. Options that are not listed here go to
`python -m loadtest rush-hour`.
"""

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from deploy.local import machine, printing
from deploy.local.fleet_recorder import FleetRecorder, read_policies
from deploy.local.own_grid import ROOT, GridStartError, own_grid
from loadtest.paper.document import NotAResult
from loadtest.paper.evidence import SCHEMA
from loadtest.paper.page import project_report

RESULT = "result.json"
EMPTY_WITHIN_S = 240.0
# The comparison runs at twice the speed, with reports of the substations as rare as one in 5 s at the usual speed:
# a policy that trusts the last report alone then shows what it does.
COMPARED = {"TIME_SCALE": "240", "POLL_S": "2.5"}
COMPARED_SECONDS = 30.0


def main() -> int:
    """Make the report; returns the exit code: 1 when there is none, 2 without Chromium, 130 on Ctrl-C."""
    options, rush_hour = _options().parse_known_args()
    browser = printing.browser()
    if not browser:
        sys.stderr.write(f"{printing.LACKING}\n")
        return 2
    try:
        with tempfile.TemporaryDirectory() as folder:
            _make(Path(folder), options, rush_hour, browser)
    except (GridStartError, NotAResult, OSError, ValueError, subprocess.SubprocessError) as error:
        sys.stderr.write(f"No report: {error}\n")
        return 1
    except KeyboardInterrupt:
        return 130
    print(f"report: {options.output}")
    return 0


def _make(folder: Path, options: argparse.Namespace, rush_hour: list[str], browser: str) -> None:
    report = _read(options.result) if options.result else _measure(folder, rush_hour, compare=options.compare)
    if options.keep:
        options.keep.write_text(json.dumps(report), encoding="utf-8")
    page = folder / "project_report.html"
    page.write_text(project_report(report), encoding="utf-8")
    printing.print_page(browser, page, options.output)


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="make report", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--output", type=Path, default=ROOT / "project_report.pdf", help="the PDF [%(default)s]"
    )
    parser.add_argument(
        "--no-comparison",
        dest="compare",
        action="store_false",
        help="leave out the comparison of the policies, which takes about four minutes",
    )
    parser.add_argument(
        "--keep", type=Path, metavar="FILE", help="write everything that was measured to FILE"
    )
    about = "measure nothing: print FILE, which is the result of a run, or what --keep wrote"
    parser.add_argument("--result", type=Path, metavar="FILE", help=about)
    return parser


def _read(file: Path) -> Any:
    return json.loads(file.read_text(encoding="utf-8"))


def _measure(folder: Path, rush_hour: list[str], *, compare: bool) -> dict[str, Any]:
    """Return everything that the report is made of."""
    own = not os.environ.get("GATEWAY_URL")
    report: dict[str, Any] = {"schema": SCHEMA, "machine": machine.describe(), "own_grid": own}
    result = folder / RESULT
    with _grid_of_environment(folder) as environ, FleetRecorder(environ["BALANCER_URL"]) as recorder:
        print("Rush hour (about a minute)", flush=True)
        _send(environ, ["--json", str(result), *rush_hour])
        if not result.exists():
            raise OSError("the rush hour left no result")
        report["document"] = _read(result)
        if compare:  # meanwhile the first grid empties, and the recorder reads it
            policies = read_policies(environ["BALANCER_URL"])
            report["comparison"] = _compare(folder, policies, report["document"]["run"])
        print("Waiting until the cars of the rush hour have left", flush=True)
        recorder.wait_until_empty(EMPTY_WITHIN_S)
    return report | {"fleet": recorder.readings}


def _send(
    environ: Mapping[str, str], options: list[str], *, quiet: bool = False
) -> subprocess.CompletedProcess[str]:
    """Run the load test; a failed threshold is a result like any other."""
    command = [sys.executable, "-m", "loadtest", "rush-hour", *options]
    return subprocess.run(command, cwd=ROOT, env=environ, capture_output=quiet, text=True, check=False)  # noqa: S603 - our own


@contextlib.contextmanager
def _grid_of_environment(folder: Path) -> Iterator[Mapping[str, str]]:
    """Yield an environment that names the grid of GATEWAY_URL, or a grid that is started for this."""
    if os.environ.get("GATEWAY_URL"):
        yield {"BALANCER_URL": "http://127.0.0.1:8001", **os.environ}
        return
    with own_grid(folder / "data") as environ:
        yield environ


def _compare(folder: Path, policies: list[str], run: Mapping[str, Any]) -> dict[str, Any]:
    """Send the cars of a run again under each policy, each time to a new grid; returns the documents."""
    cars = [f"--{name}={run[name]}" for name in ("seed", "requests") if isinstance(run.get(name), int)]
    documents = []
    for number, policy in enumerate(policies, start=1):
        print(f"Policy {number} of {len(policies)}: {policy} (about 40 s)", flush=True)
        result = folder / f"{policy}.json"
        own = ["--policy", policy, f"--seconds={COMPARED_SECONDS:g}", "--json", str(result), *cars]
        with own_grid(folder / f"data-{policy}", **COMPARED) as environ:
            ended = _send(environ, own, quiet=True)
        if result.exists():
            documents.append(_read(result))
        else:
            sys.stderr.write(f"No result under {policy}: {ended.stderr}\n")
    return {
        "poll_s": float(COMPARED["POLL_S"]),
        "time_scale": float(COMPARED["TIME_SCALE"]),
        "documents": documents,
    }


if __name__ == "__main__":
    sys.exit(main())
