"""The view of the fleet: the newest report of each substation, and what was placed since.

Pure: time comes as seconds of a monotonic clock. Rules:

- of two reports the one with the higher (epoch, seq) counts, however late it comes; but a page whose epoch
  stays below the known one is believed after BEHIND polls;
- estimate = reported load + what is outstanding - what the reported plans have freed since;
- a placement is reserved before anything is awaited, and released when its answer is known;
- a substation is where its page was seen last, and nowhere else; whoever's identity is in doubt is not used;
- the view only chooses whom to ask: the substation decides.
"""

import contextlib
from collections.abc import Callable, Collection, Iterator

from balancer.fleet.health import EJECT_AFTER, Health, HealthState
from balancer.fleet.member import Member, Option
from balancer.fleet.policy import DEFAULT_POLICY, Candidate, Random, policies
from substation.contract import Report

BEHIND = 2  # polls in a row after which a lower epoch is believed; a single one may cross a restart
PANIC_SHARE = 0.5  # with more than this share ejected, the last known view is used
GONE_S = 600.0  # how long one without sessions is shown after it was seen last
MOST_GONE = 100  # whatever an address makes up, one id a poll
LOST = frozenset({HealthState.GONE, HealthState.CONFLICT})  # substations in these states are never asked


class Fleet:
    """All substations that were ever seen, and the addresses where none answered yet.

    `poll_s` is the interval of the polls, `linked` returns whether the stream to a substation is up.
    Substations that belong to another order book than `book_id` are not used, because they would refuse.
    """

    def __init__(self, poll_s: float, rng: Random, linked: Callable[[str], bool], book_id: str = "") -> None:
        self.members: dict[str, Member] = {}
        self.poll_s = poll_s
        self.policy = DEFAULT_POLICY
        self._policies = policies()
        self.book_id = book_id
        self._rng = rng
        self.linked = linked
        self._health: dict[str, Health] = {}
        self.vacated: frozenset[str] = frozenset()  # addresses of substations that were given up
        self._shown: dict[str, str] = {}  # whose page an address has shown last
        self._left: set[str] = set()  # ids that were given up since `forget`
        self.unresolved: set[str] = set()  # names of which no address is known yet

    def watch(self, url: str) -> None:
        """Expect a substation at `url`."""
        self._health.setdefault(url, Health())

    @property
    def policies(self) -> tuple[str, ...]:
        """The names of the policies that `use` takes."""
        return tuple(self._policies)

    def unwatch(self, url: str) -> None:
        """Expect nobody at `url` any more; who was there is gone until it is seen again."""
        self._health.pop(url, None)
        self._shown.pop(url, None)

    @property
    def watched(self) -> int:
        """How many addresses are watched."""
        return len(self._health)

    def use(self, policy: str) -> bool:
        """Place by another policy from now on; returns whether there is one of that name."""
        if policy in self._policies:
            self.policy = policy
        return self.policy == policy

    def unseen(self) -> list[str]:
        """Return the names without an address, and the watched addresses where no substation was ever seen."""
        known = self.vacated | self._shown.keys()
        return [*sorted(self.unresolved), *(url for url in self._health if url not in known)]

    def give_up(self, substation_id: str) -> None:
        """Give a substation up for good: nobody is expected at its address any more."""
        self.vacated |= {self.members.pop(substation_id).url}
        self._left.add(substation_id)

    def undecided(self) -> list[str]:
        """Return the addresses that may still answer, but where no substation was seen yet."""
        return [url for url in self.unseen() if (h := self._health.get(url)) and h.misses < EJECT_AFTER]

    def missed(self, url: str) -> None:
        """A poll of `url` failed."""
        self._health[url].missed()

    def polled(self, url: str, report: Report, now_s: float) -> float | None:
        """Take a poll's report; returns how far the estimate was off, in watts, None if it is not newer."""
        health = self._health[url]
        health.answered()
        self._shown[url] = report.substation_id
        member = self.members.get(report.substation_id)
        if not member:
            member = Member(url, report, now_s, health, report.load_w)
            self.members[report.substation_id] = member
        member.sightings.saw(report.journal_id, url, now_s, self._recent_s)
        if not self._credible(member, url, report, now_s):
            return None
        # These start a new count: a new journal; another address, if the stream at the former one was another
        # substation's; and a page whose epoch stays below the known one, which was another's or a mistake.
        moved, renewed = url != member.url, report.journal_id != member.report.journal_id
        member.behind = 0 if report.epoch >= member.report.epoch else member.behind + 1
        anew = renewed or member.behind >= BEHIND or (moved and self._denied_s(member, now_s) is not None)
        if moved or renewed:
            member.sightings.turn(report.substation_id, report.journal_id, moved=moved)
        member.url, member.health, member.polled_w = url, health, report.load_w
        if renewed:
            member.book_id = ""
        if anew:
            member.report, member.received_s, member.behind = report, now_s, 0
            return None
        off_w = member.estimate_w(now_s) - report.load_w
        return off_w if self._renew(member, report, now_s) else None

    def adopt(self, report: Report, now_s: float) -> bool:
        """Take a report that came on a substation's stream, if it is newer; returns whether it was.

        One of another journal is not taken: a poll decides which journal counts.
        """
        member = self.members.get(report.substation_id)
        if not member:
            return False
        member.sightings.hear(report.substation_id, report.journal_id, now_s)
        if report.journal_id != member.report.journal_id:
            return False
        member.book_id = report.book_id
        return self._renew(member, report, now_s)

    def denied(self, substation_id: str, report: Report, now_s: float) -> None:
        """The stream of a substation was answered by another one."""
        if member := self.members.get(substation_id):
            member.sightings.hear(report.substation_id, report.journal_id, now_s)

    def late(self, substation_id: str, now_s: float) -> None:
        """A call to a substation has no answer, although its stream is up."""
        if member := self.members.get(substation_id):
            member.health.late(now_s)

    def prompt(self, substation_id: str, now_s: float) -> None:
        """A call to a substation was decided in time."""
        if member := self.members.get(substation_id):
            member.health.prompt(now_s)

    def disputed(self, substation_id: str, now_s: float) -> bool:
        """Whether two journals claim an id at the same time: nobody may be asked under it."""
        return self.members[substation_id].sightings.disputed(now_s, self._recent_s)

    def forget(self, now_s: float) -> list[str]:
        """Drop those that are gone for good; returns their ids, and those that were given up meanwhile.

        One that left sessions is kept, so that they are "unreachable" and not "not found".
        """
        gone = sorted(
            (member.received_s, name)
            for name, member in self.members.items()
            if self.state(member, now_s) is HealthState.GONE and not member.outstanding_w
        )
        over = len(gone) - MOST_GONE
        forgotten = [
            name
            for number, (received_s, name) in enumerate(gone)
            if number < over or (now_s - received_s > GONE_S and not self.members[name].report.sessions)
        ]
        for name in forgotten:
            del self.members[name]
        left, self._left = self._left - self.members.keys(), set()
        return forgotten + sorted(left)

    def state(self, member: Member, now_s: float) -> HealthState:
        """Return the state of a member; one in doubt is not used, one that is gone even less."""
        substation_id = member.report.substation_id
        denied_s = self._denied_s(member, now_s)
        if member.sightings.disputed(now_s, self._recent_s):
            return HealthState.CONFLICT
        if member.url not in self._health or self._shown.get(member.url, substation_id) != substation_id:
            return HealthState.GONE
        if denied_s is not None:  # after a restart elsewhere that lasts for one poll: no alarm yet
            return HealthState.CONFLICT if denied_s > self._recent_s else HealthState.EJECTED
        linked = self.linked(substation_id)
        return member.health.state(now_s - member.received_s, self.poll_s, now_s, linked=linked)

    @property
    def _recent_s(self) -> float:
        return EJECT_AFTER * self.poll_s

    def _credible(self, member: Member, url: str, report: Report, now_s: float) -> bool:
        """Whether a page at `url` speaks for a member: it may be at a second address, or a second one of its id."""
        if report.journal_id != member.report.journal_id:
            return not member.sightings.disputed(now_s, self._recent_s)
        health = self._health.get(member.url)
        at_home = health and not health.misses and self._shown.get(member.url) == report.substation_id
        restarted = report.epoch > member.report.epoch
        return url == member.url or not at_home or restarted or self._denied_s(member, now_s) is not None

    def _denied_s(self, member: Member, now_s: float) -> float | None:
        return member.sightings.denied_s(member.report.substation_id, member.report.journal_id, now_s)

    @staticmethod
    def _renew(member: Member, report: Report, now_s: float) -> bool:
        if (report.epoch, report.seq) <= (member.report.epoch, member.report.seq):
            return False
        member.report, member.received_s = report, now_s
        return True

    def foreign(self, member: Member) -> bool:
        """Whether a substation belongs to another order book."""
        return bool(self.book_id) and member.book_id not in {"", self.book_id}

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
                self.linked(name),
            )
            for name, member in self._eligible(eligible)
        ]

    def pick(self, options: Collection[Option], demand_w: int, now_s: float) -> str | None:
        """Return which of the options to ask for `demand_w`; None when nobody has room.

        Suspects are used only when no healthy one has room; ejected ones only in a panic. A substation
        whose stream is down is never used: a key that is claimed there would depend on it (docs/adr/0014).
        """
        tiers = [{HealthState.HEALTHY}, {HealthState.SUSPECT, HealthState.PROBING}]
        if self.panic(now_s):
            tiers.append({HealthState.EJECTED})
        asked = [option for option in options if option.linked and not option.draining]
        for tier in tiers:
            open_ = [option.candidate for option in asked if option.state in tier]
            if picked := self._policies[self.policy].pick(open_, demand_w, self._rng):
                return picked.substation_id
        return None

    def reachable(self, eligible: Collection[str], now_s: float) -> bool:
        """Whether one of the eligible could be asked now, if it had room. `eligible` empty: any."""
        known = (m for name, m in self._eligible(eligible) if self.linked(name))
        return any(self.state(member, now_s) not in LOST for member in known)

    def panic(self, now_s: float) -> bool:
        """Whether so many are ejected that the poll itself must be at fault."""
        states = [self.state(member, now_s) for member in self.members.values()]
        counted = [state for state in states if state not in LOST]
        return counted.count(HealthState.EJECTED) > PANIC_SHARE * len(counted)

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

    def admitting(self, eligible: Collection[str], now_s: float) -> list[tuple[str, Member]]:
        """Return the eligible substations that would be asked if they had room, by their ids.

        Draining ones, and those whose stream is down, would not be asked. `eligible` empty: all.
        """
        asked = {
            HealthState.HEALTHY,
            HealthState.SUSPECT,
            HealthState.PROBING,
            *([HealthState.EJECTED] if self.panic(now_s) else []),
        }
        return [
            (name, member)
            for name, member in self._eligible(eligible)
            if self.linked(name) and not member.report.draining and self.state(member, now_s) in asked
        ]

    def free_w(self, option: Option) -> float:
        """Return the power that an option has left, in watts, as the policy in force counts it."""
        return option.candidate.capacity_w - self._policies[self.policy].load(option.candidate)

    def rated_w(self, eligible: Collection[str]) -> int:
        """Return the highest rated capacity among the eligible, in watts; 0 if there are none.

        One that is gone counts until it is forgotten: it may come back, and "never" must be true.
        """
        return max((member.report.rated_w for _, member in self._eligible(eligible)), default=0)

    def _eligible(self, eligible: Collection[str]) -> Iterator[tuple[str, Member]]:
        return (
            (name, member)
            for name, member in self.members.items()
            if (not eligible or name in eligible) and not self.foreign(member)
        )
