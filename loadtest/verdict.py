"""The thresholds of a run: what must hold, what was measured, and whether it held."""

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from loadtest.figures import Counted, StationResult
from loadtest.result import Result

NOT_MEASURED = "not measured"

N = TypeVar("N", int, float)


@dataclasses.dataclass(frozen=True, slots=True)
class Threshold:
    """One thing that must hold: its value as measured, its limit, and whether it held."""

    name: str
    value: str
    limit: str
    held: bool


def judge(
    result: Result, max_ratio: float | None, max_refused: int | None, max_vs_oracle: float | None = None
) -> tuple[Threshold, ...]:
    """Return every threshold of a run; what could not be measured has not held, None is not judged."""
    return (*_overload(result.stations),
            *_at_most("max/mean utilization", result.balance_ratio, max_ratio),
            *_at_most("max/mean utilization over the oracle's", result.imbalance_vs_oracle, max_vs_oracle),
            Threshold("failed requests", str(result.failed), "0", result.failed == 0),
            *_refusals(result, max_refused), *_conservation(result))  # fmt: skip


def _overload(stations: Sequence[StationResult]) -> Iterator[Threshold]:
    counted_ws = _total(stations, lambda counted: counted.overload_admission_ws)
    yield Threshold(
        "overload counted by substations",
        NOT_MEASURED if counted_ws is None else f"{counted_ws:g} W·s",
        "0 W·s",
        counted_ws == 0,
    )
    excesses_kw = [station.recomputed_excess_kw for station in stations]
    known_kw = [excess_kw for excess_kw in excesses_kw if excess_kw is not None]
    highest_kw = max(known_kw, default=0.0)
    complete = len(known_kw) == len(excesses_kw)
    yield Threshold(
        "overload recomputed from the 201s",
        f"{highest_kw:g} kW" if complete else NOT_MEASURED,
        "0 kW",
        complete and highest_kw == 0,
    )


def _at_most(name: str, value: float | None, limit: float | None) -> Iterator[Threshold]:
    if limit is None:
        return
    shown = NOT_MEASURED if value is None else f"{value:.4f}"
    yield Threshold(name, shown, f"<= {limit:g}", value is not None and value <= limit)


def _refusals(result: Result, max_refused: int | None) -> Iterator[Threshold]:
    refused = result.refused
    if max_refused is not None:
        yield Threshold("refused requests", str(refused), f"<= {max_refused}", refused <= max_refused)
    if refused:
        yield Threshold(
            "refusals by 503 with Retry-After",
            f"{result.refused_told_when} of {refused}",
            "all",
            result.refused_told_when == refused,
        )


def _conservation(result: Result) -> Iterator[Threshold]:
    outcomes = result.admitted + result.refused + result.failed
    due = result.sent if result.interrupted else result.planned
    yield Threshold(
        "every request ended",
        f"{result.sent} sent, {outcomes} ended",
        f"{due} and {due}",
        result.sent == outcomes == due,
    )
    counted = _total(result.stations, lambda counted: counted.admitted)
    agree = all(s.counted is not None and s.counted.admitted == s.answered for s in result.stations)
    yield Threshold(
        "admissions counted and told agree",
        NOT_MEASURED if counted is None else f"{counted} counted, {result.admitted} told",
        "equal",
        agree and counted == result.admitted == result.distinct_sessions,
    )


def _total(stations: Sequence[StationResult], of: Callable[[Counted], N]) -> N | int | None:
    """Return a counted figure of all substations; None when one of them could not be read."""
    known = [station.counted for station in stations if station.counted]
    return sum(of(counted) for counted in known) if len(known) == len(stations) else None
