"""Series over time: what a plot draws and its table says, thinned to what paper can show.

Pure. A thinned line keeps the lowest and the highest of what it leaves out: no peak is lost.
"""

import collections
import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence

from loadtest.paper.document import Asked, Document, Sample
from loadtest.paper.svg import Point

POINTS = 800  # of one line; a plot has fewer columns of pixels
INTERVALS = 60  # bars of a plot, rows of its table
INTERVAL_S = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0)
BUSY_SHARE = 0.5  # of the fleet's peak load: below it a ratio of loads says little
FEWEST = 2  # substations that can be compared


@dataclasses.dataclass(frozen=True, slots=True)
class Interval:
    """What happened in [from_s, from_s + seconds): how many of each kind."""

    from_s: float
    seconds: float
    counts: Mapping[str, int]


def ends_s(document: Document) -> float:
    """Return the last moment that a plot over time has to show, at least a second."""
    moments = [sample.at_s for sample in document.samples]
    moments += [each.answered_s for each in document.requests if each.answered_s is not None]
    return max([document.window_s or 0.0, 1.0, *moments])


def interval_s(seconds: float) -> float:
    """Return the width of the intervals that `seconds` are cut into."""
    return next((each for each in INTERVAL_S if seconds / each <= INTERVALS + 1), seconds / INTERVALS)


def intervals(happened: Iterable[tuple[float, str]], until_s: float) -> list[Interval]:
    """Count what happened, (moment, kind) each, in intervals of one width from 0 to `until_s`."""
    width_s = interval_s(until_s)
    last = max(math.ceil(until_s / width_s) - 1, 0)
    counts: dict[int, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    for at_s, kind in happened:
        counts[min(max(int(at_s // width_s), 0), last)][kind] += 1
    return [Interval(n * width_s, width_s, counts[n]) for n in range(last + 1)]


def load(document: Document, substation_id: str) -> list[Point]:
    """Return a substation's load in kW over time; a moment at which it was not read is a gap."""
    return [(sample.at_s, sample.load_kw.get(substation_id)) for sample in document.samples]


def limit(document: Document, substation_id: str) -> list[Point]:
    """Return a substation's limit in kW over time."""
    return [(sample.at_s, document.capacity_kw(sample, substation_id)) for sample in document.samples]


def utilization(document: Document, substation_id: str) -> list[Point]:
    """Return a substation's load over capacity over time."""
    return [(sample.at_s, document.utilizations(sample).get(substation_id)) for sample in document.samples]


def whole(document: Document) -> list[Sample]:
    """Return the samples in which every substation was read."""
    every = len(document.stations)
    return [s for s in document.samples if every and len(document.utilizations(s)) == every]


def fleet_kw(sample: Sample) -> float:
    """Return the load of all substations at a sample."""
    return sum(sample.load_kw.values())


def ratio(document: Document) -> list[Point]:
    """Return max/mean utilization over time; a gap while the fleet has less than half its peak load."""
    samples = whole(document)
    busy_kw = BUSY_SHARE * max(map(fleet_kw, samples), default=0.0)
    return [(s.at_s, max_over_mean(document, s) if fleet_kw(s) > busy_kw else None) for s in samples]


def max_over_mean(document: Document, sample: Sample) -> float | None:
    """Return the highest utilization over the mean of all; None where there is nothing to compare."""
    found = list(document.utilizations(sample).values())
    return max(found) * len(found) / sum(found) if len(found) >= FEWEST and sum(found) > 0 else None


def thinned(points: Sequence[Point], most: int = POINTS) -> list[Point]:
    """Return about `most` points: the lowest and the highest of each stretch, in order; gaps stay."""
    if len(points) <= most:
        return list(points)
    kept: list[Point] = []
    size = math.ceil(2 * len(points) / most)
    for start in range(0, len(points), size):
        stretch = points[start : start + size]
        known = [(height, n) for n, (_, height) in enumerate(stretch) if height is not None]
        gaps = [n for n, (_, height) in enumerate(stretch) if height is None][:1]
        chosen = {min(known)[1], max(known)[1]} if known else set()
        kept += [stretch[n] for n in sorted({*chosen, *gaps})]
    return kept


def highest(points: Iterable[Point], until_s: float) -> list[float | None]:
    """Return the highest value of each interval; None where there is none."""
    width_s = interval_s(until_s)
    last = max(math.ceil(until_s / width_s) - 1, 0)
    found: dict[int, float] = {}
    for at_s, value in points:
        place = min(max(int(at_s // width_s), 0), last)
        if value is not None:
            found[place] = max(value, found.get(place, value))
    return [found.get(n) for n in range(last + 1)]


def latency(document: Document, kind: str) -> list[tuple[float, float]]:
    """Return (share of the answers, ms that they took at most), `kind` being service or response.

    It is the document's histogram, else made of its requests.
    """
    told = document.result.get(f"{kind}_histogram")
    if isinstance(told, list):
        pairs = [each for each in told if isinstance(each, list) and len(each) == 2]
        numbers = [
            (share, ms)
            for ms, share in pairs
            if isinstance(ms, int | float) and isinstance(share, int | float)
        ]
        if found := sorted((float(share), float(ms)) for share, ms in numbers if 0 <= share <= 1 and ms >= 0):
            return found
    taken = sorted(ms for each in document.requests if (ms := _taken_ms(each, kind)) is not None)
    return [((n + 1) / len(taken), ms) for n, ms in enumerate(taken)]


def _taken_ms(asked: Asked, kind: str) -> float | None:
    began_s = asked.sent_s if kind == "service" else asked.intended_s
    if not asked.answered or began_s is None or asked.answered_s is None:
        return None
    return max((asked.answered_s - began_s) * 1000, 0.0)
