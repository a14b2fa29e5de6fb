"""Policies compared: the same cars under each policy.

Pure. One run of each says how large a difference is, not whether it would come again.
"""

import dataclasses
from collections.abc import Sequence

from loadtest.paper import facts, plots, series
from loadtest.paper.document import Document
from loadtest.paper.evidence import PolicyRuns
from loadtest.paper.fields import mapping, number, text
from loadtest.paper.formats import figure, milliseconds, points, whole
from loadtest.paper.frame import Plot

DEFAULT, NAIVE = "least_loaded", "snapshot_least_loaded"
# The range of utilization under the naive policy over that under the default, from which it is named.
HERDING = 2.0
RULES = {
    "least_loaded": "Lowest estimate: the last report, plus the cars that are on their way, less those that have left since.",
    "power_of_two": "The better of two substations that are drawn at random.",
    "predictive": "Lowest peak over the stay of the car, by a forecast.",
    "round_robin": "One after the other, whatever their loads.",
    "random": "Any substation that has room.",
    "snapshot_least_loaded": "Lowest load in the last report, and nothing else: the naive policy.",
}
HEADINGS = (
    "policy",
    "max/mean",
    "apart, average (points)",
    "apart, most (points)",
    "fullest moment",
    "cars refused",
    "response, p99",
)


@dataclasses.dataclass(frozen=True, slots=True)
class Herding:
    """The naive policy against the default: how far apart the substations were, as shares of their limits."""

    default_range: float
    naive_range: float
    naive_highest: float
    naive_refused: float

    @property
    def seen(self) -> bool:
        """Whether the difference is large enough to be called herding."""
        return self.naive_range >= HERDING * self.default_range


def name(document: Document) -> str:
    """Return the policy of a run."""
    return text(document.run.get("policy")) or "unknown"


def rows(runs: PolicyRuns) -> list[list[str]]:
    """Return a row of figures for each policy, the most even first."""
    return [_row(each) for each in ordered(runs)]


def ordered(runs: PolicyRuns) -> list[Document]:
    """Return the runs, the most even first; runs without the figure come last."""
    return sorted(runs.documents, key=lambda each: number(each.result.get("balance_ratio")) or float("inf"))


def rules(runs: PolicyRuns) -> list[tuple[str, str]]:
    """Return each policy of the runs with its rule in words, in the order of `rows`."""
    return [(name(each), RULES.get(name(each), "")) for each in ordered(runs)]


def pictures(runs: PolicyRuns) -> list[Plot]:
    """Return the utilization of all substations under each policy, in the order of `rows`, on one axis of time."""
    found = ordered(runs)
    until_s = max((each.window_s or series.ends_s(each) for each in found), default=1.0)
    return [
        plots.together(each, f"policy-{number}", name(each), until_s=until_s)
        for number, each in enumerate(found, start=1)
    ]


def herding(runs: PolicyRuns) -> Herding | None:
    """Return the naive policy against the default; None when one of the two was not measured to its end."""
    default, naive = _run(runs.documents, DEFAULT), _run(runs.documents, NAIVE)
    if not default or not naive or default.interrupted or naive.interrupted:
        return None
    ranges = [number(each.result.get("range")) for each in (default, naive)]
    default_range, naive_range = ranges
    if default_range is None or naive_range is None:
        return None
    highest, refused = (number(naive.result.get(key)) or 0.0 for key in ("range_highest", "refused"))
    return Herding(default_range, naive_range, highest, refused)


def doubts(runs: PolicyRuns) -> list[str]:
    """Return what speaks against a comparison of these runs, in sentences."""
    interrupted = [name(each) for each in ordered(runs) if each.interrupted]
    slow = [name(each) for each in ordered(runs) if not facts.kept_up(each)]
    found = []
    if interrupted:
        found.append(f"Not comparable, because the run was interrupted: {', '.join(interrupted)}.")
    if slow:
        found.append(
            f"The load generator did not keep up, so the times are partly its own: {', '.join(slow)}."
        )
    return found


def _run(documents: Sequence[Document], policy: str) -> Document | None:
    return next((each for each in documents if name(each) == policy), None)


def _row(document: Document) -> list[str]:
    result = document.result
    peaks = [each.utilization_peak for each in document.substations if each.utilization_peak is not None]
    return [
        name(document),
        figure(result.get("balance_ratio"), ".4f"),
        points(result.get("range")),
        points(result.get("range_highest")),
        figure(max(peaks, default=None), ".1%").replace("%", " %"),
        whole(result.get("refused")),
        milliseconds(mapping(result.get("response_ms")).get("p99")),
    ]
