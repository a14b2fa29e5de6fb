"""Groups runs that are repeats of each other, and computes how each group differs from the first.

Pure. Runs with the same label are one group. Runs without a label are repeats when they have the same policy, preset,
shape, number of requests and seconds. The seed may differ: another seed is another draw of the same demand, and a note
says so. A run that was stopped early, or during which somebody changed the grid, is a group of its own.
"""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from loadtest.compare import noise
from loadtest.compare.merits import Merit, RawDocument, median, merits
from loadtest.compare.noise import Assessment
from loadtest.paper import document as paper

PLAN = ("preset", "shape", "requests", "seconds")  # the same in all repeats, as is the policy
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
COUNTED = {"requests", "seconds"}
ONE_BY_ONE = (
    "these runs have the same plan and policy: they are shown one by one, not averaged. One run of each can't tell a"
    " difference from noise; to compare policies, choose runs of one plan under different policies"
)


@dataclasses.dataclass(frozen=True, slots=True)
class ComparedRun:
    """A run to compare: its name, its label or "", and its document."""

    name: str
    label: str
    document: RawDocument

    @property
    def run(self) -> Mapping[str, Any]:
        """The entry of the document that describes the run."""
        run = self.document.get("run")
        return run if isinstance(run, Mapping) else {}


@dataclasses.dataclass(frozen=True, slots=True)
class Group:
    """Repeats: their name and their runs."""

    name: str
    runs: Sequence[ComparedRun]

    def values(self, merit: Merit) -> list[float]:
        """Return a figure of each run that has it."""
        read = (merit.read(compared.document) for compared in self.runs)
        return [value for value in read if value is not None]


@dataclasses.dataclass(frozen=True, slots=True)
class Cell:
    """One figure of one group: its value in each run, and how it differs from the first group.

    `delta` is the difference of the medians, `share` that difference over the first median. The first group has
    neither, and no assessment.
    """

    values: Sequence[float]
    delta: float | None = None
    share: float | None = None
    assessment: Assessment | None = None

    @property
    def median(self) -> float | None:
        """The median of the repeats."""
        return median(self.values)


@dataclasses.dataclass(frozen=True, slots=True)
class Comparison:
    """All groups, a row of cells for each figure that any run has, and notes for the reader."""

    groups: Sequence[Group]
    rows: Sequence[tuple[Merit, Sequence[Cell]]]
    notes: Sequence[str]
    runs: Sequence[ComparedRun] = ()  # in the order in which they were given

    @property
    def in_order(self) -> Sequence[ComparedRun]:
        """The runs in the order in which they were given; without one, group by group."""
        return self.runs or [compared for group in self.groups for compared in group.runs]

    def letter(self, compared: ComparedRun) -> str:
        """Return the letter of a run, as the console's list has it: A for the first; '' beyond the alphabet."""
        place = next((n for n, each in enumerate(self.in_order) if each is compared), len(LETTERS))
        return LETTERS[place : place + 1]


def compare(runs: Sequence[ComparedRun], *, one_by_one: bool = False) -> Comparison:
    """Group the runs and compare each group with the first.

    With `one_by_one`, runs that would all be in one group become one group each.
    """
    groups = grouped(runs)
    apart = one_by_one and len(groups) == 1 and len(runs) > 1
    if apart:
        groups = [Group(compared.name, [compared]) for compared in runs]
    rows = []
    for merit in merits():
        columns = [group.values(merit) for group in groups]
        if any(columns):
            rows.append((merit, [Cell(columns[0]), *(_against(columns[0], each) for each in columns[1:])]))
    notes = [*([ONE_BY_ONE] if apart else []), *_notes(groups)]
    return Comparison(groups, rows, notes, list(runs))


def _against(first: Sequence[float], values: Sequence[float]) -> Cell:
    base, middle = median(first), median(values)
    delta = None if base is None or middle is None else middle - base
    share = delta / base if delta is not None and base else None
    return Cell(values, delta, share, noise.judge(first, values))


def grouped(runs: Sequence[ComparedRun]) -> list[Group]:
    """Return the groups in the order in which their first runs were given."""
    by_key: dict[tuple[Any, ...], list[ComparedRun]] = {}
    for compared in runs:
        by_key.setdefault(_key(compared), []).append(compared)
    differing = [
        name
        for name in ("policy", *PLAN)
        if len({_plan_value(each[0], name) for each in by_key.values()}) > 1
    ]
    names = [_name(each[0], differing) for each in by_key.values()]
    return [
        Group(name if names.count(name) == 1 else f"{name} ({index + 1})", each)
        for index, (name, each) in enumerate(zip(names, by_key.values(), strict=True))
    ]


def _key(compared: ComparedRun) -> tuple[Any, ...]:
    label = _label(compared)
    if label:
        return (label,)
    alone = compared.name if apart_for(compared.document) else ""
    return ("", alone, *(_plan_value(compared, name) for name in ("policy", *PLAN)))


def apart_for(document: RawDocument) -> str:
    """Return why a run can't be a repeat of another, "" if it can."""
    result = document["result"]
    if result.get("interrupted"):
        return "stopped early"
    return "conditions changed" if _unplanned_changes(document) else ""


def _unplanned_changes(document: RawDocument) -> list[paper.Change]:
    return [each for each in paper.changes(document) if not each.planned]


def _plan_value(compared: ComparedRun, name: str) -> str:
    """Return a value of a run's plan as text, the same for 60 and 60.0; "" when it is absent."""
    value = compared.run.get(name)
    if value is None:
        return ""
    return f"{value:g}" if isinstance(value, int | float) else str(value)


def _label(compared: ComparedRun) -> str:
    return compared.label or str(compared.run.get("label") or "")


def _name(compared: ComparedRun, differing: Sequence[str]) -> str:
    """Name a group by its label, or by the options in which it differs from the others."""
    words = [
        f"{_plan_value(compared, each)} {each}" if each in COUNTED else _plan_value(compared, each)
        for each in differing
        if _plan_value(compared, each)
    ]
    named = _label(compared)
    alone = "" if named else apart_for(compared.document)
    name = named or ", ".join(words) or str(compared.run.get("policy") or compared.name)
    return f"{name}, {alone}" if alone else name


def _notes(groups: Sequence[Group]) -> Iterator[str]:
    if len(groups) == 1:
        count = len(groups[0].runs)
        yield f"all {count} runs are repeats of one group: there is nothing to compare them with"
    plans = {
        (str(compared.run.get("seed")), str(compared.run.get("plan_sha256")))
        for group in groups
        for compared in group.runs
    }
    seeds = sorted({seed for seed, _ in plans})
    if len(seeds) > 1:
        yield f"the plans differ: seeds {', '.join(seeds)}; a difference may be one of the arrivals"
    elif len(plans) > 1:
        yield "the plans differ, with one seed: a difference may be one of the arrivals"
    for group in groups:
        for compared in group.runs:
            yield from (f"{compared.name}: {fault}" for fault in _faults(compared))


def _faults(compared: ComparedRun) -> Iterator[str]:
    result = compared.document["result"]
    if result.get("interrupted"):
        yield "it was interrupted: its figures are of what was sent until then"
    if failed := [each.name for each in paper.thresholds(compared.document) if each.failed]:
        yield f"thresholds failed: {', '.join(failed)}"
    if unplanned := _unplanned_changes(compared.document):
        changed = "; ".join(f"{each.description} after {max(each.at_s, 0.0):.0f} s" for each in unplanned)
        yield f"the conditions were changed during it: {changed}"
    generator = result.get("generator") or {}
    if generator.get("verdict") == "saturated":
        yield f"the load generator was the bottleneck: {generator.get('why') or 'saturated'}"
