"""Logs once when the identity of a substation is in doubt, and when it belongs to another order book."""

import logging

from balancer.fleet.health import HealthState
from balancer.fleet.member import Member
from balancer.fleet.view import View

log = logging.getLogger(__name__)


class IdentityLog:
    """Remembers what was logged of which substation."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._conflicts: set[str] = set()
        self._foreign: set[str] = set()

    def check(self, substation_id: str, member: Member, now_s: float) -> None:
        """Log what has changed since the last check of a substation."""
        self._check_conflict(substation_id, member, now_s)
        self._check_book(substation_id, member)

    def forget(self, substation_id: str) -> None:
        """Forget a substation that is gone for good."""
        self._conflicts.discard(substation_id)
        self._foreign.discard(substation_id)

    def _check_conflict(self, substation_id: str, member: Member, now_s: float) -> None:
        """Log once that an identity is in conflict, and once that it is not any more."""
        in_conflict = self._view.state(member, now_s) is HealthState.CONFLICT
        if in_conflict and substation_id not in self._conflicts:
            self._conflicts.add(substation_id)
            seen_at = {journal: where for journal, (where, _) in member.identity_evidence.journals.items()}
            heard = member.identity_evidence.heard
            log.error(
                "identity conflict: nothing is placed there",
                extra={
                    "substation": substation_id,
                    "journals": seen_at,
                    "stream": heard and heard.journal_id,
                },
            )
        elif not in_conflict and substation_id in self._conflicts:
            self._conflicts.discard(substation_id)
            log.warning("identity conflict over", extra={"substation": substation_id})

    def _check_book(self, substation_id: str, member: Member) -> None:
        """Log once that a substation belongs to another order book."""
        if not self._view.roster.foreign(member):
            self._foreign.discard(substation_id)
        elif substation_id not in self._foreign:
            self._foreign.add(substation_id)
            log.error(
                "a substation belongs to another order book: nothing is placed there",
                extra={
                    "substation": substation_id,
                    "its_book": member.book_id,
                    "own_book": self._view.roster.book_id,
                },
            )
