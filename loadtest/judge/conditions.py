"""Changes on the grid during a run: policy, drains, limits, stopped sessions.

Pure. Rules:

- a change is a difference between two samples of the grid, whether made by the console, by curl or by a client;
- a change that the run's own plan orders is marked as planned;
- a run with an unplanned change is `disturbed`: figures that depend on the conditions don't count against the grid;
- a counter that went back (a restart) does not count as a stop.
"""

import dataclasses
import enum
import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from loadtest.units import W_PER_KW

if TYPE_CHECKING:
    from loadtest.plan.oracle import Drain
    from loadtest.record.readings import FleetSample, Reading

ONE_ORDER_S = 2.0  # stops at one substation within this time of each other are one change
MIXED = "mixed: "


class ChangeKind(enum.StrEnum):
    """The kind of a change on the grid."""

    POLICY = "policy"
    DRAINED = "drained"
    RESTORED = "restored"
    LIMIT = "limit"
    STOPPED = "stopped"


@dataclasses.dataclass(frozen=True, slots=True)
class Change:
    """One change and the moment of the sample that shows it, in unix seconds.

    `target` is a substation, '' for the policy of the fleet.

    `before` and `after` are policies, or limits in kW; of stops, `after` is how many sessions were stopped.
    """

    at_unix_s: float
    what: ChangeKind
    target: str
    before: str | float | None = None
    after: str | float | None = None
    planned: bool = False

    def in_words(self) -> str:
        """Return the change in words, such as `substation-2 drained`."""
        match self.what:
            case ChangeKind.POLICY:
                return f"policy switched from {self.before} to {self.after}"
            case ChangeKind.LIMIT:
                return f"limit of {self.target} changed from {self.before:g} to {self.after:g} kW"
            case ChangeKind.STOPPED:
                sessions = "session" if self.after == 1 else "sessions"
                return f"{self.after:g} {sessions} stopped at {self.target}"
            case _:
                return f"{self.target} {self.what}"


def changes(
    samples: "Sequence[FleetSample]",
    policies: Sequence[tuple[float, str]],
    drain: "Drain | None",
    start_unix_s: float,
) -> tuple[Change, ...]:
    """Return the changes between samples, in order of time.

    `samples` are of the substations; `policies` are pairs of a moment in unix seconds and the policy from then on.
    `drain` is the drain of the run's own plan, which began at `start_unix_s`.
    """
    watch = ChangeWatch(drain, start_unix_s)
    watch.take(samples)
    return watch.changes(policies)


class ChangeWatch:
    """Collects the changes between samples as they come; `drain` and `start_unix_s` are those of `changes`."""

    def __init__(self, drain: "Drain | None", start_unix_s: float) -> None:
        self._drain = drain
        self._start_unix_s = start_unix_s
        self._known: dict[str, Reading] = {}
        self._found: list[Change] = []

    def take(self, samples: "Iterable[FleetSample]") -> None:
        """Look at further samples, in order of time."""
        for sample in samples:
            for name, reading in sample.readings.items():
                if before := self._known.get(name):
                    self._found += _between(sample.at_unix_s, name, before, reading)
            self._known |= sample.readings

    def changes(self, policies: Sequence[tuple[float, str]]) -> tuple[Change, ...]:
        """Return the changes so far, with those of the policy, in order of time."""
        found = [*_of_policy(policies), *self._found]
        ordered = sorted(_joined(found), key=lambda each: (each.at_unix_s, each.target))
        return tuple(_with_planned(ordered, self._drain, self._start_unix_s))


def policy_of(changed: Iterable[Change], policy: str) -> str:
    """Return the policy of a run that began under `policy`; `mixed: a, b` if it was switched during the run."""
    used = [policy, *(str(each.after) for each in changed if each.what is ChangeKind.POLICY)]
    return MIXED + ", ".join(dict.fromkeys(used)) if len(set(used)) > 1 else policy


def _of_policy(policies: Sequence[tuple[float, str]]) -> Iterator[Change]:
    for (_, before), (at_unix_s, after) in itertools.pairwise(policies):
        if before != after:
            yield Change(at_unix_s, ChangeKind.POLICY, "", before, after)


def _between(at_unix_s: float, name: str, before: "Reading", after: "Reading") -> Iterator[Change]:
    if before.draining != after.draining:
        yield Change(at_unix_s, ChangeKind.DRAINED if after.draining else ChangeKind.RESTORED, name)
    if before.capacity_w != after.capacity_w:
        yield Change(
            at_unix_s, ChangeKind.LIMIT, name, before.capacity_w / W_PER_KW, after.capacity_w / W_PER_KW
        )
    if before.epoch == after.epoch and after.stopped > before.stopped:
        yield Change(at_unix_s, ChangeKind.STOPPED, name, after=after.stopped - before.stopped)


def _joined(found: Iterable[Change]) -> list[Change]:
    """Join stops that follow each other at one substation into one change, at the moment of the first."""
    joined: list[Change] = []
    latest: dict[
        str, tuple[int, float]
    ] = {}  # by substation: the index of its latest change by stops, and when the last of them was
    for each in found:
        place, last_unix_s = latest.get(each.target, (-1, 0.0))
        if each.what is not ChangeKind.STOPPED or place < 0 or each.at_unix_s - last_unix_s > ONE_ORDER_S:
            place = len(joined)
            joined.append(each)
        else:
            count = float(joined[place].after or 0) + float(each.after or 0)
            joined[place] = dataclasses.replace(joined[place], after=count)
        if each.what is ChangeKind.STOPPED:
            latest[each.target] = (place, each.at_unix_s)
    return joined


def _with_planned(ordered: Iterable[Change], drain: "Drain | None", start_unix_s: float) -> Iterator[Change]:
    """Mark the drain that the run's own plan has ordered."""
    due = drain
    for each in ordered:
        if due and each.what is ChangeKind.DRAINED and each.target == due.substation_id:
            ours, due = each.at_unix_s >= start_unix_s + due.at_s, None
            yield dataclasses.replace(each, planned=ours)
        else:
            yield each
