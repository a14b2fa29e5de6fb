"""The view of the fleet: the newest report of each substation, and what was placed since.

Pure: time comes as seconds of a monotonic clock. Rules:

- of two reports the one with the higher (epoch, seq) counts, however late it comes;
- estimate = reported load + what is outstanding - what the reported plans have freed since;
- a placement is reserved before anything is awaited, and released when its answer is known;
- the view only chooses whom to ask: the substation decides.
"""

import bisect
import contextlib
import dataclasses
from collections.abc import Callable, Collection, Iterator

from balancer.appointments import Appointments
from balancer.health import Health, State
from balancer.policy import DEFAULT_POLICY, Candidate, Random, policies
from substation.contract import RELEASES_WITHIN_S, Report

FINITE_WITHIN_S = (0.0, *RELEASES_WITHIN_S[:-1])
PANIC_SHARE = 0.5  # with more than this share ejected, the last known view is used
UNKNOWN_WAIT_S = 60.0  # when no plan says when there will be room
MOST_LATER_S = 300.0  # that those who were refused before make one come back later
BLIND_WAIT_S = 2.0  # when nobody can be asked: a start or an outage


@dataclasses.dataclass(slots=True)
class Member:
    """One substation as the balancer sees it."""

    url: str
    report: Report
    received_s: float
    health: Health
    polled_w: int = 0  # the load by the last poll, for the naive policy
    outstanding_w: int = 0
    appointments: Appointments = dataclasses.field(default_factory=Appointments)

    def estimate_w(self, now_s: float) -> float:
        """Return the watts that it probably carries at a moment, with what is on its way to it."""
        freed = released_w(self.report.releases_w, now_s - self.received_s)
        return self.report.load_w - freed + self.outstanding_w

    def most_w(self, now_s: float) -> float:
        """Return the most watts that it can carry: only points of the schedule that are over count as freed."""
        over = bisect.bisect_right(FINITE_WITHIN_S, now_s - self.received_s)
        freed = (0, *self.report.releases_w)[max(over - 1, 0)]
        return self.report.load_w - freed + self.outstanding_w

    def fits_in_s(self, demand_w: int, now_s: float, ahead_w: int = 0) -> float | None:
        """Return after how many seconds `demand_w` fits by the known plans; None if they don't say.

        `ahead_w` is wanted by others before. What is more than the whole capacity waits until that
        was freed once more.
        """
        if self.report.draining:
            return None
        # What is outstanding may be refused: if it leaves no room at all, look without it.
        alone_s = self._room_in_s(self.outstanding_w + demand_w, now_s)
        if alone_s is None:
            alone_s = self._room_in_s(demand_w, now_s)
        if alone_s is None or not ahead_w:
            return alone_s
        turns, rest_w = divmod(ahead_w + demand_w, self.report.capacity_w)
        turn_s = self._room_in_s(self.report.capacity_w, now_s) if turns else 0.0
        rest_s = self._room_in_s(rest_w, now_s)
        if turn_s is None or rest_s is None:
            return alone_s + MOST_LATER_S
        return min(max(alone_s, turns * turn_s + rest_s), alone_s + MOST_LATER_S)

    def _room_in_s(self, wanted_w: int, now_s: float) -> float | None:
        """Return after how many seconds the known plans leave room for `wanted_w`."""
        elapsed_s = now_s - self.received_s
        moments = [elapsed_s, *(within_s for within_s in FINITE_WITHIN_S if within_s > elapsed_s)]
        for within_s in moments:
            carried_w = self.report.load_w - released_w(self.report.releases_w, within_s)
            if carried_w + wanted_w <= self.report.capacity_w:
                return within_s - elapsed_s
        return None


@dataclasses.dataclass(frozen=True, slots=True)
class Option:
    """One substation at the moment of a decision; `most_w` is the most that it can carry."""

    candidate: Candidate
    state: State
    draining: bool
    report_age_s: float
    most_w: float


class Fleet:
    """All substations that were ever seen, and the addresses where none answered yet.

    `poll_s` is the interval of the polls, `linked` tells whether the stream to a substation is up.
    """

    def __init__(self, poll_s: float, rng: Random, linked: Callable[[str], bool]) -> None:
        self.members: dict[str, Member] = {}
        self._poll_s = poll_s
        self.policy = DEFAULT_POLICY
        self._policies = policies()
        self._rng = rng
        self._linked = linked
        self._health: dict[str, Health] = {}
        self._given_up: set[str] = set()  # addresses

    def watch(self, url: str) -> None:
        """Expect a substation at `url`."""
        self._health.setdefault(url, Health())

    @property
    def policies(self) -> tuple[str, ...]:
        """The names of the policies that `use` takes."""
        return tuple(self._policies)

    def use(self, policy: str) -> bool:
        """Place by another policy from now on; returns whether there is one of that name."""
        if policy in self._policies:
            self.policy = policy
        return self.policy == policy

    def unseen(self) -> list[str]:
        """Return the watched addresses where no substation was ever seen."""
        known = {member.url for member in self.members.values()} | self._given_up
        return [url for url in self._health if url not in known]

    def forget(self, substation_id: str) -> None:
        """Give a substation up for good: nobody is expected at its address any more."""
        self._given_up.add(self.members.pop(substation_id).url)

    def missed(self, url: str) -> None:
        """A poll of `url` failed."""
        self._health[url].missed()

    def polled(self, url: str, report: Report, now_s: float) -> float | None:
        """Take a poll's report; returns how far the estimate was off, in watts, None if it is not newer."""
        health = self._health[url]
        health.answered()
        member = self.members.get(report.substation_id)
        if not member:
            self.members[report.substation_id] = Member(url, report, now_s, health, report.load_w)
            return None
        member.url, member.health, member.polled_w = url, health, report.load_w
        off_w = member.estimate_w(now_s) - report.load_w
        return off_w if self.adopt(report, now_s) else None

    def adopt(self, report: Report, now_s: float) -> bool:
        """Take a report if it is newer than the one known; returns whether it was."""
        member = self.members.get(report.substation_id)
        if not member or (report.epoch, report.seq) <= (member.report.epoch, member.report.seq):
            return False
        member.report, member.received_s = report, now_s
        return True

    def state(self, member: Member, now_s: float) -> State:
        """Return the health of a member."""
        linked = self._linked(member.report.substation_id)
        return member.health.state(now_s - member.received_s, self._poll_s, linked=linked)

    def usable(self, now_s: float) -> bool:
        """Whether at least one substation is healthy."""
        return any(self.state(member, now_s) is State.HEALTHY for member in self.members.values())

    def choose(self, demand_w: int, eligible: Collection[str], now_s: float) -> str | None:
        """Return whom to ask for `demand_w`; None when nobody has room. `eligible` empty: anybody."""
        return self.pick(self.look(eligible, now_s), demand_w, now_s)

    def look(self, eligible: Collection[str], now_s: float) -> list[Option]:
        """Return how the eligible stand at this moment. `eligible` empty: all."""
        return [
            Option(
                Candidate(name, member.estimate_w(now_s), member.report.capacity_w, member.polled_w),
                self.state(member, now_s),
                member.report.draining,
                now_s - member.received_s,
                member.most_w(now_s),
            )
            for name, member in self._eligible(eligible)
        ]

    def pick(self, options: Collection[Option], demand_w: int, now_s: float) -> str | None:
        """Return which of the options to ask for `demand_w`; None when nobody has room.

        Suspects are used only when no healthy one has room; ejected ones only in a panic.
        """
        tiers = [{State.HEALTHY}, {State.SUSPECT, State.PROBING}]
        if self.panic(now_s):
            tiers.append({State.EJECTED})
        for tier in tiers:
            open_ = [option.candidate for option in options if option.state in tier and not option.draining]
            if picked := self._policies[self.policy].pick(open_, demand_w, self._rng):
                return picked.substation_id
        return None

    def panic(self, now_s: float) -> bool:
        """Whether so many are ejected that the poll itself must be at fault."""
        ejected = sum(self.state(member, now_s) is State.EJECTED for member in self.members.values())
        return ejected > PANIC_SHARE * len(self.members)

    @contextlib.contextmanager
    def holding(self, substation_id: str, demand_w: int) -> Iterator[None]:
        """Count `demand_w` as outstanding at a substation while the context lasts."""
        member = self.members.get(substation_id)
        if member:
            member.outstanding_w += demand_w
        try:
            yield
        finally:
            if member:
                member.outstanding_w -= demand_w

    def retry_after_s(self, demand_w: int, eligible: Collection[str], now_s: float) -> float:
        """Return when it is worth coming back: the earliest release that is sufficient, in seconds.

        Sufficient for those too who were told before. And a poll more, for between two polls the
        view trails behind: it spreads a release evenly. The caller is expected back then.
        """
        members = [member for _, member in self._eligible(eligible)]
        if not members:
            return BLIND_WAIT_S
        waits: list[tuple[float, Member]] = []
        for member in members:
            member.appointments.pass_time(now_s)
            wait_s = member.fits_in_s(demand_w, now_s, member.appointments.ahead_w)
            if wait_s is not None:
                waits.append((wait_s + self._poll_s, member))
        if not waits:
            return UNKNOWN_WAIT_S + self._poll_s
        wait_s, member = min(waits, key=lambda wait: wait[0])
        member.appointments.make(now_s + wait_s, demand_w)
        return wait_s

    def rated_w(self, eligible: Collection[str]) -> int:
        """Return the highest rated capacity among the eligible, in watts; 0 if there are none."""
        return max((member.report.rated_w for _, member in self._eligible(eligible)), default=0)

    def _eligible(self, eligible: Collection[str]) -> Iterator[tuple[str, Member]]:
        return ((name, member) for name, member in self.members.items() if not eligible or name in eligible)


def released_w(releases_w: tuple[int, ...], elapsed_s: float) -> float:
    """Return the watts freed `elapsed_s` after a report, linear between the points of its schedule."""
    points = (0, *releases_w)
    after = bisect.bisect_right(FINITE_WITHIN_S, elapsed_s)
    if after == 0:
        return 0.0
    if after == len(FINITE_WITHIN_S):
        return float(points[after - 1])
    low_s, high_s = FINITE_WITHIN_S[after - 1], FINITE_WITHIN_S[after]
    share = (elapsed_s - low_s) / (high_s - low_s)
    return points[after - 1] + share * (points[after] - points[after - 1])
