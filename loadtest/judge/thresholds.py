"""The limits of thresholds: with `<name> <op> <number>` a person says when a run fails.

FIGURES has all names, with the source of each. The limits of a preset are written in the same way
(`loadtest.plan.presets`).
"""

import dataclasses
import math
import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from loadtest.judge.result import Result
from loadtest.record.latency import PERCENTILES

FORM = re.compile(r"\s*([a-z0-9_]+)\s*(>=|<=|==|!=|>|<)\s*(\S+)\s*")
FAILS: Mapping[str, Callable[[float, float], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
}
PASSES = {">": "<=", ">=": "<", "<": ">=", "<=": ">", "==": "!=", "!=": "=="}
ACCEPTED = "<name> <op> <number>, as in 'p99_ms > 250', is accepted"


@dataclasses.dataclass(frozen=True, slots=True)
class Figure:
    """One figure of a result that may have a limit; `of` returns None for what was not measured.

    An `unconditional` figure is judged whatever operators do. The others depend on the usable capacity, the policy
    and stopped sessions.
    """

    about: str
    of: Callable[[Result], float | None]
    form: str = "g"
    latency: bool = False  # means little when the generator was saturated
    unconditional: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Limit:
    """A run fails when the figure `name` stands in relation `op` to `number`."""

    name: str
    op: str
    number: float

    def fails(self, value: float | None) -> bool:
        """Whether the run fails with this value; without a measured value it does."""
        return value is None or FAILS[self.op](value, self.number)

    def must(self) -> str:
        """Return the condition that passes, such as `<= 250`."""
        return f"{PASSES[self.op]} {self.number:g}"

    def __str__(self) -> str:
        return f"{self.name} {self.op} {self.number!r}"


def _latencies() -> dict[str, Figure]:
    """Return the percentiles of the response time (`p99_ms`) and of the service time (`service_p99_ms`)."""

    def of_response(name: str) -> Figure:
        return Figure(
            f"response time, {name}, in ms", lambda result: result.response_ms.get(name), ".1f", latency=True
        )

    def of_service(name: str) -> Figure:
        return Figure(
            f"service time, {name}, in ms", lambda result: result.service_ms.get(name), ".1f", latency=True
        )

    return {f"{name}_ms": of_response(name) for name in PERCENTILES} | {
        f"service_{name}_ms": of_service(name) for name in PERCENTILES
    }


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _of_cause(result: Result, cause: str) -> float | None:
    overload_ws = result.base_load.overload_ws
    return overload_ws[cause] if overload_ws else None


FIGURES: Mapping[str, Figure] = _latencies() | {
    "overload_ws": Figure(
        "overload by admission that substations counted, in W·s", lambda r: r.overload_ws, unconditional=True
    ),
    "base_load_overload_ws": Figure(
        "overload by a base load that rose, in W·s", lambda r: _of_cause(r, "base_load")
    ),
    "overload_minutes": Figure(
        "grid time for which base load and cars were above a limit, in min",
        lambda r: r.base_load.overload_minutes,
        ".2f",
    ),
    "longest_overload_s": Figure(
        "longest time for which one substation was above its limit, in s of wall time",
        lambda r: r.base_load.longest_overload_s,
        ".2f",
    ),
    "pauses": Figure("times that sessions were paused", lambda r: r.base_load.pauses),
    "pause_minutes": Figure(
        "grid time for which sessions were paused, in min", lambda r: r.base_load.pause_minutes, ".1f"
    ),
    "recomputed_kw": Figure(
        "highest excess over a capacity by the clients' own records, in kW",
        lambda r: r.recomputed_excess_kw,
        unconditional=True,
    ),
    "max_mean": Figure("max/mean utilization while busy, average", lambda r: r.balance_ratio, ".4f"),
    "imbalance_vs_oracle": Figure("max_mean over that of the oracle", lambda r: r.imbalance_vs_oracle, ".4f"),
    "jain": Figure("Jain's index of utilization while busy, average", lambda r: r.jain, ".5f"),
    "range": Figure("highest minus lowest utilization while busy, average", lambda r: r.range, ".4f"),
    "fleet_peak": Figure(
        "the fleet's highest load over its capacity", lambda r: r.fleet_peak_utilization, ".4f"
    ),
    "admitted": Figure("requests that were admitted", lambda r: r.admitted),
    "refused": Figure("requests that were refused in the end", lambda r: r.refused),
    "refused_share": Figure("share of them in all sent", lambda r: _share(r.refused, r.sent), ".4f"),
    "first_refused": Figure("requests that were refused at first", lambda r: r.first_refused),
    "refused_without_retry_after": Figure(
        "refusals, of every attempt, that were not 503 with Retry-After",
        lambda r: r.refused_without_retry_after,
        unconditional=True,
    ),
    "failed": Figure("requests that failed in the end", lambda r: r.failed, unconditional=True),
    "failed_share": Figure(
        "share of them in all sent", lambda r: _share(r.failed, r.sent), ".4f", unconditional=True
    ),
    "retries": Figure("times that requests were sent again", lambda r: r.retries),
    "late": Figure("requests that were sent late", lambda r: r.late, unconditional=True),
    "dropped": Figure("requests that were never sent", lambda r: r.dropped, unconditional=True),
    "energy_kwh": Figure("energy that substations delivered during the run, in kWh", lambda r: r.energy_kwh),
    "commits_per_100": Figure("commits per 100 admissions", lambda r: r.commits_per_100_admissions, ".1f"),
    "missed_readings": Figure(
        "readings of substations that did not come", lambda r: r.missed_readings, unconditional=True
    ),
    "loop_lag_p99_ms": Figure(
        "lag of the generator's event loop, p99, in ms",
        lambda r: r.generator.loop_lag_p99_ms if r.generator else None,
        ".1f",
        unconditional=True,
    ),
    "cpu_share": Figure(
        "CPU of the generator, of one core",
        lambda r: r.generator.cpu_share if r.generator else None,
        ".3f",
        unconditional=True,
    ),
    "saturated": Figure(
        "1 if the generator was saturated",
        lambda r: r.generator.saturated if r.generator else None,
        unconditional=True,
    ),
}

RENAMED = {"refused_untold": "refused_without_retry_after"}  # former names, for a clear error


def limit(text: str) -> Limit:
    """Read `<name> <op> <number>`; raises ValueError, which names what is accepted."""
    match = FORM.fullmatch(text)
    if not match:
        raise ValueError(ACCEPTED)
    name, op, figure = match.groups()
    if name in RENAMED:
        raise ValueError(f"{name} is now called {RENAMED[name]}")
    if name not in FIGURES:
        raise ValueError(f"{name} is no figure; accepted are {', '.join(FIGURES)}")
    try:
        number = float(figure)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"{figure} is not a finite number; {ACCEPTED}")
    return Limit(name, op, number)


def in_force(built_in: Iterable[str], own: Sequence[Limit]) -> tuple[Limit, ...]:
    """Return the limits of a run: its own, and the built-in ones of figures without a limit of its own."""
    named = {each.name for each in own}
    return (*(each for each in map(limit, built_in) if each.name not in named), *own)
