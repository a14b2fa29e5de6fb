"""Looks for decisions among all that are kept: refused ones, those of a substation, those of a policy.

Pure. A page ends with all decisions of its last millisecond, so that the next one goes on before that time, whatever the
numbers of this balancer are: a reader of several balancers has one place for all.
"""

import dataclasses
from collections.abc import Iterable
from itertools import islice

from balancer.placing.decisions import Decision

LAST_MS = 2**53
REFUSED = frozenset({"refused", "stale", "withdrawn", "wrong_book"})  # by the substation that was asked
REFUSED_UNASKED = frozenset({"", "in_vain", "left"})  # where no substation was asked


@dataclasses.dataclass(frozen=True, slots=True)
class Wanted:
    """Decisions before a time; `substation` is where the car was sent, or a candidate when it was sent nowhere; '' is any."""

    before_unix_ms: int = LAST_MS
    refused: bool = False
    substation: str = ""
    policy: str = ""

    def fits(self, decision: Decision) -> bool:
        """Return whether a decision is wanted."""
        return (
            decision.unix_ms < self.before_unix_ms
            and (not self.policy or decision.policy == self.policy)
            and (not self.refused or is_refusal(decision))
            and (not self.substation or self._concerned(decision))
        )

    def _concerned(self, decision: Decision) -> bool:
        if decision.chosen:
            return decision.chosen == self.substation
        return decision.options.has(self.substation)


def is_refusal(decision: Decision) -> bool:
    """Return whether a decision ended without a place for the car."""
    return decision.outcome in (REFUSED if decision.chosen else REFUSED_UNASKED)


def search(newest_first: Iterable[Decision], wanted: Wanted, limit: int) -> tuple[list[Decision], int | None]:
    """Return `limit` decisions that fit, those of the last one's millisecond too, and the time before which more come.

    The time is None when these are all.
    """
    fitting = filter(wanted.fits, newest_first)
    found = list(islice(fitting, limit))
    for decision in fitting:
        if not found or decision.unix_ms < found[-1].unix_ms:
            return found, found[-1].unix_ms if found else None
        found.append(decision)
    return found, None
