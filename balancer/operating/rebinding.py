"""Binds substations of a former order book to the one that follows it: after a move, or after its loss."""

import asyncio
import logging
from collections.abc import Callable

from balancer.fleet.roster import Roster
from balancer.placing.asking import Asker
from substation.contract import Bind, SubstationOutcome

log = logging.getLogger(__name__)

LOOK_EVERY_S = 0.5
BIND_S = 2.0  # for a substation to answer


class Rebinding:
    """Asks each substation that belongs to a former book to belong to this one."""

    def __init__(self, roster: Roster, asker: Asker, former: Callable[[], frozenset[str]]) -> None:
        """`former` returns the ids of the books that this one follows."""
        self._roster = roster
        self._asker = asker
        self._former = former

    async def follow(self) -> None:
        """Look for such substations until cancelled."""
        while True:
            former = self._former()
            wanted = [
                name for name, member in self._roster.members.items() if former and member.book_id in former
            ]
            await asyncio.gather(*(self._bind(name, former) for name in wanted))
            await asyncio.sleep(LOOK_EVERY_S)

    async def _bind(self, substation_id: str, former: frozenset[str]) -> None:
        order = Bind(self._roster.book_id, tuple(sorted(former)))
        answer = await self._asker.once(substation_id, order, BIND_S)
        if answer and answer.outcome is SubstationOutcome.DONE:
            log.warning("a substation belongs to this order book now", extra={"substation": substation_id})
