"""What a project report is made of besides the document of its run: the machine, the fleet, other policies.

Pure. As in `document`, what is absent or of another kind is left out.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from loadtest.paper.document import Document, NotAResult, read, window
from loadtest.paper.fields import mapping, mappings, number, text

SCHEMA = "smartgrid-project-report/1"
NEARLY_EMPTY = 0.02  # of the capacity: below it the load test counts a fleet as empty


@dataclasses.dataclass(frozen=True, slots=True)
class FleetReading:
    """All substations together at one moment after the arrival window began.

    `load_kw` is the power that the substations reserve, `draw_kw` the power that the cars draw.
    """

    at_s: float
    load_kw: float
    draw_kw: float
    capacity_kw: float


@dataclasses.dataclass(frozen=True, slots=True)
class PolicyRuns:
    """Runs of the same cars, each under another policy, on grids with these settings."""

    time_scale: float | None
    poll_s: float | None
    documents: Sequence[Document]


@dataclasses.dataclass(frozen=True, slots=True)
class Evidence:
    """Everything that a project report shows.

    `machine` is the machine of the load test, by the name of each fact. With `own_grid` the services ran on it too.
    """

    document: Document
    machine: Mapping[str, str]
    fleet: Sequence[FleetReading]
    policy_runs: PolicyRuns | None
    own_grid: bool = False


def read_evidence(raw: object) -> Evidence:
    """Read the JSON of a whole project report, or of the document of a run alone; raises NotAResult."""
    if not isinstance(raw, Mapping) or raw.get("schema") != SCHEMA:
        return Evidence(read(raw), {}, (), None)
    machine = {text(name): text(value) for name, value in mapping(raw.get("machine")).items()}
    document = read(raw.get("document"))
    from_unix_s, _ = window(mapping(raw.get("document")))
    fleet = _fleet(raw, from_unix_s, document.window_s or 0.0)
    return Evidence(document, machine, fleet, _policy_runs(raw), raw.get("own_grid") is True)


def _fleet(raw: Mapping[str, Any], from_unix_s: float, until_s: float) -> list[FleetReading]:
    readings = []
    for each in mappings(raw.get("fleet")):
        values = [number(each.get(name)) for name in ("at_unix_s", "load_kw", "draw_kw", "capacity_kw")]
        at_unix_s, load_kw, draw_kw, capacity_kw = values
        if None not in (at_unix_s, load_kw, draw_kw, capacity_kw):
            readings.append(
                FleetReading(
                    (at_unix_s or 0.0) - from_unix_s, load_kw or 0.0, draw_kw or 0.0, capacity_kw or 0.0
                )
            )
    return _until_empty(sorted(readings, key=lambda each: each.at_s), until_s)


def _until_empty(readings: Sequence[FleetReading], until_s: float) -> list[FleetReading]:
    """Return the readings from the first arrival until the fleet is nearly empty after the last one."""
    shown = []
    for each in readings:
        if each.at_s >= 0:
            shown.append(each)
        if each.at_s > until_s and each.load_kw < NEARLY_EMPTY * each.capacity_kw:
            break
    return shown


def _policy_runs(raw: Mapping[str, Any]) -> PolicyRuns | None:
    comparison = mapping(raw.get("comparison"))
    documents = []
    for each in mappings(comparison.get("documents")):
        try:
            documents.append(read(each))
        except NotAResult:
            continue
    if not documents:
        return None
    return PolicyRuns(number(comparison.get("time_scale")), number(comparison.get("poll_s")), documents)
