"""Finding, listing and stopping sessions: at the substations that own them."""

import re

from balancer.contract import CURSOR, BalancerAnswer, BalancerOutcome, FindSession, ListSessions, StopSession
from balancer.fleet.roster import Roster
from balancer.placing.asking import Asker
from substation import contract as substation

RETRY_MS = 1000
OUTCOMES = {
    substation.SubstationOutcome.FOUND: BalancerOutcome.FOUND,
    substation.SubstationOutcome.STOPPED: BalancerOutcome.STOPPED,
    substation.SubstationOutcome.NOT_FOUND: BalancerOutcome.NOT_FOUND,
}


class Sessions:
    """Finds, lists and stops sessions by asking the substations that own them."""

    def __init__(self, roster: Roster, asker: Asker) -> None:
        self._roster = roster
        self._asker = asker

    async def ask(self, command: FindSession | StopSession | ListSessions, until_s: float) -> BalancerAnswer:
        """Answer by the monotonic time `until_s`; an owner that can't be reached is not "not found"."""
        if isinstance(command, ListSessions):
            return await self._page(command, until_s)
        owner = substation.owner(command.session_id)
        if owner not in self._roster.members:
            if self._roster.addresses.unseen():
                return BalancerAnswer(BalancerOutcome.UNREACHABLE, retry_after_ms=RETRY_MS)
            return BalancerAnswer(BalancerOutcome.NOT_FOUND)
        asked = substation.StopSession if isinstance(command, StopSession) else substation.FindSession
        answer = await self._asker.ask(owner, asked(command.session_id, command.caller), until_s)
        if answer is None or answer.outcome not in OUTCOMES:
            return _unreachable(owner)
        if answer.session is None and answer.outcome is not substation.SubstationOutcome.NOT_FOUND:
            return _unreachable(owner)  # its answer can't be true
        return BalancerAnswer(OUTCOMES[answer.outcome], answer.session)

    async def _page(self, page: ListSessions, until_s: float) -> BalancerAnswer:
        """Go through the substations by their ids; a list that may lack sessions is not FOUND."""
        if self._roster.addresses.unseen():
            return _unreachable("one of the substations")
        first, start = _place(page.cursor)
        found: list[substation.Session] = []
        for name in sorted(name for name in self._roster.members if name >= first):
            if len(found) == page.limit:
                return BalancerAnswer(BalancerOutcome.FOUND, sessions=tuple(found), next_cursor=f"{name}:0")
            after = start if name == first else 0
            asked = substation.ListSessions(after, page.limit - len(found), page.vehicle_id, page.caller)
            answer = await self._asker.ask(name, asked, until_s)
            if answer is None or answer.outcome is not substation.SubstationOutcome.FOUND:
                return _unreachable(name)
            found += answer.sessions
            if answer.next_after:
                cursor = f"{name}:{answer.next_after}"
                return BalancerAnswer(BalancerOutcome.FOUND, sessions=tuple(found), next_cursor=cursor)
        return BalancerAnswer(BalancerOutcome.FOUND, sessions=tuple(found))


def _place(cursor: str) -> tuple[str, int]:
    """Return the substation and the number to go on from; a cursor that no page gave stands for the start."""
    if not re.fullmatch(CURSOR, cursor):
        return "", 0
    name, number = cursor.split(":")
    return name, int(number)


def _unreachable(whom: str) -> BalancerAnswer:
    return BalancerAnswer(
        BalancerOutcome.UNREACHABLE, retry_after_ms=RETRY_MS, detail=f"{whom} does not answer"
    )
