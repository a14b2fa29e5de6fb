"""Decides whether a substation may be given up: only when it can't charge cars any more.

Pure. A key that is claimed at a journal may move on once that journal is given up. If a car of that journal
were still charging, the key would get a second session.
"""

from balancer.fleet.health import HealthState
from balancer.fleet.view import Fleet

ABSENT = frozenset({HealthState.EJECTED, HealthState.GONE})
AGAIN = "and give the order again"


def objection(fleet: Fleet, substation_id: str, journal_id: str, now_s: float) -> str:
    """Return why a journal can't be given up at a moment and what to do first; '' when it can be.

    `journal_id` '' means every journal of the substation.
    """
    member = fleet.members.get(substation_id)
    if not member:
        return _unseen(fleet, substation_id)
    state, present = fleet.state(member, now_s), member.report.journal_id
    if state is HealthState.CONFLICT:
        return (
            f"the identity of {substation_id} is in doubt: stop the process that should not run under this id,"
            f" wait until the state is not 'conflict' any more, {AGAIN}"
        )
    if journal_id not in {"", present}:
        return ""
    linked = fleet.linked(substation_id)
    if state in ABSENT and not linked:
        return ""
    return (
        f"{substation_id} may still charge cars (state '{state}', stream {'up' if linked else 'down'}, journal"
        f" {present}): stop its process, wait until it is 'ejected' or 'gone' and its stream is down, {AGAIN}."
        " To give up only a former journal, send its journal_id"
    )


def _unseen(fleet: Fleet, substation_id: str) -> str:
    """Return an objection while the substation may be at an address that was not polled yet since the start."""
    if not (undecided := fleet.undecided()):
        return ""
    return (
        f"{substation_id} may be at {', '.join(undecided)}, which has not been polled yet: wait until the polls of"
        f" these addresses have failed or succeeded, {AGAIN}"
    )
