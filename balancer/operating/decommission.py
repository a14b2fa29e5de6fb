"""Decides whether a substation may be given up: only when it can't charge cars any more.

Pure. A key that is claimed at a journal may move on once that journal is given up. If a car of that journal
were still charging, the key would get a second session.
"""

from collections.abc import Collection

from balancer.book.protocol import Reached
from balancer.fleet.health import HealthState
from balancer.fleet.view import View

ABSENT = frozenset({HealthState.EJECTED, HealthState.GONE})
AGAIN = "and give the order again"


def objection(view: View, substation_id: str, journal_id: str, now_s: float) -> str:
    """Return why a journal can't be given up at a moment and what to do first; '' when it can be.

    `journal_id` '' means every journal of the substation.
    """
    member = view.roster.members.get(substation_id)
    if not member:
        return _unseen(view, substation_id)
    state, present = view.state(member, now_s), member.report.journal_id
    if state is HealthState.CONFLICT:
        return (
            f"the identity of {substation_id} is in doubt: stop the process that should not run under this id,"
            f" wait until the state is not 'conflict' any more, {AGAIN}"
        )
    if journal_id not in {"", present}:
        return ""
    if not may_charge(view, substation_id, now_s):
        return ""
    linked = view.linked(substation_id)
    return (
        f"{substation_id} may still charge cars (state '{state}', stream {'up' if linked else 'down'}, journal"
        f" {present}): stop its process, wait until it is 'ejected' or 'gone' and its stream is down, {AGAIN}."
        " To give up only a former journal, send its journal_id"
    )


def may_charge(view: View, substation_id: str, now_s: float) -> bool:
    """Whether a substation that was seen may still charge cars, as far as this balancer knows."""
    member = view.roster.members[substation_id]
    return view.state(member, now_s) not in ABSENT or view.linked(substation_id)


def objection_of_others(reached: Collection[Reached], substation_id: str, journal_id: str) -> str:
    """Return why a journal can't be given up while another balancer reaches it; '' when none does.

    `reached` is what the others reach, and `journal_id` '' means every journal of the substation.
    """
    journals = sorted(
        journal for name, journal in reached if name == substation_id and journal_id in {"", journal}
    )
    if not journals:
        return ""
    return (
        f"another balancer reaches {substation_id} (journal {', '.join(journals)}): stop its process, wait until it is"
        f" 'ejected' or 'gone' at every balancer, {AGAIN}"
    )


def _unseen(view: View, substation_id: str) -> str:
    """Return an objection while the substation may be at an address that was not polled yet since the start."""
    if not (undecided := view.roster.addresses.undecided()):
        return ""
    return (
        f"{substation_id} may be at {', '.join(undecided)}, which has not been polled yet: wait until the polls of"
        f" these addresses have failed or succeeded, {AGAIN}"
    )
