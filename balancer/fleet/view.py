"""The view of the fleet: what state each substation is in now, which of them may be asked, and what is outstanding.

Pure: time comes as seconds of a monotonic clock. Rules:

- estimate = reported base load, load and owed power + what is outstanding - what the reported plans have freed since;
- a placement is reserved before anything is awaited, and released when its answer is known;
- a substation whose identity is in doubt, or that belongs to another order book, is not asked;
- the view only chooses which substation to ask: the substation decides.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Protocol, Self

from balancer.fleet.health import HealthState
from balancer.fleet.member import Candidate, Demand, Member, Option
from balancer.fleet.roster import Roster

PANIC_SHARE = 0.5  # with more than this share ejected, the last known view is used
LOST = frozenset({HealthState.GONE, HealthState.CONFLICT})  # substations in these states are never asked
# Suspects are used only when no healthy one has room; ejected ones only in a panic.
TIERS = (
    frozenset({HealthState.HEALTHY}),
    frozenset({HealthState.SUSPECT, HealthState.PROBING}),
    frozenset({HealthState.EJECTED}),
)


class Policy(Protocol):
    """The placement policy in force, which may be switched; placing/policies.py has one."""

    name: str
    names: tuple[str, ...]  # that `use` takes

    @property
    def by_last_poll(self) -> bool:
        """Whether a load is that of the last poll, without what is known since."""

    def use(self, name: str) -> bool:
        """Place by another policy from now on; returns whether there is one of that name."""

    def choose(
        self, candidates: Sequence[Candidate], usable: Callable[[str], bool], demand: Demand
    ) -> str | None:
        """Return the id of a candidate that is usable; None when none is.

        `usable` costs much more than to compare two candidates.
        """

    def reason(self, chosen: str, demand: Demand) -> str:
        """Return in words why a candidate was chosen."""

    def comparisons(self) -> Mapping[str, int]:
        """Return how placement by forecast compared with the policy in force, by what is counted."""

    def doubt(self, now_s: float) -> str:
        """Return in words why no policy can go by forecasts now; '' when one can."""

    def room_in_s(self, substations: Iterable[tuple[str, Member]], demand: Demand) -> float | None:
        """Return in how many seconds the base load of one is expected to leave room; None if that is not known."""


class Hold:
    """Power that counts as outstanding at a substation until the hold is closed, or its context left."""

    __slots__ = ("_demand_w", "_member")

    def __init__(self, member: Member | None, demand_w: int) -> None:
        """`member` is None for a substation that is not known: then nothing is held."""
        self._member = member
        self._demand_w = demand_w
        if member:
            member.outstanding_w += demand_w

    def close(self) -> None:
        """Give the power back, once."""
        if self._member:
            self._member.outstanding_w -= self._demand_w
            self._member = None

    def __enter__(self) -> Self:
        """Hold it."""
        return self

    def __exit__(self, *_: object) -> None:
        """Give it back."""
        self.close()


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
        roster, name, evidence = self.roster, member.report.substation_id, member.identity_evidence
        if len(evidence.journals) > 1 and evidence.disputed(now_s, roster.recent_s):
            return HealthState.CONFLICT
        if not roster.addresses.belongs_to(member.url, name):
            return HealthState.GONE
        denied_s = evidence.denied_s(name, member.report.journal_id, now_s)
        if denied_s is not None:  # after a restart elsewhere that lasts for one poll: no alarm yet
            return HealthState.CONFLICT if denied_s > roster.recent_s else HealthState.EJECTED
        return member.health.state(now_s - member.received_s, roster.poll_s, now_s, linked=self.linked(name))

    def taken_w(self, member: Member, now_s: float, *, surely: bool) -> float:
        """Return what is taken of a member in watts, as the policy in force counts it: cars, base load, owed power.

        With `surely`, it is the most that can be taken now.
        """
        if self.policy.by_last_poll:
            return member.polled_w
        return member.most_w(now_s) if surely else member.estimate_w(now_s)

    def free_w(self, eligible: Collection[str], now_s: float, *, surely: bool) -> dict[str, float]:
        """Return the power that each of the eligible has left, in watts, as the policy in force counts it."""
        return {
            name: member.report.capacity_w - self.taken_w(member, now_s, surely=surely)
            for name, member in self.eligible(eligible)
        }

    def candidates(
        self, eligible: Collection[str], demand_w: int, now_s: float, *, surely: bool
    ) -> list[Candidate]:
        """Return the eligible substations with room for `demand_w`, whatever their state."""
        if self.policy.by_last_poll or surely:
            members = self.eligible(eligible)
            with_w = [(name, m, self.taken_w(m, now_s, surely=surely) + demand_w) for name, m in members]
            return [(w / m.report.capacity_w, name) for name, m, w in with_w if w <= m.report.capacity_w]
        # The same for the usual case. Each decision runs this loop over the whole fleet, so it does little.
        found: list[Candidate] = []
        estimate_w, foreign, own_book = Member.estimate_w, self.roster.foreign, self.roster.book_id
        for name, member in self._among(eligible):
            demanded_w, capacity_w = estimate_w(member, now_s) + demand_w, member.report.capacity_w
            if demanded_w <= capacity_w and (member.book_id == own_book or not foreign(member)):
                found.append((demanded_w / capacity_w, name))
        return found

    def pick(
        self, candidates: Sequence[Candidate], demand: Demand, allowed: Callable[[str], bool] = lambda _: True
    ) -> str | None:
        """Return the candidate to ask, of those that are `allowed`; None when there is none.

        A substation whose stream is down is never used: a key that is claimed there would depend on it
        (docs/adr/0014). What a substation is like is found out only when the policy would choose it: in a fleet of
        thousands that are a handful.
        """
        now_s = demand.now_s
        states: dict[str, HealthState | None] = {}  # None: not to be used, whatever its state
        for tier in TIERS:
            if HealthState.EJECTED in tier and not (tier & set(states.values()) and self.panic(now_s)):
                break

            def usable(name: str, tier: frozenset[HealthState] = tier) -> bool:
                if name not in states:
                    member = self.roster.members[name]
                    open_ = not member.report.draining and self.linked(name) and allowed(name)
                    states[name] = self.state(member, now_s) if open_ else None
                return states[name] in tier

            if picked := self.policy.choose(candidates, usable, demand):
                return picked
        return None

    def options(self, names: Iterable[str], now_s: float, *, surely: bool) -> tuple[Option, ...]:
        """Return the named substations as they are now."""
        return tuple(self._option(name, self.roster.members[name], now_s, surely=surely) for name in names)

    def _option(self, name: str, member: Member, now_s: float, *, surely: bool) -> Option:
        report = member.report
        return Option(
            name,
            self.taken_w(member, now_s, surely=surely),
            report.capacity_w,
            self.state(member, now_s),
            report.draining,
            now_s - member.received_s,
            self.linked(name),
        )

    def holding(self, substation_id: str, demand_w: int) -> Hold:
        """Count `demand_w` as outstanding at a substation until the hold is closed."""
        return Hold(self.roster.members.get(substation_id), demand_w)

    def admitting(self, eligible: Collection[str], now_s: float) -> list[tuple[str, Member]]:
        """Return the eligible substations that would be asked if they had room, by their ids.

        Draining ones, and those whose stream is down, would not be asked.
        """
        open_ = [
            (name, member, self.state(member, now_s))
            for name, member in self.eligible(eligible)
            if not member.report.draining and self.linked(name)
        ]
        ejected = any(state is HealthState.EJECTED for _, _, state in open_) and self.panic(now_s)
        tiers = frozenset[HealthState]().union(*(TIERS if ejected else TIERS[:-1]))
        return [(name, member) for name, member, state in open_ if state in tiers]

    def reachable(self, eligible: Collection[str], now_s: float) -> bool:
        """Whether one of the eligible could be asked now, if it had room."""
        known = (m for name, m in self.eligible(eligible) if self.linked(name))
        return any(self.state(member, now_s) not in LOST for member in known)

    def panic(self, now_s: float) -> bool:
        """Whether so many are ejected that the poll itself must be at fault."""
        states = [self.state(member, now_s) for member in self.roster.members.values()]
        counted = [state for state in states if state not in LOST]
        return counted.count(HealthState.EJECTED) > PANIC_SHARE * len(counted)

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
        return max((member.report.rated_w for _, member in self.eligible(eligible)), default=0)

    def eligible(self, eligible: Collection[str]) -> Iterator[tuple[str, Member]]:
        """Yield the eligible substations with their ids, without foreign ones."""
        foreign = self.roster.foreign
        return ((name, member) for name, member in self._among(eligible) if not foreign(member))

    def _among(self, eligible: Collection[str]) -> Iterable[tuple[str, Member]]:
        """Return the eligible substations, foreign ones too; of a whole fleet without a copy."""
        members = self.roster.members
        if not eligible:
            return members.items()
        return [(name, members[name]) for name in dict.fromkeys(eligible) if name in members]
