"""Whether a substation may be given up: only when nothing can be placed at it any more.

Pure. A key that is claimed at a journal moves on once that is given up. If the journal still charged a car,
the key would have two sessions.
"""

from balancer.fleet import Fleet
from balancer.health import State

ABSENT = frozenset({State.EJECTED, State.GONE})
AGAIN = "and give the order again"


def objection(fleet: Fleet, substation_id: str, journal_id: str, now_s: float) -> str:
    """Return why a journal can't be given up at a moment and what to do first; '' when it can be.

    `journal_id` '' is every journal of the substation.
    """
    member = fleet.members.get(substation_id)
    if not member:
        return _unseen(fleet, substation_id)
    state, present = fleet.state(member, now_s), member.report.journal_id
    if state is State.CONFLICT:
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
        " To give up a former journal of it alone, send its journal_id"
    )


def _unseen(fleet: Fleet, substation_id: str) -> str:
    """It may be at an address that this balancer, which has just started, has not looked at yet."""
    if not (undecided := fleet.undecided()):
        return ""
    return (
        f"{substation_id} may be at {', '.join(undecided)}, where no answer came yet: wait until the polls of"
        f" these addresses have failed or succeeded, {AGAIN}"
    )
