"""Series over time: the points that a plot draws and that its table lists.

Pure. A line with too many points is thinned. It keeps the lowest and the highest point of each stretch, so that no
peak is lost.
"""

import collections
import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence

from loadtest.paper.document import Document, FleetSample, RequestRecord
from loadtest.paper.svg import Point

POINTS = 800  # of one line; a plot has fewer columns of pixels
INTERVALS = 60  # the most bars of a plot, and rows of its table
INTERVAL_S = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0)
BUSY_SHARE = 0.5  # of the fleet's peak load; below it chance outweighs the policy in a ratio of loads
FEWEST = 2  # substations that a comparison needs


@dataclasses.dataclass(frozen=True, slots=True)
class Interval:
    """How many events of each kind happened in [from_s, from_s + seconds)."""

    from_s: float
    seconds: float
    counts: Mapping[str, int]


def ends_s(document: Document) -> float:
    """Return where a plot over time ends: at the last sample, answer or arrival; at least one second."""
    moments = [sample.at_s for sample in document.samples]
    moments += [each.answered_s for each in document.requests if each.answered_s is not None]
    return max([document.window_s or 0.0, 1.0, *moments])


def interval_s(seconds: float) -> float:
    """Return the width of the intervals into which `seconds` are divided."""
    return next((each for each in INTERVAL_S if seconds / each <= INTERVALS + 1), seconds / INTERVALS)


def intervals(events: Iterable[tuple[float, str]], until_s: float) -> list[Interval]:
    """Count events, each a (moment, kind), in intervals of one width from 0 to `until_s`."""
    width_s = interval_s(until_s)
    last = max(math.ceil(until_s / width_s) - 1, 0)
    counts: dict[int, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    for at_s, kind in events:
        counts[min(max(int(at_s // width_s), 0), last)][kind] += 1
    return [Interval(n * width_s, width_s, counts[n]) for n in range(last + 1)]


def load(document: Document, substation_id: str) -> list[Point]:
    """Return the load of a substation's cars in kW over time, with a gap where it was not read."""
    return [(sample.at_s, sample.load_kw.get(substation_id)) for sample in document.samples]


def base_load(document: Document, substation_id: str) -> list[Point]:
    """Return a substation's base load in kW over time, with a gap where it was not read."""
    return [
        (
            sample.at_s,
            sample.base_load_kw.get(substation_id, 0.0) if substation_id in sample.load_kw else None,
        )
        for sample in document.samples
    ]


def total(document: Document, substation_id: str) -> list[Point]:
    """Return the load of a substation's cars and its base load in kW over time, with a gap where it was not read."""
    lines = zip(load(document, substation_id), base_load(document, substation_id), strict=True)
    return [(at_s, None if kw is None or base is None else kw + base) for (at_s, kw), (_, base) in lines]


def limit(document: Document, substation_id: str) -> list[Point]:
    """Return a substation's limit in kW over time."""
    return [(sample.at_s, document.capacity_kw(sample, substation_id)) for sample in document.samples]


def utilization(document: Document, substation_id: str) -> list[Point]:
    """Return a substation's load and base load over capacity over time."""
    return [(sample.at_s, document.utilizations(sample).get(substation_id)) for sample in document.samples]


def complete_samples(document: Document) -> list[FleetSample]:
    """Return the samples in which every substation was read."""
    every = len(document.substations)
    return [s for s in document.samples if every and len(document.utilizations(s)) == every]


def fleet_kw(sample: FleetSample) -> float:
    """Return the load of the cars at all substations at a sample."""
    return sum(sample.load_kw.values())


def ratio(document: Document) -> list[Point]:
    """Return max/mean utilization over time, with a gap while the fleet has less than half its peak load."""
    samples = complete_samples(document)
    busy_kw = BUSY_SHARE * max(map(fleet_kw, samples), default=0.0)
    return [(s.at_s, max_over_mean(document, s) if fleet_kw(s) > busy_kw else None) for s in samples]


def max_over_mean(document: Document, sample: FleetSample) -> float | None:
    """Return the highest utilization over the mean of the substations that took cars.

    None for fewer than two of them, or without load.
    """
    shares = document.utilizations(sample).items()
    found = [share for each, share in shares if each not in sample.draining]
    return max(found) * len(found) / sum(found) if len(found) >= FEWEST and sum(found) > 0 else None


def thin(points: Sequence[Point], most: int = POINTS) -> list[Point]:
    """Return about `most` points, in order: the lowest and the highest of each stretch, and its gaps."""
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
    """Return pairs of a share of the answers and the ms within which they came; `kind` is service or response.

    They come from the histogram in the document, or from its requests if it has none.
    """
    histogram = document.result.get(f"{kind}_histogram")
    if isinstance(histogram, list):
        pairs = [each for each in histogram if isinstance(each, list) and len(each) == 2]
        numbers = [
            (share, ms)
            for ms, share in pairs
            if isinstance(ms, int | float) and isinstance(share, int | float)
        ]
        if found := sorted((float(share), float(ms)) for share, ms in numbers if 0 <= share <= 1 and ms >= 0):
            return found
    durations = sorted(ms for each in document.requests if (ms := _duration_ms(each, kind)) is not None)
    return [((n + 1) / len(durations), ms) for n, ms in enumerate(durations)]


def _duration_ms(request: RequestRecord, kind: str) -> float | None:
    began_s = request.sent_s if kind == "service" else request.intended_s
    if not request.answered or began_s is None or request.answered_s is None:
        return None
    return max((request.answered_s - began_s) * 1000, 0.0)
