"""Pages of the ended sessions, looked for in pieces on the writer's thread, between which it commits."""

import asyncio
import dataclasses
from collections.abc import Callable
from typing import Any

from substation.contract import Session, SubstationAnswer, SubstationOutcome
from substation.ended_listing import EndedQuery, session_at

MOST_PIECES = 40  # for one answer: 20,000 records


class Stopping(Exception):
    """The journal can't be asked: the substation is stopping, or its journal is damaged."""


class EndedPages:
    """Answers queries for the ended sessions of a substation, one at a time."""

    def __init__(
        self, ask: Callable[[EndedQuery], "asyncio.Future[SubstationAnswer]"], substation_id: str
    ) -> None:
        """`ask` has the writer look for one piece."""
        self._ask = ask
        self.substation_id = substation_id
        self._turn = (
            asyncio.Lock()
        )  # several searches at once would leave commits as little time as a long one

    async def find(self, query: EndedQuery) -> dict[str, Any]:
        """Return a page as JSON has it; raises Stopping."""
        found: list[Session] = []
        async with self._turn:
            for _ in range(MOST_PIECES):
                answer = await self._ask(query)
                if answer.outcome is not SubstationOutcome.FOUND:
                    raise Stopping
                found.extend(answer.sessions)
                before = answer.next_after
                if not before or len(answer.sessions) == query.limit:
                    break
                query = dataclasses.replace(query, before=before, limit=query.limit - len(answer.sessions))
        return {
            "sessions": [each.fields() for each in found],
            "next": session_at(before, self.substation_id) if before else None,
        }
