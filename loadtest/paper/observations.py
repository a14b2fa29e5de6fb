"""What is to be seen in a run: its initial phase, its peak and its end.

Pure. The initial phase ends when the fleet first has half its highest load: from there on the loads of
substations can be compared, and the balance ratio counts.
"""

import dataclasses

from loadtest.paper import series
from loadtest.paper.document import Document, Sample


@dataclasses.dataclass(frozen=True, slots=True)
class Moment:
    """The fleet at one sample; `spread` is highest less lowest utilization."""

    at_s: float
    load_kw: float
    max_over_mean: float | None
    spread: float
    lowest: tuple[str, float]
    highest: tuple[str, float]


@dataclasses.dataclass(frozen=True, slots=True)
class Observations:
    """The moments that tell how a run went, and how many cars were admitted in its initial phase."""

    settled: Moment
    peak: Moment
    last: Moment
    admitted_initially: int


def observe(document: Document) -> Observations | None:
    """Return what is to be seen; None when the whole fleet was never sampled under load."""
    samples = series.whole(document)
    highest_kw = max(map(series.fleet_kw, samples), default=0.0)
    if highest_kw <= 0:
        return None
    settled = next(s for s in samples if series.fleet_kw(s) > series.BUSY_SHARE * highest_kw)
    within = [s for s in samples if document.window_s is None or s.at_s <= document.window_s] or samples
    return Observations(
        settled=_moment(document, settled),
        peak=_moment(document, max(samples, key=series.fleet_kw)),
        last=_moment(document, within[-1]),
        admitted_initially=sum(
            each.outcome == "admitted" and each.answered_s is not None and each.answered_s <= settled.at_s
            for each in document.requests
        ),
    )


def _moment(document: Document, sample: Sample) -> Moment:
    found = document.utilizations(sample)
    lowest, highest = (choose(found.items(), key=lambda each: each[1]) for choose in (min, max))
    ratio = series.max_over_mean(document, sample)
    return Moment(
        max(sample.at_s, 0.0), series.fleet_kw(sample), ratio, highest[1] - lowest[1], lowest, highest
    )
