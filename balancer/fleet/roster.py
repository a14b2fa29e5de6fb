"""The roster: which substations there are, where each of them is, and its newest report.

Pure: time comes as seconds of a monotonic clock. Rules:

- of two reports the one with the higher (epoch, seq) counts, however late it comes; but a page whose epoch
  stays below the known one is believed after BEHIND polls;
- a substation is where its page was seen last, and nowhere else;
- one id under two journals at two addresses is disputed, and no report of the second journal is taken;
- a substation that is gone is kept for a while, and for as long as it has sessions.
"""

from balancer.fleet.addresses import Addresses
from balancer.fleet.health import EJECT_AFTER
from balancer.fleet.inflow import Inflow
from balancer.fleet.member import Member
from balancer.fleet.takers import TakerList
from substation.contract import Report

BEHIND = 2  # polls in a row after which a lower epoch is believed; a single one may cross a restart
GONE_S = 600.0  # how long one without sessions is shown after it was seen last
MOST_GONE = 100  # an address may make up one id a poll


class Roster:
    """All substations that were ever seen, by their ids, and the addresses that are polled.

    `poll_s` is the interval of the polls; a poll counts as recent for `recent_s`. Substations that belong to another order book than `book_id` are
    foreign; with '' none is. With `several`, other balancers place on the same substations.
    """

    def __init__(self, poll_s: float, book_id: str = "", *, several: bool = False) -> None:
        self.members: dict[str, Member] = {}
        self.addresses = Addresses()
        self.poll_s, self.recent_s = poll_s, EJECT_AFTER * poll_s
        self.book_id = book_id
        self.reports = 0  # how many were taken
        self.takers = TakerList(self.members, self.foreign)
        self.inflow = Inflow(self.recent_s, several=several)
        self._given_up: set[str] = set()  # ids, since the last call of `forget`

    def polled(self, url: str, report: Report, now_s: float) -> float | None:
        """Take a poll's report; returns how far the estimate was off, in watts, None if it is not newer."""
        health = self.addresses.answered(url, report.substation_id)
        member = self.members.get(report.substation_id)
        if member and (report.journal_id != member.report.journal_id or url != member.url):
            self.addresses.upsets += 1
        if not member:
            member = Member(url, report, now_s, health, report.taken_w)
            self.members[report.substation_id] = member
            self.reports += 1
            self.takers.outdated()
        member.identity_evidence.saw(report.journal_id, url, now_s, self.recent_s)
        if not self._credible(member, url, report, now_s):
            return None
        # These start a new count: a new journal; another address, if the stream at the former one was another
        # substation's; and a page whose epoch stays below the known one, which was another's or a mistake.
        moved, renewed = url != member.url, report.journal_id != member.report.journal_id
        member.behind = 0 if report.epoch >= member.report.epoch else member.behind + 1
        anew = renewed or member.behind >= BEHIND or (moved and member.denied_s(now_s) is not None)
        if moved or renewed:
            member.identity_evidence.turn(report.substation_id, report.journal_id, moved=moved)
        member.url, member.health, member.polled_w = url, health, report.taken_w
        self.inflow.polled(report, now_s)
        if renewed:
            member.book_id = ""
            self.takers.outdated()
        if anew:
            self.takers.reported(member, report)
            member.take(report, now_s)
            member.behind = 0
            self.reports += 1
            return None
        off_w = member.estimate_w(now_s) - report.taken_w
        return off_w if self._renew(member, report, now_s) else None

    def adopt(self, report: Report, now_s: float) -> bool:
        """Take a report that came on a substation's stream, if it is newer; returns whether it was.

        One of another journal is not taken: a poll decides which journal counts.
        """
        member = self.members.get(report.substation_id)
        if not member:
            return False
        self._hear(member, report, now_s)
        if report.journal_id != member.report.journal_id:
            return False
        if member.book_id != report.book_id:
            member.book_id = report.book_id
            self.takers.outdated()
        return self._renew(member, report, now_s)

    def denied(self, substation_id: str, report: Report, now_s: float) -> None:
        """Note that the stream of a substation was answered by another one, with `report`."""
        if member := self.members.get(substation_id):
            self._hear(member, report, now_s)

    def late(self, substation_id: str, now_s: float) -> None:
        """Note that a call to a substation has no answer, although its stream is up."""
        if member := self.members.get(substation_id):
            member.health.late(now_s)
            self.addresses.upsets += 1

    def prompt(self, substation_id: str, now_s: float) -> None:
        """Note that a call to a substation was decided in time."""
        if member := self.members.get(substation_id):
            member.health.prompt(now_s)

    def disputed(self, member: Member, now_s: float) -> bool:
        """Whether two journals claim a substation's id at the same time: no request may be sent under it."""
        return member.identity_evidence.disputed(now_s, self.recent_s)

    def absent(self, member: Member) -> bool:
        """Whether a substation's address is not watched any more, or has shown another's page."""
        return not self.addresses.belongs_to(member.url, member.report.substation_id)

    def foreign(self, member: Member) -> bool:
        """Whether a substation belongs to another order book, so that it would refuse."""
        return bool(self.book_id) and member.book_id not in {"", self.book_id}

    def give_up(self, substation_id: str) -> None:
        """Give a substation up for good: no substation is expected at its address any more."""
        self.addresses.vacated |= {self.members.pop(substation_id).url}
        self.takers.outdated()
        self._given_up.add(substation_id)

    def forget(self, now_s: float) -> list[str]:
        """Drop those that are gone for good; returns their ids, and those that were given up meanwhile.

        One that left sessions is kept, so that they are "unreachable" and not "not found".
        """
        gone = sorted(
            (member.received_s, name)
            for name, member in self.members.items()
            if self.absent(member) and not self.disputed(member, now_s) and not member.outstanding_w
        )
        forgotten = [
            name
            for number, (received_s, name) in enumerate(gone)
            if number < len(gone) - MOST_GONE
            or (now_s - received_s > GONE_S and not self.members[name].report.sessions)
        ]
        for name in forgotten:
            del self.members[name]
            self.takers.outdated()
        given_up, self._given_up = self._given_up - self.members.keys(), set()
        return forgotten + sorted(given_up)

    def _hear(self, member: Member, report: Report, now_s: float) -> None:
        """Take the identity that the stream of a member names."""
        seen = member.report
        if (report.substation_id, report.journal_id) != (seen.substation_id, seen.journal_id):
            self.addresses.upsets += 1
        member.identity_evidence.hear(report.substation_id, report.journal_id, now_s)

    def _renew(self, member: Member, report: Report, now_s: float) -> bool:
        self.takers.reported(member, report)
        self.reports += (newer := member.renew(report, now_s))
        return newer

    def _credible(self, member: Member, url: str, report: Report, now_s: float) -> bool:
        """Whether a page at `url` speaks for a member: it may be at a second address, or a second one of its id."""
        if report.journal_id != member.report.journal_id:
            return not self.disputed(member, now_s)
        at_home = self.addresses.confirms(member.url, report.substation_id)
        restarted = report.epoch > member.report.epoch
        return url == member.url or not at_home or restarted or member.denied_s(now_s) is not None
