"""Which substations take cars if they have room: a list that is made anew only when it may have changed.

Pure.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from balancer.fleet.member import Member
from balancer.fleet.short_list import ShortLists
from substation.contract import Report


class Takers(NamedTuple):
    """The substations that take cars if they have room, by their ids, and in the same order what is known of them.

    `own` are all that belong to this order book, draining ones too.
    """

    names: Sequence[str]
    members: Sequence[Member]
    own: Sequence[Member]


class TakerList:
    """Those of a roster's members that neither drain nor are foreign."""

    def __init__(self, members: Mapping[str, Member], foreign: Callable[[Member], bool]) -> None:
        self._members = members
        self._foreign = foreign
        self._all: Takers | None = None
        self.short_lists = ShortLists()

    def among(self, names: Collection[str] = ()) -> Takers:
        """Return those of the named ones, or of all."""
        if not names:
            if not self._all:
                self._all = self._found(self._members.items())
            return self._all
        known = self._members
        return self._found((name, known[name]) for name in dict.fromkeys(names) if name in known)

    def outdated(self) -> None:
        """Note that a member came or went, or is of another order book."""
        self._all = None
        self.short_lists.clear()

    def reported(self, member: Member, report: Report) -> None:
        """Note that a report of a member is about to be taken."""
        if member.report.draining != report.draining:
            self.outdated()
        self.short_lists.reported(member)

    def _found(self, known: Iterable[tuple[str, Member]]) -> Takers:
        own = [(name, member) for name, member in known if not self._foreign(member)]
        takers = [(name, member) for name, member in own if not member.report.draining]
        return Takers(
            [name for name, _ in takers], [member for _, member in takers], [member for _, member in own]
        )
