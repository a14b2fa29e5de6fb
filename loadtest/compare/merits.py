"""The figures of merit of one run, read from the document that it leaves; None is what it does not have.

Pure. A document of an older run lacks figures: what its samples and requests still tell is computed.
"""

import dataclasses
import enum
import itertools
import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from loadtest.paper.document import number

Document = Mapping[str, Any]
BUSY_SHARE = 0.5  # of the peak load, as for the balance ratio


class Unit(enum.Enum):
    """How a figure is written."""

    RATIO = "4f", ""
    INDEX = "5f", ""
    SHARE = "1f", " %"
    MS = "1f", " ms"
    COUNT = "g", ""
    WATT_SECONDS = "g", " W·s"

    def __init__(self, form: str, word: str) -> None:
        self._form = form if form == "g" else f".{form}"
        self._word = word

    def written(self, *values: float) -> str:
        """Write a value, or the least and the most of several."""
        return " to ".join(f"{self._scaled(value):{self._form}}" for value in values) + self._word

    def difference(self, value: float) -> str:
        """Write a difference with its sign; that of two shares is in percentage points."""
        word = " points" if self is Unit.SHARE else self._word
        return f"{self._scaled(value):+{self._form}}{word}"

    @property
    def has_shares(self) -> bool:
        """Whether a difference means something as a share of the first value."""
        return self in {Unit.RATIO, Unit.MS}

    def _scaled(self, value: float) -> float:
        return value * 100 if self is Unit.SHARE else value


@dataclasses.dataclass(frozen=True, slots=True)
class Merit:
    """A figure of merit: its name, how it is written, and how it is read."""

    name: str
    unit: Unit
    read: Callable[[Document], float | None]


def merits() -> tuple[Merit, ...]:
    """Return the figures that runs are compared by, in the order in which they are shown."""
    return (
        Merit("max/mean utilization", Unit.RATIO, _figure("balance_ratio")),
        Merit("imbalance against the oracle", Unit.RATIO, _figure("imbalance_vs_oracle")),
        Merit("Jain's index", Unit.INDEX, lambda run: _or(run, "jain", _jain)),
        Merit("range of utilization", Unit.SHARE, lambda run: _or(run, "range", _range)),
        Merit("fleet peak", Unit.SHARE, _figure("fleet_peak_utilization")),
        Merit("refused", Unit.COUNT, _figure("refused")),
        Merit("failed", Unit.COUNT, _figure("failed")),
        Merit("overload", Unit.WATT_SECONDS, _overload_ws),
        *(
            Merit(f"{kind} {percent}", Unit.MS, _figure(f"{kind}_ms", percent))
            for kind in ("response", "service")
            for percent in ("p50", "p95", "p99")
        ),
    )


def _figure(name: str, *inner: str) -> Callable[[Document], float | None]:
    def read(run: Document) -> float | None:
        value: Any = run["result"]
        for each in (name, *inner):
            value = value.get(each) if isinstance(value, Mapping) else None
        return number(value)

    return read


def _or(run: Document, name: str, compute: Callable[[Sequence[float]], float]) -> float | None:
    """Return the result's figure, else the time average of `compute` while the fleet is busy."""
    told = _figure(name)(run)
    if told is not None:
        return told
    moments = whole(run)
    peak_kw = max((sum(moment.load_kw.values()) for moment in moments), default=0)
    total = seconds = 0.0
    for moment, after in itertools.pairwise(moments):
        if sum(moment.load_kw.values()) > BUSY_SHARE * peak_kw:
            total += compute(list(moment.utilization.values())) * (after.at_s - moment.at_s)
            seconds += after.at_s - moment.at_s
    return total / seconds if seconds else None


def _jain(utilizations: Sequence[float]) -> float:
    """Jain, Chiu and Hawe (1984): 1 when all are equal, 1/n when one has everything."""
    return sum(utilizations) ** 2 / (len(utilizations) * sum(each**2 for each in utilizations))


def _range(utilizations: Sequence[float]) -> float:
    return max(utilizations) - min(utilizations)


def _overload_ws(run: Document) -> float | None:
    counted = [station.get("counted") for station in run["result"].get("stations") or []]
    known = [
        each.get("overload_admission_ws", 0) + each.get("overload_derating_ws", 0) for each in counted if each
    ]
    return sum(known) if known and len(known) == len(counted) else None


@dataclasses.dataclass(frozen=True, slots=True)
class Moment:
    """The loads of the fleet at one moment, in seconds after the window began."""

    at_s: float
    load_kw: Mapping[str, float]
    utilization: Mapping[str, float]


def whole(run: Document) -> list[Moment]:
    """Return the samples in the arrival window that have every substation."""
    window = run.get("window_unix_s") or (0, float("inf"))
    rated_kw = _capacities_kw(run)
    moments = []
    for sample in run.get("samples") or []:
        load_kw = sample.get("load_kw") or {}
        known_kw = {**rated_kw, **(sample.get("capacity_kw") or {})}
        capacity_kw = {each: limit_kw for each, limit_kw in known_kw.items() if limit_kw}
        if not load_kw or not window[0] <= sample["at_unix_s"] <= window[1] or load_kw.keys() - capacity_kw:
            continue
        shares = {each: load_kw[each] / capacity_kw[each] for each in sorted(load_kw)}
        moments.append(Moment(sample["at_unix_s"] - window[0], load_kw, shares))
    most = max((len(moment.load_kw) for moment in moments), default=0)
    return [moment for moment in moments if len(moment.load_kw) == most]


def _capacities_kw(run: Document) -> dict[str, float]:
    stations = run["result"].get("stations") or []
    return {each["substation_id"]: each["sampled"]["capacity_kw"] for each in stations if each.get("sampled")}


def median(values: Sequence[float]) -> float | None:
    """Return the median, None of nothing."""
    return statistics.median(values) if values else None
