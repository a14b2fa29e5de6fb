"""The view of the fleet: what state each substation is in now, which of them may be asked, and what is outstanding.

Pure: time comes as seconds of a monotonic clock. Rules:

- estimate = reported load + what is outstanding - what the reported plans have freed since;
- a placement is reserved before anything is awaited, and released when its answer is known;
- a substation whose identity is in doubt, or that belongs to another order book, is not asked;
- the view only chooses which substation to ask: the substation decides.
"""

import contextlib
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Protocol

from balancer.fleet.health import HealthState
from balancer.fleet.member import Candidate, Member, Option
from balancer.fleet.roster import Roster

PANIC_SHARE = 0.5  # with more than this share ejected, the last known view is used
LOST = frozenset({HealthState.GONE, HealthState.CONFLICT})  # substations in these states are never asked


class Policy(Protocol):
    """The placement policy in force, which may be switched; placing/policies.py has one."""

    name: str
    names: tuple[str, ...]  # that `use` takes

    def use(self, name: str) -> bool:
        """Place by another policy from now on; returns whether there is one of that name."""

    def pick(self, candidates: Sequence[Candidate], demand_w: int) -> Candidate | None:
        """Return the candidate to ask for `demand_w`; None when none has room."""

    def load_w(self, candidate: Candidate) -> float:
        """Return the load of a candidate in watts, as the policy counts it."""


class View:
    """The substations of a roster as they are now; `linked` returns whether the stream to one is up.

    Wherever a method takes `eligible`, an empty one means all substations.
    """

    def __init__(self, roster: Roster, linked: Callable[[str], bool], policy: Policy) -> None:
        self.roster = roster
        self.linked = linked
        self.policy = policy

    def state(self, member: Member, now_s: float) -> HealthState:
        """Return the state of a member; doubts about its identity and its address come before its health."""
        if self.roster.disputed(member, now_s):
            return HealthState.CONFLICT
        if self.roster.absent(member):
            return HealthState.GONE
        denied_s = member.denied_s(now_s)
        if denied_s is not None:  # after a restart elsewhere that lasts for one poll: no alarm yet
            return HealthState.CONFLICT if denied_s > self.roster.recent_s else HealthState.EJECTED
        linked = self.linked(member.report.substation_id)
        return member.health.state(now_s - member.received_s, self.roster.poll_s, now_s, linked=linked)

    def look(self, eligible: Collection[str], now_s: float) -> list[Option]:
        """Return the eligible substations as options of this moment."""
        return [
            Option(
                Candidate(name, member.estimate_w(now_s), member.report.capacity_w, member.polled_w),
                self.state(member, now_s),
                member.report.draining,
                now_s - member.received_s,
                member.most_w(now_s),
                self.linked(name),
            )
            for name, member in self._eligible(eligible)
        ]

    def pick(self, options: Collection[Option], demand_w: int, now_s: float) -> str | None:
        """Return the option to ask for `demand_w`; None when none has room.

        Suspects are used only when no healthy one has room; ejected ones only in a panic. A substation
        whose stream is down is never used: a key that is claimed there would depend on it (docs/adr/0014).
        """
        tiers = [{HealthState.HEALTHY}, {HealthState.SUSPECT, HealthState.PROBING}]
        if self.panic(now_s):
            tiers.append({HealthState.EJECTED})
        usable = [option for option in options if option.linked and not option.draining]
        for tier in tiers:
            candidates = [option.candidate for option in usable if option.state in tier]
            if picked := self.policy.pick(candidates, demand_w):
                return picked.substation_id
        return None

    @contextlib.contextmanager
    def holding(self, substation_id: str, demand_w: int) -> Iterator[None]:
        """Count `demand_w` as outstanding at a substation while the context lasts."""
        member = self.roster.members.get(substation_id)
        if member:
            member.outstanding_w += demand_w
        try:
            yield
        finally:
            if member:
                member.outstanding_w -= demand_w

    def admitting(self, eligible: Collection[str], now_s: float) -> list[tuple[str, Member]]:
        """Return the eligible substations that would be asked if they had room, by their ids.

        Draining ones, and those whose stream is down, would not be asked.
        """
        tiers = {
            HealthState.HEALTHY,
            HealthState.SUSPECT,
            HealthState.PROBING,
            *([HealthState.EJECTED] if self.panic(now_s) else []),
        }
        return [
            (name, member)
            for name, member in self._eligible(eligible)
            if self.linked(name) and not member.report.draining and self.state(member, now_s) in tiers
        ]

    def reachable(self, eligible: Collection[str], now_s: float) -> bool:
        """Whether one of the eligible could be asked now, if it had room."""
        known = (m for name, m in self._eligible(eligible) if self.linked(name))
        return any(self.state(member, now_s) not in LOST for member in known)

    def panic(self, now_s: float) -> bool:
        """Whether so many are ejected that the poll itself must be at fault."""
        states = [self.state(member, now_s) for member in self.roster.members.values()]
        counted = [state for state in states if state not in LOST]
        return counted.count(HealthState.EJECTED) > PANIC_SHARE * len(counted)

    def free_w(self, option: Option) -> float:
        """Return the power that an option has left, in watts, as the policy in force counts it."""
        return option.candidate.capacity_w - self.policy.load_w(option.candidate)

    def other_journal(self, substation_id: str, journal_id: str) -> str:
        """Return the journal under which a substation is there now, if it is another one; else ''.

        '' also when the substation is not known, or `journal_id` is ''.
        """
        member = self.roster.members.get(substation_id)
        if not member or journal_id in {"", member.report.journal_id}:
            return ""
        return member.report.journal_id

    def rated_w(self, eligible: Collection[str]) -> int:
        """Return the highest rated capacity among the eligible, in watts; 0 if there are none.

        One that is gone counts until it is forgotten: it may come back, and "never" must be true.
        """
        return max((member.report.rated_w for _, member in self._eligible(eligible)), default=0)

    def _eligible(self, eligible: Collection[str]) -> Iterator[tuple[str, Member]]:
        return (
            (name, member)
            for name, member in self.roster.members.items()
            if (not eligible or name in eligible) and not self.roster.foreign(member)
        )
