"""Observations on a run: its initial phase, its peak and its end.

Pure. The initial phase ends when the fleet first has half its highest load. From then on the balance ratio counts:
with less load, chance outweighs the policy.
"""

import dataclasses

from loadtest.paper import series
from loadtest.paper.document import Document, FleetSample


@dataclasses.dataclass(frozen=True, slots=True)
class FleetState:
    """The fleet at one moment.

    `lowest` and `highest` are substations with their utilizations, `spread` the difference of the two.
    """

    at_s: float
    load_kw: float
    max_over_mean: float | None
    spread: float
    lowest: tuple[str, float]
    highest: tuple[str, float]


@dataclasses.dataclass(frozen=True, slots=True)
class Observations:
    """The fleet after the initial phase, at its peak and when the last cars had come.

    `admitted_initially` is how many cars were admitted in the initial phase.
    """

    initial: FleetState
    peak: FleetState
    last: FleetState
    admitted_initially: int


def observe(document: Document) -> Observations | None:
    """Return the observations on a run; None when the whole fleet was never sampled under load."""
    samples = series.complete_samples(document)
    highest_kw = max(map(series.fleet_kw, samples), default=0.0)
    if highest_kw <= 0:
        return None
    initial = next(s for s in samples if series.fleet_kw(s) > series.BUSY_SHARE * highest_kw)
    within = [s for s in samples if document.window_s is None or s.at_s <= document.window_s] or samples
    return Observations(
        initial=_state(document, initial),
        peak=_state(document, max(samples, key=series.fleet_kw)),
        last=_state(document, within[-1]),
        admitted_initially=sum(
            each.outcome == "admitted" and each.answered_s is not None and each.answered_s <= initial.at_s
            for each in document.requests
        ),
    )


def _state(document: Document, sample: FleetSample) -> FleetState:
    found = document.utilizations(sample)
    lowest, highest = (choose(found.items(), key=lambda each: each[1]) for choose in (min, max))
    ratio = series.max_over_mean(document, sample)
    return FleetState(
        max(sample.at_s, 0.0), series.fleet_kw(sample), ratio, highest[1] - lowest[1], lowest, highest
    )
