"""Looks sessions up in the journal: the commands that change nothing."""

from runtime.store import StoreDamaged
from substation.contract import (
    MOST_LISTED,
    FindSession,
    ListSessions,
    SubstationAnswer,
    SubstationOutcome,
)
from substation.ended_listing import EndedQuery
from substation.journal import Journal
from substation.records import Record


class Queries:
    """Answers from the journal of the substation `substation_id`."""

    def __init__(self, journal: Journal, substation_id: str) -> None:
        self._journal = journal
        self._substation_id = substation_id

    def answer(self, command: object, now_ms: int) -> SubstationAnswer:
        """Answer a command that only reads; any other is `unavailable`. Raises StoreDamaged."""
        match command:
            case FindSession(session_id, caller):
                record = self._journal.by_session(session_id, caller)
                return self.shown(
                    SubstationOutcome.FOUND if record else SubstationOutcome.NOT_FOUND, record, now_ms
                )
            case ListSessions(after, limit, vehicle_id, caller):
                limit = min(max(limit, 1), MOST_LISTED)
                rows = self._journal.page(after, limit, vehicle_id, caller)
                next_after = rows[-1][0] if len(rows) == limit else 0
                return self._listed([record for _, record in rows], next_after, now_ms)
            case EndedQuery():
                records, place = self._journal.ended(command, self._substation_id, now_ms)
                return self._listed(records, place, now_ms)
            case _:
                return SubstationAnswer(SubstationOutcome.UNAVAILABLE)

    def _listed(self, records: list[Record], next_after: int, now_ms: int) -> SubstationAnswer:
        shown = (record.session_at(now_ms, self._substation_id) for record in records)
        sessions = tuple(session for session in shown if session)
        return SubstationAnswer(SubstationOutcome.FOUND, None, sessions, next_after)

    def answer_if_readable(self, command: object, now_ms: int) -> SubstationAnswer:
        """Answer as above, with `unavailable` for records that can't be read."""
        try:
            return self.answer(command, now_ms)
        except StoreDamaged:
            return SubstationAnswer(SubstationOutcome.UNAVAILABLE)

    def shown(self, outcome: SubstationOutcome, record: Record | None, now_ms: int) -> SubstationAnswer:
        """Return an answer with the session of a record as it is at a grid time."""
        return SubstationAnswer(outcome, record.session_at(now_ms, self._substation_id) if record else None)
