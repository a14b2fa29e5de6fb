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


def judge(result: Result, max_ratio: float, max_refused: int) -> tuple[Threshold, ...]:
    """Return every threshold of a run; what could not be measured has not held."""
    return (*_overload(result.stations), _ratio(result, max_ratio),
            Threshold("failed requests", str(result.failed), "0", result.failed == 0),
            Threshold("refused requests", str(result.refused), f"<= {max_refused}", result.refused <= max_refused),
            *_conservation(result))  # fmt: skip


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


def _ratio(result: Result, max_ratio: float) -> Threshold:
    ratio = result.balance_ratio
    value = NOT_MEASURED if ratio is None else f"{ratio:.4f}"
    return Threshold(
        "max/mean utilization", value, f"<= {max_ratio:g}", ratio is not None and ratio <= max_ratio
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
