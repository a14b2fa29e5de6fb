"""Substations as they were at one moment, kept with each decision so that it can be explained later.

Pure. Thousands are kept and few are read, so a snapshot is one flat tuple until it is read.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from balancer.fleet.health import HealthState
from balancer.fleet.member import Member, Sight
from balancer.fleet.view import View


class Option(NamedTuple):
    """One substation at the moment of a decision; `estimate_w` is the load by which it was judged.

    `linked` is whether its stream is up; a request that is sent without one has an unknown outcome.
    """

    substation_id: str
    estimate_w: float
    capacity_w: int
    state: HealthState
    draining: bool
    report_age_s: float
    linked: bool = True


class Snapshot:
    """Substations at the monotonic time `at_s`, `count` of them."""

    __slots__ = ("_at_s", "_loads_w", "_sights", "count")

    def __init__(
        self, at_s: float = 0.0, sights: Sequence[Sight] = (), loads_w: Sequence[float] = ()
    ) -> None:
        """`loads_w` are the loads in watts by which the substations were judged, in the order of the sights."""
        self._at_s = at_s
        self._sights = tuple(sights)
        self._loads_w = tuple(loads_w)
        self.count = len(self._sights)

    def has(self, substation_id: str) -> bool:
        """Whether a substation is among them; a search asks that of thousands of snapshots, so none is read out."""
        return any(sight[0] == substation_id for sight in self._sights)

    def __iter__(self) -> Iterator[Option]:
        """Yield the substations."""
        for sight, load_w in zip(self._sights, self._loads_w, strict=True):
            name, capacity_w, state, draining, received_s, linked = sight
            yield Option(name, load_w, capacity_w, state, draining, self._at_s - received_s, linked)


def snapshot(view: View, members: Iterable[Member], now_s: float, *, surely: bool) -> Snapshot:
    """Return substations as they are now; with `surely`, each by the highest load that it can have."""
    by_estimate, sights, loads_w = not surely and not view.policy.by_last_poll, list[Sight](), list[float]()
    upsets, recent_s = view.addresses.upsets, view.roster.recent_s
    for member in members:
        sight = member.sight
        fresh = member.sound_at == upsets and now_s - member.received_s <= recent_s
        if not (fresh and sight and view.linked(member.report.substation_id)):
            sight = _sight(view, member, now_s)
        sights.append(sight)
        loads_w.append(
            member.estimate_w(now_s) if by_estimate else view.taken_w(member, now_s, surely=surely)
        )
    return Snapshot(now_s, sights, loads_w)


def _sight(view: View, member: Member, now_s: float) -> Sight:
    """Return a substation as it is now, and keep that until its next report if it is healthy."""
    report, state = member.report, view.state(member, now_s)
    linked = view.linked(report.substation_id)
    sight = (report.substation_id, report.capacity_w, state, report.draining, member.received_s, linked)
    member.sight = sight if state is HealthState.HEALTHY else None
    return sight
