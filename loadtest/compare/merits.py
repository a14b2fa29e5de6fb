"""The figures of merit of one run, read from its document; a figure that the document does not have is None.

Pure. A document of an older run lacks some figures. They are computed from its samples where that is possible.
"""

import dataclasses
import enum
import itertools
import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from loadtest.paper.fields import number

RawDocument = Mapping[str, Any]  # the JSON of a run
BUSY_SHARE = 0.5  # of the peak load; the fleet is busy above it, as for the balance ratio


class Unit(enum.Enum):
    """How a figure is written."""

    RATIO = "4f", ""
    INDEX = "5f", ""
    SHARE = "1f", " %"
    MS = "1f", " ms"
    COUNT = "g", ""
    WATT_SECONDS = "g", " W·s"
    GRID_MINUTES = "1f", " min"
    KWH = "0f", " kWh"

    def __init__(self, form: str, word: str) -> None:
        self._form = f",{form}" if form == "g" else f",.{form}"
        self._word = word

    def text(self, *values: float) -> str:
        """Return the text of a value, or of a range from its first to its last value."""
        return " to ".join(f"{self._scaled(value):{self._form}}" for value in values) + self._word

    def difference(self, value: float) -> str:
        """Return the text of a difference with its sign; a difference of two shares is in percentage points."""
        word = " points" if self is Unit.SHARE else self._word
        return f"{self._scaled(value):+{self._form}}{word}"

    @property
    def has_shares(self) -> bool:
        """Whether a difference is also shown as a share of the first value."""
        return self in {Unit.RATIO, Unit.MS}

    def _scaled(self, value: float) -> float:
        return value * 100 if self is Unit.SHARE else value


@dataclasses.dataclass(frozen=True, slots=True)
class Merit:
    """A figure of merit: its name, its unit, and how it is read from a document."""

    name: str
    unit: Unit
    read: Callable[[RawDocument], float | None]


def merits() -> tuple[Merit, ...]:
    """Return the figures by which runs are compared, in the order in which they are shown."""
    return (
        Merit("max/mean utilization", Unit.RATIO, _figure("balance_ratio")),
        Merit("imbalance against the oracle", Unit.RATIO, _figure("imbalance_vs_oracle")),
        Merit("Jain's index", Unit.INDEX, lambda run: _or(run, "jain", _jain)),
        Merit("range of utilization", Unit.SHARE, lambda run: _or(run, "range", _range)),
        Merit("fleet peak", Unit.SHARE, _figure("fleet_peak_utilization")),
        Merit("fullest substation's peak", Unit.SHARE, _fullest),
        Merit("refused", Unit.COUNT, _figure("refused")),
        Merit("failed", Unit.COUNT, _figure("failed")),
        Merit("overload", Unit.WATT_SECONDS, _overload_ws),
        Merit("time above a limit", Unit.GRID_MINUTES, _figure("base_load", "overload_minutes")),
        Merit("pauses", Unit.COUNT, _figure("base_load", "pauses")),
        Merit("time in pauses", Unit.GRID_MINUTES, _figure("base_load", "pause_minutes")),
        Merit("energy delivered", Unit.KWH, _figure("energy_kwh")),
        *(
            Merit(f"{kind} {percent}", Unit.MS, _figure(f"{kind}_ms", percent))
            for kind in ("response", "service")
            for percent in ("p50", "p95", "p99")
        ),
    )


def _figure(name: str, *inner: str) -> Callable[[RawDocument], float | None]:
    def read(run: RawDocument) -> float | None:
        value: Any = run["result"]
        for each in (name, *inner):
            value = value.get(each) if isinstance(value, Mapping) else None
        return number(value)

    return read


def _or(run: RawDocument, name: str, compute: Callable[[Sequence[float]], float]) -> float | None:
    """Return the figure of the result; without one, the time average of `compute` while the fleet is busy."""
    found = _figure(name)(run)
    if found is not None:
        return found
    moments = complete_samples(run)
    peak_kw = max((sum(moment.load_kw.values()) for moment in moments), default=0)
    total = seconds = 0.0
    for moment, after in itertools.pairwise(moments):
        if sum(moment.load_kw.values()) > BUSY_SHARE * peak_kw:
            total += compute(list(moment.utilization.values())) * (after.at_s - moment.at_s)
            seconds += after.at_s - moment.at_s
    return total / seconds if seconds else None


def _jain(utilizations: Sequence[float]) -> float:
    """Return Jain's index (Jain, Chiu and Hawe, 1984): 1 when all are equal, 1/n when one has all the load."""
    return sum(utilizations) ** 2 / (len(utilizations) * sum(each**2 for each in utilizations))


def _range(utilizations: Sequence[float]) -> float:
    return max(utilizations) - min(utilizations)


def _fullest(run: RawDocument) -> float | None:
    sampled = [station.get("sampled") for station in run["result"].get("stations") or []]
    known = [number(each.get("utilization_peak")) for each in sampled if each]
    return max((each for each in known if each is not None), default=None)


def _overload_ws(run: RawDocument) -> float | None:
    counted = [station.get("counted") for station in run["result"].get("stations") or []]
    known = [
        sum(each.get(f"overload_{cause}_ws", 0) for cause in ("admission", "derating", "base_load"))
        for each in counted
        if each
    ]
    return sum(known) if known and len(known) == len(counted) else None


@dataclasses.dataclass(frozen=True, slots=True)
class UtilizationSample:
    """Loads and utilizations of the substations at one moment, in seconds after the arrival window began.

    `fleet` is the utilization of all of them together.
    """

    at_s: float
    load_kw: Mapping[str, float]
    utilization: Mapping[str, float]
    fleet: float = 0.0


def complete_samples(run: RawDocument) -> list[UtilizationSample]:
    """Return the samples in the arrival window in which every substation was read."""
    window = run.get("window_unix_s") or (0, float("inf"))
    rated_kw = _capacities_kw(run)
    moments = []
    for sample in run.get("samples") or []:
        load_kw = sample.get("load_kw") or {}
        known_kw = {**rated_kw, **(sample.get("capacity_kw") or {})}
        capacity_kw = {each: limit_kw for each, limit_kw in known_kw.items() if limit_kw}
        if not load_kw or not window[0] <= sample["at_unix_s"] <= window[1] or load_kw.keys() - capacity_kw:
            continue
        base_kw = sample.get("base_load_kw") or {}
        shares = {
            each: (load_kw[each] + base_kw.get(each, 0.0)) / capacity_kw[each] for each in sorted(load_kw)
        }
        carried_kw = sum(load_kw[each] + base_kw.get(each, 0.0) for each in load_kw)
        fleet = carried_kw / sum(capacity_kw[each] for each in load_kw)
        moments.append(UtilizationSample(sample["at_unix_s"] - window[0], load_kw, shares, fleet))
    most = max((len(moment.load_kw) for moment in moments), default=0)
    return [moment for moment in moments if len(moment.load_kw) == most]


def _capacities_kw(run: RawDocument) -> dict[str, float]:
    stations = run["result"].get("stations") or []
    return {each["substation_id"]: each["sampled"]["capacity_kw"] for each in stations if each.get("sampled")}


def median(values: Sequence[float]) -> float | None:
    """Return the median; None when there are no values."""
    return statistics.median(values) if values else None
