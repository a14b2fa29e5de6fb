"""The summary and the conclusion of a project report, from its figures.

Pure. Every sentence is made from what was measured. A goal is met only when the thresholds that stand for it passed.
"""

import dataclasses
from collections.abc import Iterator, Sequence

from loadtest.paper import facts, policies
from loadtest.paper.document import Document
from loadtest.paper.evidence import Evidence
from loadtest.paper.fields import mapping, number
from loadtest.paper.formats import figure, milliseconds, points, share, watt_seconds, whole

SAFE = ("overload_ws", "recomputed_kw")
EVEN = ("max_mean", "imbalance_vs_oracle")
COMPLETE = ("every request ended", "admissions counted and answered agree", "failed")


@dataclasses.dataclass(frozen=True, slots=True)
class Goal:
    """A goal of the project: whether it was met, None if no threshold says so, and the figures."""

    words: str
    met: bool | None
    figures: str


def summary(evidence: Evidence) -> list[str]:
    """Return the results in a few sentences."""
    return list(_summary(evidence))


def goals(evidence: Evidence) -> list[Goal]:
    """Return the goals of the project with what the run shows of each."""
    document = evidence.document
    result = document.result
    oracle = mapping(result.get("oracle"))
    ideal = (
        f" A placement that knows all cars in advance reaches {figure(oracle.get('balance_ratio'), '.4f')}."
        if oracle
        else ""
    )
    return [
        Goal(
            "No substation ever has more than its limit",
            _met(document, SAFE),
            f"{_fullest(document)} Overload: {watt_seconds(_overload_ws(document))} W·s.",
        ),
        Goal(
            "The load is shared evenly",
            _met(document, EVEN),
            f"Max/mean utilization: {figure(result.get('balance_ratio'), '.4f')}, where 1 is perfectly even.{ideal}",
        ),
        Goal(
            "Every car gets one final answer, and no session is lost or doubled",
            _met(document, COMPLETE),
            f"{whole(result.get('sent'))} sent: {whole(result.get('admitted'))} admitted, {whole(result.get('refused'))} refused, "
            f"{whole(result.get('failed'))} failed.",
        ),
    ]


def closing(evidence: Evidence) -> str:
    """Return the conclusion in one sentence or two."""
    found = goals(evidence)
    missed = [each.words[:1].lower() + each.words[1:] for each in found if each.met is False]
    unknown = [each.words[:1].lower() + each.words[1:] for each in found if each.met is None]
    if missed:
        return f"The run did not meet every goal. Not met: {'; '.join(missed)}."
    if unknown:
        return f"The run does not show every goal. Not judged: {'; '.join(unknown)}."
    return "The run met every goal of the project, within the limits that are named below."


def _summary(evidence: Evidence) -> Iterator[str]:
    document, result = evidence.document, evidence.document.result
    capacity = whole(facts.fleet_capacity_kw(document))
    yield (
        f"{whole(result.get('admitted'))} of {whole(result.get('planned'))} cars got a session, on"
        f" {len(document.substations)} substations with {capacity} kW in all."
        f" {_counted(result.get('refused'), 'car was refused', 'cars were refused')}, and"
        f" {_counted(result.get('failed'), 'request failed', 'requests failed').lower()}."
    )
    yield f"{_fullest(document)} The fleet's peak was {share(result.get('fleet_peak_utilization'))} of its limit."
    if (spread := number(result.get("range"))) is not None:
        yield f"While the fleet was busy, its fullest and its emptiest substation were {points(spread)} percentage points apart on average."
    response = mapping(result.get("response_ms"))
    if response:
        yield f"Half of the cars had their answer within {milliseconds(response.get('p50'))}, 99 % within {milliseconds(response.get('p99'))}."
    if not facts.kept_up(document):
        verdict, _ = facts.generator(document)
        yield f"The load generator did not keep up ({verdict}), so these times are partly its own, not those of the grid."
    if evidence.policy_runs and (found := policies.herding(evidence.policy_runs)):
        yield (
            f"In a comparison with rare load reports, the substations were {points(found.default_range)} points apart on average"
            f" under {policies.DEFAULT}, and {points(found.naive_range)} under the naive policy {policies.NAIVE}."
        )


def _counted(value: object, one: str, many: str) -> str:
    """Return a count with its words, such as "No car was refused"."""
    found = number(value)
    return f"No {one}" if found == 0 else f"{whole(found)} {one if found == 1 else many}"


def _met(document: Document, names: Sequence[str]) -> bool | None:
    """Return whether all thresholds of these names passed; None when there is none, or one was not judged."""
    found = [each for each in document.thresholds if each.name in names]
    if any(each.failed for each in found):
        return False
    return True if found and all(each.passed for each in found) else None


def _fullest(document: Document) -> str:
    known = [
        (each.utilization_peak, each.substation_id)
        for each in document.substations
        if each.utilization_peak is not None
    ]
    if not known:
        return "The load of the substations was not measured."
    most, substation_id = max(known)
    return f"The fullest substation, {substation_id}, had at most {share(most)} of its limit."


def _overload_ws(document: Document) -> float | None:
    known = [each.overload_ws for each in document.substations]
    return None if None in known or not known else sum(each or 0.0 for each in known)
