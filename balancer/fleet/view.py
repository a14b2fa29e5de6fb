"""The view of the fleet: what state each substation is in now, which of them may be asked, and what is outstanding.

Pure: time comes as seconds of a monotonic clock. Rules:

- estimate = reported base load, load and owed power + what is outstanding - what the reported plans have freed since;
- a placement is reserved before anything is awaited, and released when its answer is known;
- a substation whose identity is in doubt, or that belongs to another order book, is not asked;
- the view only chooses which substation to ask: the substation decides.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Protocol, Self

from balancer.fleet.candidates import Candidates, utilizations
from balancer.fleet.health import HealthState
from balancer.fleet.member import Demand, Member
from balancer.fleet.roster import Roster
from balancer.fleet.short_list import LEAST_FLEET
from balancer.fleet.takers import Takers

HEALTHY = HealthState.HEALTHY
PANIC_SHARE = 0.5  # with more than this share ejected, the last known view is used
LOST = frozenset({HealthState.GONE, HealthState.CONFLICT})  # substations in these states are never asked
# Suspects are used only when no healthy one has room; ejected ones only in a panic.
TIERS = (  # tuples: an enum has a slow hash
    (HealthState.HEALTHY,),
    (HealthState.SUSPECT, HealthState.PROBING),
    (HealthState.EJECTED,),
)


class BaseLoads(Protocol):
    """The base loads to come; placing/predictive/base_course.py has them."""

    @property
    def slot(self) -> int:
        """The quarter hour as whose those of now are counted."""

    def rises(self, member: Member) -> Sequence[tuple[float, float]]:
        """Return by how many watts that of a substation will be higher than now at most, from which moments on."""

    def rise_w(self, member: Member, at_s: float) -> float:
        """Return by how many watts it will probably be higher at a moment; 0 without a forecast."""

    def wall_s(self, grid_ms: int) -> float:
        """Return the seconds that a span of grid time takes."""

    def least_stay_s(self, member: Member) -> float:
        """Return for how long there must be room at a substation, whatever the stay is."""


class Policy(Protocol):
    """The placement policy in force, which may be switched; placing/policies.py has one."""

    name: str
    names: tuple[str, ...]  # that `use` takes

    @property
    def by_last_poll(self) -> bool:
        """Whether a load is that of the last poll, without what is known since."""

    @property
    def by_lowest(self) -> bool:
        """Whether it chooses one of the least loaded, so that it seldom asks for all."""

    def use(self, name: str) -> bool:
        """Place by another policy from now on; returns whether there is one of that name."""

    def choose(self, candidates: Candidates, usable: Callable[[str], bool], demand: Demand) -> str | None:
        """Return the id of a candidate that is usable; None when none is.

        `usable` costs much more than to compare two candidates.
        """

    def reason(self, chosen: str, demand: Demand) -> str:
        """Return in words why a candidate was chosen."""

    def comparisons(self) -> Mapping[str, int]:
        """Return how placement by forecast compared with the policy in force, by what is counted."""

    def doubt(self, now_s: float) -> str:
        """Return in words why no policy can go by forecasts now; '' when one can."""

    def base_course(self, now_s: float) -> BaseLoads | None:
        """Return by how much base loads are expected to change; None while that is not known."""


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
        self.addresses = roster.addresses

    def state(self, member: Member, now_s: float) -> HealthState:
        """Return the state of a member; doubts about its identity and its address come before its health."""
        roster, upsets = self.roster, self.addresses.upsets
        name, age_s = member.report.substation_id, now_s - member.received_s
        if member.sound_at == upsets and age_s <= roster.recent_s and self.linked(name):
            return HEALTHY
        state = self._found_state(member, name, now_s)
        if state is HEALTHY:
            member.sound_at = upsets
        return state

    def _found_state(self, member: Member, name: str, now_s: float) -> HealthState:
        roster, evidence = self.roster, member.identity_evidence
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
    ) -> Candidates:
        """Return the eligible substations that take cars, whatever their state, with their utilizations."""
        takers = self.roster.takers.among(eligible)
        if len(takers.names) >= LEAST_FLEET and not eligible and not surely and self.policy.by_lowest:
            return _nearest(takers, self.roster, demand_w, now_s)
        names, members, _ = takers
        if surely or self.policy.by_last_poll:
            with_w = [self.taken_w(member, now_s, surely=surely) + demand_w for member in members]
            shares = [w / member.report.capacity_w for w, member in zip(with_w, members, strict=True)]
        else:
            shares = _estimated(self.roster, members, demand_w, now_s)
        return Candidates(names, shares, members)

    def pick(
        self, candidates: Candidates, demand: Demand, allowed: Callable[[str], bool] | None = None
    ) -> str | None:
        """Return the candidate to ask, of those that are `allowed`, or of all; None when there is none.

        A substation whose stream is down is never used: a key that is claimed there would depend on it
        (docs/adr/0014). What a substation is like is found out only when the policy would choose it: in a fleet of
        thousands that are a handful.
        """
        now_s, members = demand.now_s, self.roster.members
        states: dict[str, HealthState | None] = {}  # None: not to be used, whatever its state

        def usable(name: str) -> bool:
            if name not in states:
                state = self.state(members[name], now_s) if allowed is None or allowed(name) else None
                states[name] = state if state is HEALTHY or self.linked(name) else None
            return states[name] in tier

        for tier in TIERS:
            if tier is TIERS[-1] and not (HealthState.EJECTED in states.values() and self.panic(now_s)):
                break
            if picked := self.policy.choose(candidates, usable, demand):
                return picked
        return None

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
        tiers = {state for tier in (TIERS if ejected else TIERS[:-1]) for state in tier}
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
        members, foreign = self.roster.members, self.roster.foreign
        names = dict.fromkeys(eligible) if eligible else members
        return ((name, m) for name in names if (m := members.get(name)) and not foreign(m))


def _estimated(roster: Roster, members: Sequence[Member], demand_w: int, now_s: float) -> list[float]:
    """Return the utilization of each member with a demand; infinite where other balancers have probably left no room."""
    shares = utilizations(members, demand_w, now_s)
    return roster.inflow.fill(shares, members, demand_w, now_s) if roster.inflow.matters(shares) else shares


def _nearest(takers: Takers, roster: Roster, demand_w: int, now_s: float) -> Candidates:
    """Return the candidates of a large fleet that can be the best, if they are known, else all."""
    names, members, _ = takers
    short_lists = roster.takers.short_lists

    def whole() -> Candidates:
        short_lists.looked_at(names, members, demand_w, now_s)
        return Candidates(names, _estimated(roster, members, demand_w, now_s), members)

    near = short_lists.find(demand_w, now_s)
    if not near:
        return whole()
    shares = _estimated(roster, near.members, demand_w, now_s)
    return Candidates(near.names, shares, near.members, bar=near.bar, pool=takers, whole=whole)
