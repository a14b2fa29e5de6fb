"""The command that sends the plan of a run again.

Pure.
"""

import shlex
from collections.abc import Iterator, Mapping

from loadtest.paper.document import Document
from loadtest.paper.fields import number, text

GATEWAY_URL, BALANCER_URL = "http://127.0.0.1:8000", "http://127.0.0.1:8001"  # where a grid is by default
OPTIONS = ("seed", "requests", "seconds", "shape", "starts_at", "concurrency", "retries")


def command(document: Document, *, named_grid: bool = True) -> str:
    """Return the command that sends the same cars again, to a grid of the same kind.

    Without `named_grid` the command leaves out where the grid was.
    """
    run = document.run if named_grid else {**document.run, "gateway_url": None, "balancer_url": None}
    return shlex.join(["python", "-m", "loadtest", text(run.get("preset")) or "rush-hour", *_options(run)])


def _options(run: Mapping[str, object]) -> Iterator[str]:
    for name in OPTIONS:
        if run.get(name) is not None:
            value = number(run[name])
            yield from (f"--{name.replace('_', '-')}", text(run[name]) if value is None else f"{value:.15g}")
    limits = run.get("fail_if")
    for limit in limits if isinstance(limits, list) else []:
        yield from ("--fail-if", text(limit))
    for name, key, default in (
        ("gateway", "gateway_url", GATEWAY_URL),
        ("balancer", "balancer_url", BALANCER_URL),
        ("substation", "substation_id", None),
    ):
        if run.get(key) and run[key] != default:
            yield from (f"--{name}", text(run[key]))
